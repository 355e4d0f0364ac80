import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { StoreHandle } from '../../src/factory/store-handle.ts';
import {
  createMemoryObjectStore,
  createObjectStoreFactory,
  type ObjectStore,
  type ObjectStoreConfig,
  ObjectStoreError,
} from '../../src/index.ts';
import { bytes, outcome, tempDir, text } from '../local/helpers.ts';
import { conformanceOverMemory, overriding } from '../wrappers/support.ts';

const read = async (store: ObjectStore, key: string) => text((await store.get(key)).bytes);

describe('a way to a shared store', () => {
  conformanceOverMemory((store) => new StoreHandle(store));
});

describe('directories', () => {
  test('a file URL and a configuration open the same directory, decoded and as it is', async () => {
    const root = join(await tempDir(), 'my data 100%', 'ünï');
    const factory = createObjectStoreFactory();
    await (await factory.open(pathToFileURL(root).href)).put('a/b', bytes('x'));
    expect(await readdir(join(root, 'a'))).toEqual(['b']);
    for (const target of [`${pathToFileURL(root).href}/`, { type: 'local', root } as const]) {
      expect(await read(await factory.open(target), 'a/b')).toBe('x');
    }
    const spelled = pathToFileURL(root).href.replace('file://', 'FILE://localhost');
    expect(await read(await factory.open(spelled), 'a/b')).toBe('x');
    await factory.close();
  });

  test('a file URL that could mean something else is refused with a sentence, and makes nothing', async () => {
    const root = await tempDir();
    const factory = createObjectStoreFactory();
    for (const [url, why] of [
      [`file://${root}/a/../b`, /"\.\."/],
      [`file://${root}/a/%2e%2E/b`, /"\.\."/],
      [`file://${root}/./b`, /"\."/],
      [`file://${root}//b`, /empty segment/],
      [`file://${root}/100%`, /%25/],
      [`file://${root}/a%2Fb`, /encoded slash/],
      [`file://${root}/a%00b`, /NUL/],
      [`file://${root}/a%5Cb`, /backslash/],
      [`file://${root}/a?x=1`, /query/],
      [`file://${root}/a#x`, /fragment/],
      [`file://server${root}`, /another machine/],
      [`file://user@localhost${root}`, /user or a password/],
      ['file:///', /is "\/"/],
      ['file://', /is "\/"/],
      ['file:relative', /absolute URL/],
      ['file:///C:/data', /Windows/],
      ['file:///c%3A/data', /Windows/],
      ['file:///C|/data', /Windows/],
      ['C:/data', /Windows/],
      ['C:\\data', /Windows/],
      ['file:///data\\x', /backslash/],
      [root, /file:\/\/\/abs\/dir/],
      ['', /absolute URL/],
    ] as const) {
      await expect(factory.open(url), url).rejects.toThrow(/^INVALID_ARGUMENT/);
      await expect(factory.open(url), url).rejects.toThrow(why);
    }
    expect(await readdir(root)).toEqual([]);
    for (const config of [
      { type: 'local', root: '/' },
      { type: 'local', root: 'relative' },
      { type: 'local', root, prefix: 'p' },
      { type: 'disk', root },
      undefined,
      null,
      5,
    ]) {
      expect(await outcome(factory.open(config as ObjectStoreConfig))).toBe('INVALID_ARGUMENT');
    }
  });
});

describe('memory', () => {
  test('there is one store for each name in a factory, and none in common with another factory', async () => {
    const factory = createObjectStoreFactory();
    await (await factory.open('memory://a')).put('p/k', bytes('x'));
    expect(await read(await factory.open('memory://a/'), 'p/k')).toBe('x');
    expect(await read(await factory.open('memory://a/p'), 'k')).toBe('x');
    expect(await read(await factory.open({ type: 'memory', name: 'a', prefix: 'p/' }), 'k')).toBe('x');
    expect(await outcome((await factory.open('memory://b')).head('p/k'))).toBe('NOT_FOUND');
    expect(await outcome((await factory.open({ type: 'memory' })).head('p/k'))).toBe('NOT_FOUND');
    const other = createObjectStoreFactory();
    expect(await outcome((await other.open('memory://a')).head('p/k'))).toBe('NOT_FOUND');
  });

  test('prefixes are literal and must be keys', async () => {
    const factory = createObjectStoreFactory();
    await (await factory.open('memory://a/p%2Fq r')).put('k', bytes('x'));
    expect(await read(await factory.open('memory://a'), 'p%2Fq r/k')).toBe('x');
    for (const url of ['memory://a/../b', 'memory://a//b', 'memory://a/b//']) {
      expect(await outcome(factory.open(url)), url).toBe('INVALID_PATH');
    }
    for (const url of ['memory://a/b?c', 'memory://a#b', 'memory://u:p@a/b', 'memory:a']) {
      expect(await outcome(factory.open(url)), url).toBe('INVALID_ARGUMENT');
    }
  });
});

describe('sharing and closing', () => {
  test('closing one way to a store leaves the others; closing the factory ends all, and opens no more', async () => {
    const factory = createObjectStoreFactory();
    const [one, two] = await Promise.all([factory.open('memory://a'), factory.open('memory://a/p')]);
    await one.put('p/k', bytes('x'));
    await one.close();
    expect(await outcome(one.head('p/k'))).toBe('CLOSED');
    expect(await read(two, 'k')).toBe('x');
    expect(await read(await factory.open('memory://a'), 'p/k')).toBe('x');
    await factory.close();
    expect(await outcome(two.head('k'))).toBe('CLOSED');
    expect(await outcome(factory.open('memory://a'))).toBe('CLOSED');
    await factory.close();
  });

  test('a store is opened once for those who ask at once, again after a failure, and closed by the factory', async () => {
    const asked: string[] = [];
    let fail = true;
    let closed = 0;
    const factory = createObjectStoreFactory({
      schemes: {
        gs: async (root) => {
          asked.push(root);
          if (fail) throw new ObjectStoreError('UNAVAILABLE', 'not yet', { retryable: true });
          return overriding(createMemoryObjectStore(), {
            close: async () => {
              closed += 1;
            },
          });
        },
      },
    });
    const both = () => Promise.all([outcome(factory.open('gs://b/x')), outcome(factory.open('GS://b/y'))]);
    expect(await both()).toEqual(['UNAVAILABLE', 'UNAVAILABLE']);
    expect(asked).toEqual(['gs://b']);
    fail = false;
    expect(await both()).toEqual(['done', 'done']);
    expect(asked).toEqual(['gs://b', 'gs://b']);
    await (await factory.open('gs://b/x')).put('k', bytes('x'));
    expect((await (await factory.open('gs://b')).head('x/k')).key).toBe('x/k');
    await factory.close();
    expect(closed).toBe(1);
  });

  test('a store that is being opened when the factory closes is closed, too', async () => {
    const memory = createMemoryObjectStore();
    let opened = () => {};
    const opening = new Promise<void>((resolve) => {
      opened = resolve;
    });
    const factory = createObjectStoreFactory({ schemes: { gs: () => opening.then(() => memory) } });
    const open = factory.open('gs://b');
    const close = factory.close();
    opened();
    await close;
    expect(await outcome(memory.head('k'))).toBe('CLOSED');
    expect(await outcome((await open).head('k'))).toBe('CLOSED');
  });
});

describe('schemes', () => {
  test('an unknown scheme is refused with those that are known', async () => {
    const factory = createObjectStoreFactory({ schemes: { gs: async () => createMemoryObjectStore() } });
    await expect(factory.open('abfs://x/y')).rejects.toThrow('known are file, memory, s3, gs');
    expect(() => factory.locate('abfs://x/y')).toThrow('known are file, memory, s3, gs');
    await expect(createObjectStoreFactory().open('gs://x/y')).rejects.toThrow('known are file, memory, s3');
  });

  test('a user and password in a URL are refused and shown nowhere; a container before @ is left to its scheme', async () => {
    const roots: string[] = [];
    const abfs = async (root: string) => {
      roots.push(root);
      return createMemoryObjectStore();
    };
    const factory = createObjectStoreFactory({ schemes: { abfs } });
    for (const url of ['s3://AKIA:s3cr%2Fet@bucket/x', 's3a://AKIA@bucket/x', 'abfs://u:s3cr%2Fet@host/x']) {
      for (const call of [factory.open(url), (async () => factory.locate(url))()]) {
        const error = await call.catch((thrown: unknown) => thrown);
        expect(ObjectStoreError.is(error) && error.code).toBe('INVALID_ARGUMENT');
        const { message, context } = error as ObjectStoreError;
        expect(message).toContain('user or a password');
        expect(JSON.stringify([message, context])).not.toMatch(/AKIA|s3cr/);
      }
    }
    await factory.open('abfs://container@account.example/x');
    expect(roots).toEqual(['abfs://container@account.example']);
  });

  test('settings that are none are refused', async () => {
    const root = await tempDir();
    for (const options of [
      null,
      5,
      { scheme: {} },
      { s3: null },
      { s3: 's3://b' },
      { schemes: null },
      { localRoots: root },
      { s3: { bucket: 'b' } },
      { schemes: { s3: async () => createMemoryObjectStore() } },
      { schemes: { GS: async () => createMemoryObjectStore() } },
      { schemes: { gs: 'no function' } },
      { localRoots: ['relative'] },
      { localRoots: ['/'] },
      { localRoots: [root, `${root}/inner`] },
      { localRoots: [root, `${root}/`] },
    ]) {
      expect(() => createObjectStoreFactory(options as never), JSON.stringify(options)).toThrow(
        /^INVALID_ARGUMENT/,
      );
    }
    createObjectStoreFactory({ localRoots: [root, `${root}-beside`] });
  });
});

describe('S3', () => {
  const s3 = {
    region: 'eu-central-1',
    endpoint: 'http://127.0.0.1:1',
    pathStyle: true,
    credentials: { accessKeyId: 'a', secretAccessKey: 's' },
  };

  test('what is no bucket is refused; the settings of the factory reach the store', async () => {
    const factory = createObjectStoreFactory({ s3 });
    for (const url of [
      's3://',
      's3:///x',
      's3://host:9000/bucket',
      's3://UPPER/x',
      's3://bucket/x?versionId=1',
    ]) {
      expect(await outcome(factory.open(url)), url).toBe('INVALID_ARGUMENT');
    }
    await factory.open('s3://bucket/a');
    const broken = createObjectStoreFactory({ s3: { ...s3, partConcurrency: 0 } });
    await expect(broken.open('s3://bucket/a')).rejects.toThrow('partConcurrency');
    const misspelt = createObjectStoreFactory({ s3: { ...s3, pathstyle: true } as never });
    await expect(misspelt.open('s3://bucket/a')).rejects.toThrow('pathstyle');
    await factory.close();
  });
});

test('whoever opens directories only loads nothing of the SDK for S3', async () => {
  const root = await tempDir();
  const script = `
    const loaded = [];
    const { registerHooks } = await import('node:module');
    registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
    const { createObjectStoreFactory } = await import('@danube/objectstore');
    const factory = createObjectStoreFactory();
    await (await factory.open(${JSON.stringify(pathToFileURL(root).href)})).put('k', new Uint8Array(3));
    const ofSdk = () => loaded.some((url) => url.includes('@aws-sdk'));
    const before = ofSdk();
    await factory.open({ type: 's3', bucket: 'bucket', region: 'r', credentials: 'anonymous' });
    console.log(JSON.stringify({ before, after: ofSdk() }));
  `;
  const args = ['--conditions=@danube/source', '--input-type=module', '-e', script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname });
  // That opening a bucket loads it shows that the hook sees it.
  expect(JSON.parse(stdout)).toEqual({ before: false, after: true });
});
