import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import {
  createFileIO,
  createMemoryObjectStore,
  createObjectStoreFactory,
  type ObjectStore,
  ObjectStoreError,
} from '../src/index.ts';
import { withFaults } from '../src/testing.ts';
import { bytes, outcome, tempDir, text } from './local/helpers.ts';
import { overriding } from './wrappers/support.ts';

/** A FileIO over a scheme `s3` of stores in memory, so that keys can be looked at. */
function overBuckets(wrap: (store: ObjectStore) => ObjectStore = (store) => store) {
  const buckets = new Map<string, ObjectStore>();
  const batches: (readonly string[])[] = [];
  const factory = createObjectStoreFactory({
    schemes: {
      gs: async (root) => {
        const memory = createMemoryObjectStore();
        buckets.set(root, memory);
        const counted = overriding(memory, {
          deleteMany: (keys, options) => {
            batches.push(keys);
            return memory.deleteMany(keys, options);
          },
        });
        return wrap(counted);
      },
    },
  });
  return { io: createFileIO({ factory }), buckets, batches, factory };
}

async function locations(listing: AsyncIterable<{ location: string }>): Promise<string[]> {
  const all: string[] = [];
  for await (const { location } of listing) all.push(location);
  return all;
}

test('each location reaches the store of its root: buckets, memory by name, local roots', async () => {
  const root = join(await tempDir(), 'my data');
  const factory = createObjectStoreFactory({ localRoots: [root] });
  const io = createFileIO({ factory });
  const at = ['memory://a/t/x', 'memory://b/t/x', `file://${root}/t/x`];
  for (const location of at) await io.writeFile(location, bytes(location));
  for (const location of at) expect(text(await io.readFile(location))).toBe(location);
  expect(await readdir(join(root, 't'))).toEqual(['x']);
  const spellings = [`${pathToFileURL(root).href}/t/x`, `file:${root}/t/x`, `file://localhost${root}/t/x`];
  for (const spelling of spellings) expect(await io.fileSize(spelling)).toBe(at[2]?.length);
  expect(await outcome(io.writeFile('memory://a/t/x', bytes(''), { ifAbsent: true }))).toBe('ALREADY_EXISTS');
  expect(await outcome(io.readFile('memory://c/t/x'))).toBe('NOT_FOUND');
  const store = await factory.open('memory://a');
  expect(text((await store.get('t/x')).bytes)).toBe('memory://a/t/x');
  await factory.close();
  expect(await outcome(io.readFile('memory://a/t/x'))).toBe('CLOSED');
});

test('file locations outside the local roots are refused with a sentence, and nothing is made there', async () => {
  const above = await tempDir();
  const root = join(above, 'root');
  await mkdir(join(above, 'other'));
  const io = createFileIO({ factory: createObjectStoreFactory({ localRoots: [root] }) });
  const outside = [`${above}/other/x`, `${above}/root`, `${above}/root-2/x`, '/etc/passwd', '/x'];
  for (const path of outside) {
    await expect(io.writeFile(`file://${path}`, bytes('x'))).rejects.toThrow('is not below a local root');
  }
  expect(await outcome(io.writeFile(`file://elsewhere${root}/x`, bytes('x')))).toBe('INVALID_ARGUMENT');
  expect(await outcome(io.writeFile(`file://${root}/../other/x`, bytes('x')))).toBe('INVALID_PATH');
  expect(await readdir(above)).toEqual(['other']);
  expect(await readdir(join(above, 'other'))).toEqual([]);
  const none = createFileIO({ factory: createObjectStoreFactory() });
  await expect(none.readFile(`file://${root}/x`)).rejects.toThrow('localRoots');
});

test('keys are literal: percent signs, spaces and what looks like a query are part of the name', async () => {
  const { io, buckets } = overBuckets();
  for (const key of ['topic=%2Fdefault%2Forders/x y.parquet', 'a/b#c?d=e.parquet', '100%/ü+&']) {
    await io.writeFile(`gs://b/${key}`, bytes(key));
    expect(text(await io.readFile(`gs://b/${key}`))).toBe(key);
    expect((await buckets.get('gs://b')?.head(key))?.key).toBe(key);
  }
  expect(await outcome(io.readFile('gs://b/topic=/default/orders/x y.parquet'))).toBe('NOT_FOUND');
  // Of S3 the same holds before any server is asked: the location is taken apart here.
  const factory = createObjectStoreFactory();
  for (const scheme of ['s3', 's3a', 's3n', 'S3A']) {
    const { root, path } = factory.locate(`${scheme}://b/topic=%2Fdefault%2Forders/x y.parquet`);
    expect([root, path]).toEqual(['s3://b', 'topic=%2Fdefault%2Forders/x y.parquet']);
  }
});

test('what is no location is refused by every method', async () => {
  const { io } = overBuckets();
  for (const location of ['', 'x', '/abs/x', 'gs:b/x', 'gs://b', 'hdfs://b/x', 'C:/x']) {
    for (const call of [
      io.readFile(location),
      io.readRange(location, 0, 1),
      io.fileSize(location),
      io.writeFile(location, bytes('x')),
      io.deleteFile(location),
      locations(io.listFiles(location)),
    ]) {
      expect(await outcome(call), location).toBe('INVALID_ARGUMENT');
    }
  }
  for (const location of ['gs://b/', 'gs://b//x', 'gs://b/x/', 'gs://b/../x']) {
    expect(await outcome(io.readFile(location)), location).toBe('INVALID_PATH');
  }
});

test('listed locations keep the spelling that was asked in', async () => {
  const root = join(await tempDir(), 'my data');
  const { io } = overBuckets();
  for (const key of ['t/a', 't/b c', 'u']) await io.writeFile(`gs://b/${key}`, bytes('x'));
  expect(await locations(io.listFiles('gs://b/t/'))).toEqual(['gs://b/t/a', 'gs://b/t/b c']);
  expect(await locations(io.listFiles('GS://b/'))).toEqual(['GS://b/t/a', 'GS://b/t/b c', 'GS://b/u']);
  const files = createFileIO({ factory: createObjectStoreFactory({ localRoots: [root] }) });
  await files.writeFile(`file://${root}/t/a`, bytes('x'));
  for (const base of [`file://${root}`, `file:${root}`, pathToFileURL(root).href]) {
    expect(await locations(files.listFiles(`${base}/t/`))).toEqual([`${base}/t/a`]);
  }
});

test('files of several stores are deleted with one batch each', async () => {
  const { io, batches, buckets } = overBuckets();
  const all = ['gs://a/1', 'gs://b/1', 'gs://a/2', 'gs://b/2', 'gs://a/3'];
  for (const location of all) await io.writeFile(location, bytes('x'));
  expect(await io.deleteFiles(all)).toEqual([]);
  expect(batches).toEqual([
    ['1', '2', '3'],
    ['1', '2'],
  ]);
  for (const location of all) expect(await outcome(io.readFile(location))).toBe('NOT_FOUND');
  expect(await io.deleteFiles([])).toEqual([]);
  expect(buckets.size).toBe(2);
});

test('what cannot be deleted is told in the order and as often as it was given; the rest is gone', async () => {
  const { io, batches } = overBuckets((store) =>
    withFaults(store, { seed: 1, rules: [{ fault: 'unavailable', keys: (key) => key === 'stuck' }] }),
  );
  await io.writeFile('gs://b/1', bytes('x'));
  await io.writeFile('gs://b/2', bytes('x'));
  const given = [
    'no location',
    'gs://b/1',
    'GS://b/stuck',
    'gs://b/stuck',
    'hdfs://b/x',
    'gs://b/1',
    'gs://b//',
    'gs://b/2',
    'gs://b/stuck',
  ];
  const failures = await io.deleteFiles(given);
  expect(failures.map(({ location, error }) => [location, ObjectStoreError.is(error) && error.code])).toEqual(
    [
      ['no location', 'INVALID_ARGUMENT'],
      ['GS://b/stuck', 'UNAVAILABLE'],
      ['gs://b/stuck', 'UNAVAILABLE'],
      ['hdfs://b/x', 'INVALID_ARGUMENT'],
      ['gs://b//', 'INVALID_PATH'],
      ['gs://b/stuck', 'UNAVAILABLE'],
    ],
  );
  expect(batches).toEqual([['1', '2']]);
  for (const location of ['gs://b/1', 'gs://b/2'])
    expect(await outcome(io.readFile(location))).toBe('NOT_FOUND');
});

test('the list may be changed during the call: what was asked for is deleted and told of', async () => {
  const { io } = overBuckets();
  await io.writeFile('gs://b/1', bytes('x'));
  const given = ['no location', 'gs://b/1', 'gs://b//'];
  const deleting = io.deleteFiles(given);
  given.splice(0, 3, 'gs://b/2');
  expect((await deleting).map(({ location }) => location)).toEqual(['no location', 'gs://b//']);
  expect(await outcome(io.readFile('gs://b/1'))).toBe('NOT_FOUND');
});

test('a store that cannot be opened fails its own files and no others', async () => {
  const { factory } = overBuckets();
  const io = createFileIO({
    factory: {
      locate: (location) => {
        const found = factory.locate(location);
        if (found.root !== 'gs://broken') return found;
        return { ...found, open: () => Promise.reject(new ObjectStoreError('UNAUTHENTICATED', 'no keys')) };
      },
    },
  });
  await io.writeFile('gs://b/1', bytes('x'));
  const failures = await io.deleteFiles(['gs://broken/1', 'gs://b/1', 'gs://broken/2']);
  expect(failures.map(({ location }) => location)).toEqual(['gs://broken/1', 'gs://broken/2']);
  expect(await outcome(io.readFile('gs://b/1'))).toBe('NOT_FOUND');
});

test('in one store given by its base, a location outside it is a failure and not the end of the batch', async () => {
  const io = createFileIO({ store: createMemoryObjectStore(), baseUri: 's3://b/wh' });
  await io.writeFile('s3://b/wh/1', bytes('x'));
  const failures = await io.deleteFiles(['s3://b/other/1', 's3a://b/wh/1', 's3://b/wh']);
  expect(failures.map(({ location }) => location)).toEqual(['s3://b/other/1', 's3://b/wh']);
  expect(await outcome(io.readFile('s3://b/wh/1'))).toBe('NOT_FOUND');
});

test('a user and password in a location are shown nowhere', async () => {
  const error = await overBuckets()
    .io.readFile('s3://AKIA:s3cret@b/x')
    .catch((thrown: unknown) => thrown);
  expect(ObjectStoreError.is(error) && error.code).toBe('INVALID_ARGUMENT');
  expect(JSON.stringify([(error as Error).message, error])).not.toMatch(/AKIA|s3cret/);
});
