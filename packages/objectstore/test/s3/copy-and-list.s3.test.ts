import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { ObjectStore } from '../../src/object-store.ts';
import { getObject } from '../../src/s3/read/read-object.ts';
import { openS3ObjectStore } from '../../src/s3/s3-store.ts';
import { copyObject } from '../../src/s3/write/copy-object.ts';
import { keys, pages } from '../local/helpers.ts';
import { answerError, internalError } from '../support/fault-proxy.ts';
import { createBucket, s3Client } from '../support/s3-client.ts';
import { type S3Server, startMoto, startVersitygw } from '../support/s3-servers.ts';
import { type Bucket, body, connectFaulty, MIB, openBucket } from './put-harness.ts';
import { failure, KEYS } from './read-harness.ts';

describe('a copy in parts', () => {
  const limits = { maxSingleBytes: 5 * MIB, partBytes: 5 * MIB };
  const bytes = body(11 * MIB);
  let bucket: Bucket;
  beforeAll(async () => {
    bucket = await openBucket(startVersitygw(), 'copies');
  }, 60_000);

  async function source(key: string) {
    const faulty = await connectFaulty(bucket);
    await faulty.put(key, bytes, { contentType: 'text/plain', metadata: { of: 'somebody' } });
    const before = faulty.proxy.requests.length;
    return {
      ...faulty,
      copies: () => faulty.proxy.requests.slice(before).filter(({ method }) => method === 'PUT'),
    };
  }

  test('has the bytes and attributes of its source, read range by range, and leaves no upload behind', async () => {
    const { connection, copies } = await source('a/with space+%2F');
    const result = await copyObject(connection, 'a/with space+%2F', 'a/copy', {}, limits);
    const copy = await getObject(connection, 'a/copy');
    expect(Buffer.compare(copy.bytes, bytes)).toBe(0);
    expect(copy.meta).toMatchObject({
      ...{ sizeBytes: result.sizeBytes, etag: result.etag },
      ...{ contentType: 'text/plain', metadata: { of: 'somebody' } },
    });
    const ranges = copies().map(({ headers }) => headers['x-amz-copy-source-range']);
    expect(ranges.toSorted()).toEqual([
      'bytes=0-5242879',
      'bytes=10485760-11534335',
      'bytes=5242880-10485759',
    ]);
    expect(await bucket.uploads()).toEqual([]);
  });

  test('of a source that is replaced meanwhile is begun again', async () => {
    const { connection, proxy } = await source('b');
    proxy.rule('replaced', {
      method: 'PUT',
      query: /partNumber=2/,
      fault: answerError(412, 'PreconditionFailed'),
    });
    await copyObject(connection, 'b', 'b copy', {}, limits);
    expect(proxy.fired('replaced')).toBe(1);
    expect(Buffer.compare((await getObject(connection, 'b copy')).bytes, bytes)).toBe(0);
    expect(await bucket.uploads()).toEqual([]);
  });

  test('is never of two versions, though its source is replaced between two parts', async () => {
    const { connection, proxy } = await source('g');
    proxy.rule('late', { method: 'PUT', query: /partNumber=3/, fault: { kind: 'pass', delayMs: 1500 } });
    const copying = copyObject(connection, 'g', 'g copy', {}, limits);
    await vi.waitUntil(
      () => proxy.requests.filter(({ query, status }) => /partNumber=[12]/.test(query) && status).length >= 2,
    );
    const replacement = body(11 * MIB);
    await bucket.client.send(new PutObjectCommand({ Bucket: bucket.name, Key: 'g', Body: replacement }));
    await copying;
    expect(proxy.requests.filter(({ rule }) => rule === 'late')).toHaveLength(1);
    expect(Buffer.compare((await getObject(connection, 'g copy')).bytes, replacement)).toBe(0);
  });

  test('of which a part fails leaves neither an object nor an upload behind, and says that it did not happen', async () => {
    const { connection, proxy } = await source('c');
    proxy.rule('fail', {
      method: 'PUT',
      query: /partNumber=3/,
      times: Number.POSITIVE_INFINITY,
      fault: internalError(),
    });
    expect(await failure(copyObject(connection, 'c', 'c copy', {}, limits))).toMatchObject({
      code: 'UNAVAILABLE',
    });
    expect(proxy.fired('fail')).toBe(4);
    expect(await bucket.read('c copy')).toBeUndefined();
    expect(await bucket.uploads()).toEqual([]);
  });

  test('whose upload somebody else has aborted is not of a source that is gone', async () => {
    const { connection, proxy } = await source('i');
    proxy.rule('stolen', { method: 'PUT', query: /partNumber=2/, fault: answerError(404, 'NoSuchUpload') });
    const error = await failure(copyObject(connection, 'i', 'i copy', {}, limits));
    expect(error).toMatchObject({ code: 'IO_ERROR', retryable: true });
    expect(proxy.fired('stolen')).toBe(1);
    expect(await bucket.uploads()).toEqual([]);
  });

  test('that is aborted leaves neither an object nor an upload behind', async () => {
    const { connection, proxy } = await source('d');
    const reason = new Error('enough');
    const controller = new AbortController();
    proxy.rule('hang', { method: 'PUT', query: /partNumber=2/, fault: { kind: 'hold-reply' } });
    setTimeout(() => controller.abort(reason), 200);
    const copy = copyObject(connection, 'd', 'd copy', { signal: controller.signal }, limits);
    expect(await failure(copy)).toMatchObject({ code: 'ABORTED', cause: reason });
    expect(await bucket.read('d copy')).toBeUndefined();
    expect(await bucket.uploads()).toEqual([]);
  });

  test('in one request, of a source that is replaced meanwhile, is of the new version and says its size', async () => {
    const { connection, proxy } = await source('e');
    proxy.rule('replaced', { method: 'PUT', path: /copy$/, fault: answerError(412, 'PreconditionFailed') });
    const result = await copyObject(connection, 'e', 'e-copy');
    expect(proxy.fired('replaced')).toBe(1);
    expect(result).toMatchObject({ sizeBytes: bytes.byteLength });
  });

  test('in one request whose replies are lost is PUT_STATE_UNKNOWN', async () => {
    const { connection, proxy } = await source('f');
    proxy.rule('lost', {
      method: 'PUT',
      path: /copy$/,
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'lose-reply' },
    });
    expect(await failure(copyObject(connection, 'f', 'f-copy'))).toMatchObject({ code: 'PUT_STATE_UNKNOWN' });
    expect(proxy.fired('lost')).toBe(4);
    expect((await bucket.read('f-copy'))?.byteLength).toBe(bytes.byteLength);
  });
});

// Goal: what others put into the bucket under names that are no keys here does not stop or confuse a listing. moto,
// which has no file system behind it, takes such names.
describe('keys of others', () => {
  let server: S3Server;
  let client: S3Client;
  let store: ObjectStore;
  beforeAll(async () => {
    server = await startMoto();
    await createBucket(server, 'shared');
    client = s3Client(server);
    const { endpoint, region } = server;
    store = await openS3ObjectStore({
      bucket: 'shared',
      endpoint,
      region,
      pathStyle: true,
      credentials: KEYS,
    });
    const names = ['d/', 'd//x', 'd/a', 'd/b/', 'd/b/c', 'd/\\', 'd/./e', 'd/z', '/root', 'e/', 'e//'];
    for (const Key of names) await client.send(new PutObjectCommand({ Bucket: 'shared', Key, Body: 'x' }));
    return async () => {
      await store.close();
      client.destroy();
      await server.stop();
    };
  }, 60_000);

  test('are passed over, whatever the size of a page', async () => {
    expect(await keys(store, '')).toEqual(['d/a', 'd/b/c', 'd/z']);
    for (const pageSize of [1, 2, 3, 1000]) {
      expect(await keys(store, 'd/', { pageSize }), `pages of ${pageSize}`).toEqual(['d/a', 'd/b/c', 'd/z']);
    }
  });

  test('make no page that has nothing in it', async () => {
    const sizes = (await pages(store, '', { pageSize: 1 })).map(({ objects }) => objects.length);
    expect(sizes).toEqual([1, 1, 1]);
  });

  test('do not make groups that hold no key, where the group itself cannot be a prefix', async () => {
    const all = await pages(store, 'd/', { delimiter: '/' });
    expect(all.flatMap(({ commonPrefixes }) => commonPrefixes)).toEqual(['d/b/']);
    expect(all.flatMap(({ objects }) => objects.map(({ key }) => key))).toEqual(['d/a', 'd/z']);
  });

  test('do not fail the deletion of what was listed', async () => {
    onTestFinished(async () => {
      for (const Key of ['d/a', 'd/b/c', 'd/z'])
        await client.send(new PutObjectCommand({ Bucket: 'shared', Key, Body: 'x' }));
    });
    expect(await store.deleteMany(await keys(store, ''))).toEqual([]);
    expect(await keys(store, '')).toEqual([]);
  });
});
