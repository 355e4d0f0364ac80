import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import type { PutBody } from '../object-store.ts';
import { assertStored, bytes, chunked, pattern, watched } from './bodies.ts';
import { assertFails, type ConformanceCase, type ResolvedParameters } from './conformance-case.ts';

async function* reusingItsBuffer(body: Uint8Array): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(1000);
  for (let at = 0; at < body.byteLength; at += buffer.byteLength) {
    const chunk = body.subarray(at, at + buffer.byteLength);
    buffer.set(chunk);
    yield buffer.subarray(0, chunk.byteLength);
    buffer.fill(0);
  }
}

async function* emptyChunks(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array();
  yield new Uint8Array();
}

/** Chunks of 0 to 12 bytes, in turn. */
async function* smallChunks(body: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0, size = 0; at < body.byteLength; at += size, size = (size + 1) % 13) {
    yield body.subarray(at, at + size);
  }
}

/** Streams as bodies: that every kind of them is stored whole. */
export function putStreamCases({ multipartBytes }: ResolvedParameters): readonly ConformanceCase[] {
  return [
    {
      name: 'a stream of many small and empty chunks is stored in their order',
      async run(store) {
        const body = pattern(12_000);
        const put = await store.put('k', smallChunks(body));
        assert.equal(put.sizeBytes, 12_000);
        assert.equal((await store.head('k')).etag, put.etag);
        await assertStored(store, 'k', body);
      },
    },
    {
      name: 'a stream without chunks, or with empty ones only, is an empty object',
      async run(store) {
        const put = await store.put('none', chunked(new Uint8Array()));
        assert.equal(put.sizeBytes, 0);
        await store.put('empty', emptyChunks());
        await assertStored(store, 'none', '');
        await assertStored(store, 'empty', '');
      },
    },
    {
      name: 'a Node.js stream is a body',
      async run(store) {
        const body = pattern(200_000);
        const stream = Readable.from(chunked(body, 7_001), { objectMode: false });
        await store.put('node', stream);
        await assertStored(store, 'node', body);
        assert.ok(stream.destroyed, 'it is closed afterwards');
      },
    },
    {
      name: 'a web stream is a body',
      async run(store) {
        const body = pattern(200_000);
        await store.put('web', new Blob([body]).stream() as unknown as PutBody);
        await assertStored(store, 'web', body);
      },
    },
    {
      name: 'a source may use its buffer anew for each chunk',
      async run(store) {
        for (const sizeBytes of [10_500, multipartBytes]) {
          const body = pattern(sizeBytes);
          await store.put('k', reusingItsBuffer(body));
          await assertStored(store, 'k', body);
        }
      },
    },
    {
      name: 'a large stream comes back as it was, whatever its chunks are',
      async run(store) {
        const body = pattern(multipartBytes + 12_345);
        for (const chunkBytes of [60_000, 262_144, body.byteLength]) {
          const put = await store.put('large', chunked(body, chunkBytes));
          assert.equal(put.sizeBytes, body.byteLength);
          assert.equal((await store.head('large')).etag, put.etag);
          await assertStored(store, 'large', body);
        }
      },
    },
    {
      name: 'a source is opened once and read to its end once',
      async run(store) {
        for (const sizeBytes of [100, multipartBytes]) {
          const source = watched(() => chunked(pattern(sizeBytes)));
          await store.put('k', source.body);
          assert.equal(source.opened(), 1);
          assert.ok(source.ended());
        }
      },
    },
    {
      name: 'a Node.js stream that was read before is INVALID_ARGUMENT, not an empty object',
      async run(store) {
        const stream = Readable.from([bytes('once')], { objectMode: false });
        await store.put('first', stream);
        await assertFails('INVALID_ARGUMENT', () => store.put('second', stream));
        await assertFails('NOT_FOUND', () => store.head('second'));
      },
    },
  ];
}
