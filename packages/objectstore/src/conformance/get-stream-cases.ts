import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ObjectStore } from '../object-store.ts';
import { assertBytes, assertStored, bytes, pattern, readAll } from './bodies.ts';
import {
  assertFails,
  type ConformanceCase,
  type ResolvedParameters,
  until,
  untilNobodyListens,
} from './conformance-case.ts';

/** Reads a stream to its end, resting between its first chunks. */
async function readSlowly(stream: Readable, meanwhile: (chunk: number) => Promise<unknown>) {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) {
    chunks.push(chunk);
    if (chunks.length < 6) await meanwhile(chunks.length);
  }
  return Buffer.concat(chunks);
}

/** Opens a stream, reads a little and leaves it. */
async function readALittle(store: ObjectStore, key: string): Promise<void> {
  const { stream } = await store.getStream(key);
  await once(stream, 'readable');
  stream.destroy();
  if (!stream.closed) await once(stream, 'close');
}

export function getStreamCases({ multipartBytes }: ResolvedParameters): readonly ConformanceCase[] {
  return [
    {
      name: 'a stream yields Buffers that make up the object, and closes by itself',
      async run(store) {
        for (const body of [bytes(''), bytes('small'), pattern(multipartBytes)]) {
          await store.put('k', body);
          const { stream } = await store.getStream('k');
          assert.ok(stream instanceof Readable);
          assertBytes(await readAll(stream), body);
          assert.ok(stream.destroyed);
        }
      },
    },
    {
      name: 'a stream that is read slowly is whole',
      async run(store) {
        const body = pattern(multipartBytes);
        await store.put('k', body);
        const { stream } = await store.getStream('k');
        assertBytes(await readSlowly(stream, () => sleep(10)), body);
      },
    },
    {
      name: 'a stream stays with its version when the object is replaced, and when it is deleted',
      async run(store) {
        const body = pattern(multipartBytes);
        const change = {
          replace: () => store.put('k', pattern(multipartBytes + 7, 3)),
          delete: () => store.delete('k'),
        };
        for (const how of ['replace', 'delete'] as const) {
          await store.put('k', body);
          const { stream } = await store.getStream('k');
          const read = await readSlowly(stream, async (chunk) => {
            if (chunk === 1) await change[how]();
          });
          assertBytes(read, body);
        }
        await assertFails('NOT_FOUND', () => store.getStream('k'));
      },
    },
    {
      name: 'streams that are left early hold nothing that others need',
      async run(store) {
        await store.put('k', pattern(multipartBytes));
        for (let i = 0; i < 80; i += 1) await readALittle(store, 'k');
        await store.put('small', bytes('as ever'));
        await assertStored(store, 'small', 'as ever');
      },
    },
    {
      name: 'a signal that fires in the middle of a stream destroys it with ABORTED',
      async run(store) {
        await store.put('k', pattern(multipartBytes));
        const controller = new AbortController();
        const reason = new Error('enough');
        const { stream } = await store.getStream('k', { signal: controller.signal });
        const error = await assertFails('ABORTED', () =>
          readSlowly(stream, async () => controller.abort(reason)),
        );
        assert.equal(error.cause, reason);
        assert.ok(stream.destroyed);
        await untilNobodyListens(controller.signal);
      },
    },
    {
      name: 'a signal that fires before a stream is read destroys it, and the process goes on',
      async run(store) {
        await store.put('k', pattern(multipartBytes));
        const controller = new AbortController();
        const { stream } = await store.getStream('k', { signal: controller.signal });
        let crash: unknown;
        const notice = (error: unknown) => {
          crash = error;
        };
        process.on('uncaughtExceptionMonitor', notice);
        try {
          // Nobody listens to the stream here.
          controller.abort(new Error('enough'));
          await until('the stream is closed', () => stream.closed);
          await sleep(1);
        } finally {
          process.off('uncaughtExceptionMonitor', notice);
        }
        assert.equal(crash, undefined);
        await assertFails('ABORTED', () => readAll(stream));
      },
    },
  ];
}
