import { execFileSync } from 'node:child_process';
import nodeFs from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { LocalFileSystem } from '../../src/local/file-system.ts';
import { openLocalObjectStore } from '../../src/local/local-store.ts';
import {
  bytes,
  join,
  keys,
  listAll,
  outcome,
  pages,
  plainPath,
  systemError,
  tempDir,
  text,
} from './helpers.ts';

/** Without /proc the store walks on plain paths. */
const withoutDescriptors: LocalFileSystem = {
  ...nodeFs,
  lstat: (async (path: string) => {
    if (path.startsWith('/proc/')) throw systemError('ENOENT');
    return nodeFs.lstat(path);
  }) as LocalFileSystem['lstat'],
};

async function rootWithOutside(fs: LocalFileSystem = nodeFs) {
  const base = await tempDir();
  const outside = join(base, 'outside');
  await nodeFs.mkdir(join(outside, 'sub'), { recursive: true });
  await nodeFs.writeFile(join(outside, 'secret'), 'secret');
  const root = join(base, 'root');
  const store = await openLocalObjectStore({ root, fs });
  return { store, root, outside };
}

const untouched = async (outside: string) => {
  expect((await nodeFs.readdir(outside)).sort()).toEqual(['secret', 'sub']);
  expect(await nodeFs.readdir(join(outside, 'sub'))).toEqual([]);
  expect(await nodeFs.readFile(join(outside, 'secret'), 'utf8')).toBe('secret');
};

for (const [mode, fs] of [
  ['through descriptors', nodeFs],
  ['on plain paths', withoutDescriptors],
] as const) {
  describe(`symbolic links in the root, ${mode}`, () => {
    test('a linked directory is refused by every method and leads nowhere', async () => {
      const { store, root, outside } = await rootWithOutside(fs);
      await nodeFs.symlink(outside, join(root, 'link'));
      await nodeFs.mkdir(join(root, 'dir'));
      await nodeFs.symlink(outside, join(root, 'dir', 'deep'));
      for (const at of ['link', 'dir/deep']) {
        expect(await outcome(store.get(`${at}/secret`))).toBe('UNSAFE_PATH');
        expect(await outcome(store.head(`${at}/secret`))).toBe('UNSAFE_PATH');
        expect(await outcome(store.delete(`${at}/secret`))).toBe('UNSAFE_PATH');
        expect(await outcome(store.getStream(`${at}/secret`))).toBe('UNSAFE_PATH');
        expect((await store.deleteMany([`${at}/secret`])).map(({ error }) => error.code)).toEqual([
          'UNSAFE_PATH',
        ]);
        expect(await outcome(store.copy(`${at}/secret`, 'stolen'))).toBe('UNSAFE_PATH');
        expect(await outcome(keys(store, `${at}/`, { delimiter: '/' }))).toBe('UNSAFE_PATH');
        expect(await outcome(keys(store, `${at}/`))).toBe('UNSAFE_PATH');
        expect(await outcome(keys(store, `${at}/sub/x`))).toBe('UNSAFE_PATH');
        for (const ifAbsent of [true, false]) {
          expect(await outcome(store.put(`${at}/new`, bytes('x'), { ifAbsent }))).toBe('UNSAFE_PATH');
          expect(await outcome(store.put(`${at}/sub/new`, bytes('x'), { ifAbsent }))).toBe('UNSAFE_PATH');
          expect(await outcome(store.put(`${at}/made/new`, bytes('x'), { ifAbsent }))).toBe('UNSAFE_PATH');
          expect(await outcome(store.put(at, bytes('x'), { ifAbsent }))).toBe('UNSAFE_PATH');
        }
      }
      await store.put('object', bytes('x'));
      for (const to of ['link', 'link/new', 'dir/deep', 'dir/deep/sub/new']) {
        expect(await outcome(store.copy('object', to))).toBe('UNSAFE_PATH');
      }
      expect(await keys(store, '')).toEqual(['object']);
      expect((await pages(store, '', { delimiter: '/' })).flatMap((page) => page.commonPrefixes)).toEqual([]);
      await untouched(outside);
    });

    test('a linked file is refused, also one that leads inside the root, and dangling or circular links', async () => {
      const { store, root, outside } = await rootWithOutside(fs);
      await store.put('object', bytes('object'));
      await nodeFs.symlink(join(outside, 'secret'), join(root, 'file'));
      await nodeFs.symlink(join(root, 'object'), join(root, 'inside'));
      await nodeFs.symlink(join(outside, 'planted'), join(root, 'dangling'));
      await nodeFs.symlink('circle', join(root, 'circle'));
      for (const key of ['file', 'inside', 'dangling', 'circle']) {
        expect(await outcome(store.get(key))).toBe('UNSAFE_PATH');
        expect(await outcome(store.head(key))).toBe('UNSAFE_PATH');
        expect(await outcome(store.put(key, bytes('x')))).toBe('UNSAFE_PATH');
        expect(await outcome(store.put(key, bytes('x'), { ifAbsent: true }))).toBe('UNSAFE_PATH');
        expect(await outcome(store.delete(key))).toBe('UNSAFE_PATH');
        expect(await outcome(store.copy(key, 'stolen'))).toBe('UNSAFE_PATH');
        expect(await outcome(store.copy('object', key))).toBe('UNSAFE_PATH');
        expect((await nodeFs.lstat(join(root, key))).isSymbolicLink()).toBe(true);
      }
      expect(await keys(store, '')).toEqual(['object']);
      expect(text((await store.get('object')).bytes)).toBe('object');
      await untouched(outside);
    });

    test('a pipe is refused without waiting for its other end, and not listed', async () => {
      const { store, root } = await rootWithOutside(fs);
      execFileSync('mkfifo', [join(root, 'pipe')]);
      expect(await outcome(store.head('pipe'))).toBe('UNSAFE_PATH');
      expect(await outcome(store.get('pipe'))).toBe('UNSAFE_PATH');
      expect(await outcome(store.put('pipe', bytes('x')))).toBe('UNSAFE_PATH');
      expect(await outcome(store.delete('pipe'))).toBe('UNSAFE_PATH');
      expect(await outcome(store.getStream('pipe'))).toBe('UNSAFE_PATH');
      expect(await outcome(store.copy('pipe', 'copy'))).toBe('UNSAFE_PATH');
      expect(await keys(store, '')).toEqual([]);
    });
  });
}

test('the root itself may be reached over a symbolic link', async () => {
  const base = await tempDir();
  await nodeFs.mkdir(join(base, 'real'));
  await nodeFs.symlink('real', join(base, 'alias'));
  const store = await openLocalObjectStore({ root: join(base, 'alias') });
  await store.put('a/b', bytes('x'));
  expect(await nodeFs.readFile(join(base, 'real', 'a', 'b'), 'utf8')).toBe('x');
});

test('a temporary directory that is a link is refused at open', async () => {
  const base = await tempDir();
  await nodeFs.mkdir(join(base, 'root'));
  await nodeFs.symlink(base, join(base, 'root', '.objectstore-tmp'));
  expect(await outcome(openLocalObjectStore({ root: join(base, 'root') }))).toBe('UNSAFE_PATH');
});

test('the temporary directory holds no keys and is never listed', async () => {
  const { store, root } = await rootWithOutside();
  await nodeFs.writeFile(join(root, '.objectstore-tmp', 'half'), 'half');
  for (const key of ['.objectstore-tmp', '.objectstore-tmp/half']) {
    expect(await outcome(store.get(key))).toBe('INVALID_PATH');
    expect(await outcome(store.put(key, bytes('x')))).toBe('INVALID_PATH');
    expect(await outcome(store.delete(key))).toBe('INVALID_PATH');
  }
  for (const prefix of ['', '.objectstore', '.objectstore-tmp', '.objectstore-tmp/', '.objectstore-tmp/h']) {
    expect(await keys(store, prefix)).toEqual([]);
  }
});

// Goal: a directory that is exchanged for a link in the middle of an operation does not lead it out of the root.
// Method: just before the call that matters, the directory is moved away and a link to the outside takes its name.
// Only where the store walks through descriptors (Linux).
describe.runIf(process.platform === 'linux')('a directory exchanged for a link during an operation', () => {
  async function armed() {
    let trap: (() => Promise<void>) | undefined;
    const spring = async (path: string, wanted: string) => {
      if (trap !== undefined && (await plainPath(path)).endsWith(wanted)) {
        const now = trap;
        trap = undefined;
        await now();
      }
    };
    const trapped = (name: 'open' | 'unlink' | 'lstat' | 'readdir', wanted: string) => ({
      [name]: async (path: string, ...rest: never[]) => {
        await spring(path, wanted);
        return (nodeFs[name] as (...all: unknown[]) => Promise<unknown>)(path, ...rest);
      },
    });
    const toTarget = (name: 'link' | 'rename') => ({
      [name]: async (from: string, to: string) => {
        await spring(to, 'dir/secret');
        return nodeFs[name](from, to);
      },
    });
    const methods = {
      get: trapped('open', 'dir/secret'),
      delete: trapped('unlink', 'dir/secret'),
      list: trapped('readdir', '/dir'),
      mkdir: {
        mkdir: async (path: string) => {
          await spring(path, 'dir/sub');
          return nodeFs.mkdir(path);
        },
      },
      link: toTarget('link'),
      rename: toTarget('rename'),
    };
    return {
      set: (arm: () => Promise<void>) => {
        trap = arm;
      },
      sprung: () => trap === undefined,
      fs: (method: keyof typeof methods) => ({ ...nodeFs, ...methods[method] }) as LocalFileSystem,
    };
  }

  async function race(method: Parameters<Awaited<ReturnType<typeof armed>>['fs']>[0]) {
    const trap = await armed();
    const { store, root, outside } = await rootWithOutside(trap.fs(method));
    await store.put('dir/secret', bytes('ours'));
    trap.set(async () => {
      await nodeFs.rename(join(root, 'dir'), join(root, 'moved'));
      await nodeFs.symlink(outside, join(root, 'dir'));
    });
    return { store, root, outside, trap };
  }

  test('get reads the object it was on the way to', async () => {
    const { store, trap } = await race('get');
    expect(text((await store.get('dir/secret')).bytes)).toBe('ours');
    expect(trap.sprung()).toBe(true);
  });

  test('delete does not reach the outside', async () => {
    const { store, outside, trap } = await race('delete');
    await store.delete('dir/secret');
    expect(trap.sprung()).toBe(true);
    await untouched(outside);
  });

  test('a batch delete does not reach the outside', async () => {
    const { store, outside, trap } = await race('delete');
    expect(await store.deleteMany(['dir/secret', 'dir/sub'])).toEqual([]);
    expect(trap.sprung()).toBe(true);
    await untouched(outside);
  });

  test('copy reads the object it was on the way to, and does not write to the outside', async () => {
    const reading = await race('get');
    await reading.store.copy('dir/secret', 'copy');
    expect(reading.trap.sprung()).toBe(true);
    expect(text((await reading.store.get('copy')).bytes)).toBe('ours');
    const writing = await race('rename');
    await outcome(writing.store.copy('dir/secret', 'dir/secret'));
    expect(writing.trap.sprung()).toBe(true);
    await untouched(writing.outside);
  });

  test('list does not show the outside', async () => {
    const { store, trap } = await race('list');
    // The directory that was listed has lost its name, so nothing, or an error, is an answer; the outside's is not.
    const listed = await listAll(store, 'dir/').then(
      (objects) => objects.map((meta) => `${meta.key} ${meta.sizeBytes}`),
      () => [],
    );
    expect(trap.sprung()).toBe(true);
    expect(listed).not.toContain('dir/secret 6');
  });

  test('put, replacing or not, does not write to the outside', async () => {
    for (const [method, key, ifAbsent] of [
      ['rename', 'dir/secret', false],
      ['link', 'dir/secret', true],
      ['mkdir', 'dir/sub/new', true],
    ] as const) {
      const { store, outside, trap } = await race(method);
      await outcome(store.put(key, bytes('evil'), { ifAbsent }));
      expect(trap.sprung()).toBe(true);
      await untouched(outside);
    }
  });
});
