import { execFileSync } from 'node:child_process';
import nodeFs from 'node:fs/promises';
import { expect, test } from 'vitest';
import { openLocalObjectStore } from '../../src/local/local-store.ts';
import { createMemoryObjectStore } from '../../src/memory-store.ts';
import type { ListOptions, ObjectStore } from '../../src/object-store.ts';
import { bytes, join, keys, openBelow, outcome, pages, pinned, plainPath, tempDir } from './helpers.ts';

/** A store whose looks at the file system are counted: `readdir`, `lstat` and `open` by plain path. */
async function opened() {
  const base = await tempDir();
  const root = join(base, 'root');
  const seen: string[] = [];
  let before: (call: string, path: string) => Promise<void> = async () => {};
  const watched = (name: 'readdir' | 'lstat' | 'open') => ({
    [name]: async (path: string, ...rest: unknown[]) => {
      const plain = (await plainPath(path)).replace(/\/$/, '');
      await before(name, plain);
      seen.push(`${name} ${plain.slice(root.length + 1)}`);
      const result = await (nodeFs[name] as (...all: unknown[]) => Promise<unknown>)(path, ...rest);
      return name === 'open' ? pinned(result) : result;
    },
  });
  const fs = { ...nodeFs, ...watched('readdir'), ...watched('lstat'), ...watched('open') };
  const store = await openLocalObjectStore({ root, fs: fs as never });
  /** Makes files without the store. */
  const fill = async (all: readonly string[]) => {
    const directories = new Set(all.map((key) => join(root, key, '..')));
    for (const directory of directories) await nodeFs.mkdir(directory, { recursive: true });
    await Promise.all(all.map((key) => nodeFs.writeFile(join(root, key), key)));
    seen.length = 0;
  };
  const set = (act: typeof before) => {
    before = act;
  };
  return { base, root, seen, store, fill, before: set };
}

async function grouped(store: ObjectStore, prefix: string, options?: ListOptions) {
  const all = await pages(store, prefix, { delimiter: '/', ...options });
  return all.flatMap((page) => [...page.objects.map(({ key }) => key), ...page.commonPrefixes]);
}

test('directories without objects, links to directories and special files are neither groups nor objects', async () => {
  const { base, root, store, fill } = await opened();
  await fill(['full/a/b/c', 'z']);
  await nodeFs.mkdir(join(root, 'empty/of/all'), { recursive: true });
  await nodeFs.mkdir(join(root, 'special'));
  await nodeFs.mkdir(join(base, 'outside'));
  await nodeFs.writeFile(join(base, 'outside/secret'), 'secret');
  await nodeFs.symlink(join(base, 'outside'), join(root, 'link'));
  await nodeFs.symlink(join(root, 'full'), join(root, 'special/inside'));
  execFileSync('mkfifo', [join(root, 'special/pipe')]);
  expect(await grouped(store, '')).toEqual(['z', 'full/']);
  expect(await grouped(store, 'full/')).toEqual(['full/a/']);
  expect(await grouped(store, 'empty/')).toEqual([]);
  expect(await grouped(store, 'special/')).toEqual([]);
  expect(await keys(store, '')).toEqual(['full/a/b/c', 'z']);
  expect(await outcome(keys(store, 'link/', { delimiter: '/' }))).toBe('UNSAFE_PATH');
});

test('a group costs a look at its first object, not at all of them', async () => {
  const { seen, store, fill } = await opened();
  await fill(Array.from({ length: 300 }, (_, i) => `g/${i % 2 === 0 ? `sub${i}/` : ''}${i}`));
  expect(await grouped(store, '')).toEqual(['g/']);
  // The root, the directory, one file of it; none of the 150 directories below.
  expect(seen.filter((call) => call.startsWith('readdir '))).toEqual(['readdir ', 'readdir g']);
  expect(seen.filter((call) => call.startsWith('lstat '))).toHaveLength(1);
  expect(seen.filter((call) => call.startsWith('open '))).toHaveLength(2);
});

test('a directory is read once, however many pages it fills, and an object looked at about once', async () => {
  const { seen, store, fill } = await opened();
  const all = Array.from({ length: 400 }, (_, i) => `d/${i % 3}/${String(i).padStart(3, '0')}`);
  await fill(all);
  expect(await keys(store, 'd/', { pageSize: 10 })).toEqual([...all].sort());
  const reads = seen.filter((call) => call.startsWith('readdir '));
  expect(reads).toEqual(['readdir d', 'readdir d/0', 'readdir d/1', 'readdir d/2']);
  // The entry that only says that a page follows is looked at twice.
  expect(seen.filter((call) => call.startsWith('lstat ')).length).toBeLessThanOrEqual(440);
});

test('5,000 objects come in five pages, each once and in order', async () => {
  const { store, fill } = await opened();
  const all = Array.from({ length: 5000 }, (_, i) => `d/${i % 7}/${String(i).padStart(4, '0')}`);
  await fill(all);
  const listed = await pages(store, 'd/');
  expect(listed.map(({ objects }) => objects.length)).toEqual([1000, 1000, 1000, 1000, 1000]);
  expect(listed.flatMap(({ objects }) => objects.map(({ key }) => key))).toEqual(all.sort());
});

test('random trees: every start, page size and delimiter gives what the memory store gives', async () => {
  let seed = Number(process.env.DANUBE_SEED ?? Date.now() % 1_000_000_007);
  const random = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  seed = Math.max(1, seed);
  const first = seed;
  const names = ['a', 'a-', 'a.', 'a0', 'b', '\uff5e', '\u{1f600}', 'ab'];
  for (let round = 0; round < 4; round += 1) {
    const { store, fill } = await opened();
    const model = createMemoryObjectStore();
    const all = new Set<string>();
    for (let i = 0; i < 25; i += 1) {
      const depth = 1 + random(4);
      all.add(Array.from({ length: depth }, () => names[random(names.length)]).join('/'));
    }
    // A key that is the directory of another is no file.
    const files = [...all].filter((key) => ![...all].some((other) => other.startsWith(`${key}/`)));
    await fill(files);
    for (const key of files) await model.put(key, bytes(key));
    for (let i = 0; i < 40; i += 1) {
      const some = files[random(files.length)] ?? 'a';
      const cut = (text: string) => [...text].slice(0, random(8)).join('').replace(/^\/+/, '');
      const prefix = random(3) === 0 ? '' : cut(some);
      const startAfter = random(3) === 0 ? undefined : [cut, (text: string) => text][random(2)]?.(some);
      const options: ListOptions = {
        delimiter: random(2) === 0 ? '/' : undefined,
        pageSize: 1 + random(5),
        startAfter,
      };
      const shape = async (of: ObjectStore) =>
        (await pages(of, prefix, options)).map(({ objects, commonPrefixes }) => [
          objects.map(({ key }) => key),
          commonPrefixes,
        ]);
      const context = `seed ${first}, prefix ${JSON.stringify(prefix)}, ${JSON.stringify(options)}`;
      expect(await shape(store), context).toEqual(await shape(model));
    }
  }
});

test('what changes between two pages: what stays is listed once, what is exchanged leads nowhere', async () => {
  const { base, root, store, fill } = await opened();
  const stay = ['a/1', 'a/9', 'c/1', 'c/x/1', 'e', 'f/1'];
  await fill([...stay, 'a/5', 'b/1', 'd/secret', 'f/2/3']);
  await nodeFs.mkdir(join(base, 'outside'));
  await nodeFs.writeFile(join(base, 'outside/secret'), 'secret');
  const listed: string[] = [];
  let page = 0;
  for await (const { objects } of store.list('', { pageSize: 1 })) {
    listed.push(...objects.map(({ key }) => key));
    page += 1;
    if (page !== 1) continue;
    await nodeFs.rm(join(root, 'a/5'));
    await nodeFs.rm(join(root, 'b'), { recursive: true });
    await nodeFs.rm(join(root, 'd'), { recursive: true });
    await nodeFs.symlink(join(base, 'outside'), join(root, 'd'));
    // A directory becomes an object, an object is replaced, a file comes.
    await nodeFs.rm(join(root, 'f/2'), { recursive: true });
    await store.put('f/2', bytes('now an object'));
    await store.put('c/1', bytes('replaced'));
    await store.put('c/2', bytes('new'));
  }
  expect(listed.filter((key) => !['c/2', 'f/2'].includes(key))).toEqual(stay);
  expect(new Set(listed).size).toBe(listed.length);
});

test('a signal, or close, ends a page under way, and no descriptor stays open', async () => {
  const { root, store, fill, before } = await opened();
  await fill(Array.from({ length: 50 }, (_, i) => `d/e/${i}`));
  const abort = new AbortController();
  let looks = 0;
  before(async (call) => {
    if (call === 'lstat' && ++looks === 5) abort.abort();
    if (call === 'lstat' && looks === 15) await store.close();
  });
  expect(await outcome(keys(store, '', { signal: abort.signal }))).toBe('ABORTED');
  expect(looks).toBe(5);
  expect(await outcome(keys(store, ''))).toBe('CLOSED');
  expect(looks).toBe(15);
  if (process.platform === 'linux') expect(await openBelow(root)).toBe(0);
});

test('a listing that is left between two pages holds no descriptor', async () => {
  const { root, store, fill } = await opened();
  await fill(['a/b/1', 'a/b/2', 'a/b/3']);
  const left = store.list('', { pageSize: 1 })[Symbol.asyncIterator]();
  expect((await left.next()).value?.objects).toHaveLength(1);
  if (process.platform === 'linux') expect(await openBelow(root)).toBe(0);
});
