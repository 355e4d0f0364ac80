import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import {
  createFileIO,
  createMemoryObjectStore,
  localBaseUri,
  ObjectStoreError,
  openLocalObjectStore,
} from '../src/index.ts';
import { bytes, outcome, tempDir, text } from './local/helpers.ts';

const overMemory = (baseUri: string) => {
  const store = createMemoryObjectStore();
  return { store, io: createFileIO({ store, baseUri }) };
};

describe('files by location', () => {
  test('write, size, read, range, delete', async () => {
    const { io } = overMemory('memory:///warehouse');
    const at = 'memory:///warehouse/ns/table/file';
    await io.writeFile(at, bytes('0123456789'));
    expect(await io.fileSize(at)).toBe(10);
    expect(text(await io.readFile(at))).toBe('0123456789');
    expect(text(await io.readRange(at, 2, 5))).toBe('234');
    expect(await outcome(io.readRange(at, 8, 11))).toBe('INVALID_RANGE');
    expect(await outcome(io.writeFile(at, bytes('x'), { ifAbsent: true }))).toBe('ALREADY_EXISTS');
    await io.writeFile(at, bytes('replaced'));
    await io.deleteFile(at);
    await io.deleteFile(at);
    expect(await outcome(io.readFile(at))).toBe('NOT_FOUND');
    expect(await outcome(io.fileSize(at))).toBe('NOT_FOUND');
  });

  test('a listing gives what starts with the text, in the spelling that was asked for, page after page', async () => {
    const { io, store } = overMemory('file:///wh');
    const keys = ['t/data/a%2Fb.parquet', 't/data/c d.parquet', 't/metadata/v1.json', 't2/x', 'u'];
    for (const key of keys) await store.put(key, bytes(key));
    const list = async (prefix: string) => {
      const found: string[] = [];
      for await (const { location, sizeBytes, lastModifiedMs } of io.listFiles(prefix)) {
        expect(sizeBytes).toBe((await io.readFile(location)).length);
        expect(Math.abs(lastModifiedMs - Date.now())).toBeLessThan(60_000);
        found.push(location);
      }
      return found;
    };
    expect(await list('file:///wh/t/')).toEqual(keys.slice(0, 3).map((key) => `file:///wh/${key}`));
    expect(await list('file:/wh/t/data/')).toEqual(keys.slice(0, 2).map((key) => `file:/wh/${key}`));
    expect(await list('file:///wh/t')).toEqual(keys.slice(0, 4).map((key) => `file:///wh/${key}`));
    expect(await list('file:///wh/')).toHaveLength(5);
    expect(await list('file:///wh/nowhere/')).toEqual([]);
    expect(await outcome(list('file:///elsewhere/'))).toBe('INVALID_ARGUMENT');
    for (let i = 0; i < 2_100; i += 1) await store.put(`many/${i}`, bytes('x'));
    expect(new Set(await list('file:///wh/many/')).size).toBe(2_100);
  });

  test('files may be deleted while they are listed, on a local directory, too', async () => {
    const root = join(await tempDir(), 'my data');
    const io = createFileIO({
      store: await openLocalObjectStore({ root }),
      baseUri: pathToFileURL(root).href,
    });
    const base = localBaseUri(root);
    for (const name of ['a/1', 'a/2', 'b/3', 'c']) await io.writeFile(`${base}/${name}`, bytes(name));
    const found: string[] = [];
    for await (const { location } of io.listFiles(`${base}/`)) {
      found.push(location.slice(base.length + 1));
      await io.deleteFile(location);
    }
    expect(found.sort()).toEqual(['a/1', 'a/2', 'b/3', 'c']);
  });

  test('many are deleted at once; each location that fails has its own error, in whatever spelling it came', async () => {
    const root = await tempDir();
    const io = createFileIO({
      store: await openLocalObjectStore({ root }),
      baseUri: localBaseUri(root),
    });
    const at = (key: string) => `${localBaseUri(root)}/${key}`;
    const good = ['t/a', 't/b', 't/p=1/c'].map(at);
    for (const location of [...good, at('t/stays/d')]) await io.writeFile(location, bytes('x'));
    await mkdir(join(root, 'outside'));
    await symlink(join(root, 'outside'), join(root, 'link'));
    await writeFile(join(root, 'outside', 'e'), 'x');
    const unsafe = [at('link/e'), at('link/e').replace('file:///', 'file:/')];
    const foreign = 's3://elsewhere/t/a';
    const failures = await io.deleteFiles([foreign, ...good, at('t/missing'), ...unsafe, at('t//x')]);
    const codes = failures.map(({ location, error }) => [location, ObjectStoreError.is(error) && error.code]);
    expect(Object.fromEntries(codes)).toEqual({
      [foreign]: 'INVALID_ARGUMENT',
      ...Object.fromEntries(unsafe.map((location) => [location, 'UNSAFE_PATH'])),
      [at('t//x')]: 'INVALID_PATH',
    });
    for (const location of good) expect(await outcome(io.readFile(location))).toBe('NOT_FOUND');
    expect(text(await io.readFile(at('t/stays/d')))).toBe('x');
    expect(await io.deleteFiles([])).toEqual([]);
  });

  test('on a local root whose path has spaces and a percent sign, in either spelling of the base', async () => {
    const root = join(await tempDir(), 'my data 100%', 'ünï');
    const store = await openLocalObjectStore({ root });
    expect(localBaseUri(root)).toBe(`file://${root}`);
    const literal = `${localBaseUri(root)}/a/b`;
    const encoded = `${pathToFileURL(root).href}/a/b`;
    expect(encoded).not.toBe(literal);
    for (const baseUri of [localBaseUri(root), `${localBaseUri(root)}/`, pathToFileURL(root).href]) {
      const io = createFileIO({ store, baseUri });
      await io.writeFile(literal, bytes(baseUri));
      expect(text(await io.readFile(encoded))).toBe(baseUri);
      expect(await readFile(join(root, 'a', 'b'), 'utf8')).toBe(baseUri);
    }
  });

  test('text behind the base is literal: a partition directory of another engine is found as it is on disk', async () => {
    const { store, io } = overMemory('file:///wh');
    const key = 'default/orders/data/topic_name=%2Fdefault%2Forders/publish_day=2026-11-02/a b#c?.parquet';
    await store.put(key, bytes('rows'));
    expect(text(await io.readFile(`file:///wh/${key}`))).toBe('rows');
    expect(await outcome(io.readFile(`file:///wh/${decodeURIComponent(key)}`))).toBe('NOT_FOUND');
  });

  test('file:/p, file:///p and file://localhost/p are one', async () => {
    const { io } = overMemory('file:///wh/');
    await io.writeFile('file:///wh/x', bytes('x'));
    for (const at of ['file:/wh/x', 'file:///wh/x', 'file://localhost/wh/x', 'FILE:///wh/x']) {
      expect(text(await io.readFile(at))).toBe('x');
    }
    expect(await outcome(io.readFile('file://elsewhere/wh/x'))).toBe('INVALID_ARGUMENT');
  });

  test('authorities are compared literally; s3a and s3n are s3', async () => {
    const { io } = overMemory('s3://bucket/wh');
    await io.writeFile('s3://bucket/wh/x', bytes('x'));
    for (const at of ['s3://other/wh/x', 's3:///bucket/wh/x', 's3b://bucket/wh/x', 's3://bucket/x']) {
      expect(await outcome(io.readFile(at))).toBe('INVALID_ARGUMENT');
    }
    for (const at of ['s3a://bucket/wh/x', 's3n://bucket/wh/x', 'S3://bucket/wh/x']) {
      expect(text(await io.readFile(at))).toBe('x');
    }
  });

  test('what is not below the base is refused by every method, before the store is asked', async () => {
    const { io } = overMemory('file:///data/wh');
    for (const at of [
      'file:///data/wh',
      'file:///data/wh-evil/x',
      'file:///data/w',
      'file:///data',
      'file:///',
      'file:///etc/passwd',
      'file:///data%2Fwh/x',
      's3://data/wh/x',
      '/data/wh/x',
      'data/wh/x',
      'C:/data/wh/x',
      '',
    ]) {
      expect(await outcome(io.readFile(at)), at).toBe('INVALID_ARGUMENT');
      expect(await outcome(io.readRange(at, 0, 1)), at).toBe('INVALID_ARGUMENT');
      expect(await outcome(io.fileSize(at)), at).toBe('INVALID_ARGUMENT');
      expect(await outcome(io.writeFile(at, bytes('x'))), at).toBe('INVALID_ARGUMENT');
      expect(await outcome(io.deleteFile(at)), at).toBe('INVALID_ARGUMENT');
    }
    for (const at of [
      'file:///data/wh/',
      'file:///data/wh/../../etc/passwd',
      'file:///data/wh//x',
      'file:///data/wh/x/',
    ]) {
      expect(await outcome(io.readFile(at)), at).toBe('INVALID_PATH');
    }
  });

  test('a base that is no absolute URI is refused', () => {
    for (const baseUri of ['', '/data', 'relative', 'file:relative', 'data:text']) {
      expect(() => overMemory(baseUri), baseUri).toThrow(/^INVALID_ARGUMENT/);
    }
    expect(() => localBaseUri('relative')).toThrow(/^INVALID_ARGUMENT/);
  });

  test('the root of a scheme can be the base', async () => {
    for (const baseUri of ['memory://', 'memory:///', 'file:///', 'file:/']) {
      const { io, store } = overMemory(baseUri);
      await io.writeFile(`${baseUri.startsWith('file') ? 'file' : 'memory'}:///a/b`, bytes('x'));
      expect(text((await store.get('a/b')).bytes)).toBe('x');
    }
  });
});
