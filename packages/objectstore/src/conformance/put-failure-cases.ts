import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import type { ObjectStore, PutBody } from '../object-store.ts';
import { assertStored, bytes, chunked, pattern, watched } from './bodies.ts';
import { assertFails, type ConformanceCase, type ResolvedParameters, until } from './conformance-case.ts';
import { keys } from './listings.ts';

async function* failing(sizeBytes: number, error: unknown): AsyncGenerator<Uint8Array> {
  yield* chunked(pattern(sizeBytes));
  throw error;
}

async function* endingWith(sizeBytes: number, last: unknown): AsyncGenerator<Uint8Array> {
  yield* chunked(pattern(sizeBytes));
  yield last as Uint8Array;
  yield bytes('never asked for');
}

async function assertNotSeen(store: ObjectStore, key: string): Promise<void> {
  await assertFails('NOT_FOUND', () => store.head(key));
  await assertFails('NOT_FOUND', () => store.get(key));
  assert.equal((await keys(store, '')).includes(key), false, 'it is not listed');
}

/** Puts that fail or are not done yet: that nobody sees a part of them. */
export function putFailureCases({ multipartBytes }: ResolvedParameters): readonly ConformanceCase[] {
  const sizes = [100, multipartBytes];
  return [
    {
      name: 'a stream that fails midway leaves nothing, and its error is the cause',
      async run(store) {
        for (const sizeBytes of sizes) {
          const boom = new Error('the source broke');
          const error = await assertFails('IO_ERROR', () => store.put('k', failing(sizeBytes, boom)));
          assert.equal(error.cause, boom);
          await assertFails('NOT_FOUND', () => store.head('k'));
        }
        const stream = Readable.from(failing(5000, new Error('the stream broke')), { objectMode: false });
        const error = await assertFails('IO_ERROR', () => store.put('k', stream));
        assert.equal((error.cause as Error).message, 'the stream broke');
        assert.deepEqual(await keys(store, ''), []);
      },
    },
    {
      name: 'a stream that fails midway leaves the object that was there',
      async run(store) {
        const { etag } = await store.put('k', bytes('as it was'));
        for (const sizeBytes of sizes) {
          await assertFails('IO_ERROR', () => store.put('k', failing(sizeBytes, new Error('broke'))));
          await assertStored(store, 'k', 'as it was');
        }
        assert.equal((await store.head('k')).etag, etag);
      },
    },
    {
      name: 'a stream of something else than bytes is INVALID_ARGUMENT, leaves nothing and is ended',
      async run(store) {
        for (const sizeBytes of sizes) {
          for (const last of ['text', 7, null, new ArrayBuffer(3)]) {
            const source = watched(() => endingWith(sizeBytes, last));
            await assertFails('INVALID_ARGUMENT', () => store.put('k', source.body));
            await until('the source was ended', source.ended);
          }
        }
        const stream = Readable.from(['text'], { encoding: 'utf8' });
        await assertFails('INVALID_ARGUMENT', () => store.put('k', stream));
        await until('the Node.js stream was destroyed', () => stream.destroyed);
        assert.deepEqual(await keys(store, ''), []);
      },
    },
    {
      name: 'a web stream that somebody else reads is IO_ERROR with the reason, and leaves nothing',
      async run(store) {
        const stream = new Blob(['x']).stream();
        stream.getReader();
        const error = await assertFails('IO_ERROR', () => store.put('k', stream as unknown as PutBody));
        assert.ok(error.cause instanceof TypeError);
        assert.deepEqual(await keys(store, ''), []);
      },
    },
    {
      name: 'until a stream has ended nobody sees anything of it',
      async run(store) {
        await store.put('old', bytes('as it was'));
        for (const [key, sizeBytes] of [
          ['new', 100],
          ['new-large', multipartBytes],
          ['old', multipartBytes],
        ] as const) {
          const body = pattern(sizeBytes);
          let look = () => {};
          let go = () => {};
          const sent = new Promise<void>((resolve) => {
            look = resolve;
          });
          const looked = new Promise<void>((resolve) => {
            go = resolve;
          });
          const put = store.put(
            key,
            (async function* () {
              yield* chunked(body);
              look();
              await looked;
            })(),
          );
          await Promise.race([sent, put]);
          try {
            if (key === 'old') await assertStored(store, key, 'as it was');
            else await assertNotSeen(store, key);
          } finally {
            go();
          }
          await put;
          await assertStored(store, key, body);
        }
      },
    },
  ];
}
