import assert from 'node:assert/strict';
import { setImmediate as tick } from 'node:timers/promises';
import { ObjectStoreError } from '../errors.ts';
import type { ObjectStore, PutBody } from '../object-store.ts';
import { assertBytes, assertStored, bytes, chunked, pattern, watched } from './bodies.ts';
import {
  assertFails,
  type ConformanceCase,
  type ResolvedParameters,
  untilNobodyListens,
} from './conformance-case.ts';
import { keys } from './listings.ts';

/** What a put became of, as its outcome says: whole, not there, or one of both. */
async function assertAsSaid(
  store: ObjectStore,
  key: string,
  outcome: string,
  body: Uint8Array,
): Promise<void> {
  const found = await store.get(key).catch((error: unknown) => {
    if (ObjectStoreError.is(error) && error.code === 'NOT_FOUND') return undefined;
    throw error;
  });
  if (outcome === 'done') assert.ok(found !== undefined, `${key} was put, and is not there`);
  if (outcome === 'ABORTED') assert.ok(found === undefined, `${key} was aborted, and is there`);
  if (found !== undefined) assertBytes(found.bytes, body);
}

async function outcomeOf(put: Promise<unknown>): Promise<string> {
  try {
    await put;
    return 'done';
  } catch (error) {
    const { code } = await assertFails(['ABORTED', 'PUT_STATE_UNKNOWN'], () => Promise.reject(error));
    return code;
  }
}

/** Signals that fire in the middle of a put: that its outcome is the truth. */
export function abortPutCases({ multipartBytes }: ResolvedParameters): readonly ConformanceCase[] {
  const sizes = [100, multipartBytes];
  return [
    {
      name: 'a signal that fires while the source of a put hangs ends the put, and nothing is there',
      async run(store) {
        await store.put('old', bytes('as it was'));
        for (const key of ['new', 'old']) {
          for (const sizeBytes of sizes) {
            const controller = new AbortController();
            const reason = new Error('enough');
            const hanging = async function* () {
              yield* chunked(pattern(sizeBytes));
              controller.abort(reason);
              await new Promise(() => {});
            };
            const { signal } = controller;
            const error = await assertFails('ABORTED', () => store.put(key, hanging(), { signal }));
            assert.equal(error.cause, reason);
            await untilNobodyListens(signal);
          }
        }
        assert.deepEqual(await keys(store, ''), ['old']);
        await assertStored(store, 'old', 'as it was');
      },
    },
    {
      name: 'a signal that fires between two chunks ends the put and its source, and nothing is there',
      async run(store) {
        for (const sizeBytes of sizes) {
          const controller = new AbortController();
          const source = watched(async function* () {
            yield* chunked(pattern(sizeBytes));
            controller.abort();
            yield* chunked(pattern(sizeBytes));
          });
          const { signal } = controller;
          await assertFails('ABORTED', () => store.put('k', source.body, { signal }));
          await untilNobodyListens(signal);
        }
        assert.deepEqual(await keys(store, ''), []);
      },
    },
    {
      name: 'a source that fails of the same signal is an abort, not a failure of the source',
      async run(store) {
        const controller = new AbortController();
        const reason = new Error('enough');
        const { signal } = controller;
        const source = async function* () {
          yield bytes('x');
          controller.abort(reason);
          signal.throwIfAborted();
        };
        const error = await assertFails('ABORTED', () => store.put('k', source(), { signal }));
        assert.equal(error.cause, reason);
        assert.deepEqual(await keys(store, ''), []);
      },
    },
    {
      name: 'a put that is aborted at any moment says what became of it',
      async run(store) {
        const outcomes: string[] = [];
        const bodies = Array.from({ length: 24 }, (_, i) => pattern(i % 6 === 5 ? multipartBytes : 5000, i));
        for (const [i, body] of bodies.entries()) {
          const controller = new AbortController();
          const { signal } = controller;
          const sent: PutBody = i % 2 === 0 ? body : chunked(body, 1700);
          const outcome = outcomeOf(store.put(`k/${i}`, sent, { signal }));
          for (let ticks = 0; ticks < i >> 1; ticks += 1) await tick();
          controller.abort();
          outcomes.push(await outcome);
          await assertAsSaid(store, `k/${i}`, outcomes[i] ?? '', body);
          await untilNobodyListens(signal);
        }
        // Nothing comes later either.
        for (const [i, body] of bodies.entries())
          await assertAsSaid(store, `k/${i}`, outcomes[i] ?? '', body);
      },
    },
  ];
}
