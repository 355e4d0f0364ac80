import assert from 'node:assert/strict';
import { once } from 'node:events';
import { assertStored, bytes, pattern, readAll } from './bodies.ts';
import {
  assertFails,
  type ConformanceCase,
  type ResolvedParameters,
  untilNobodyListens,
} from './conformance-case.ts';
import { assertUntouched, everyMethod, prepare } from './every-method.ts';
import { keys, putKeys } from './listings.ts';

/** Signals, for every method; those in the middle of a put have cases of their own. */
export function abortCases({ multipartBytes }: ResolvedParameters): readonly ConformanceCase[] {
  return [
    {
      name: 'a signal that has fired already: every method is ABORTED with its reason, and nothing happens',
      async run(store) {
        await prepare(store);
        for (const reason of [new Error('enough'), 'a text']) {
          const signal = AbortSignal.abort(reason);
          for (const { name, call } of everyMethod(store)) {
            const error = await assertFails('ABORTED', () => call({ signal }));
            assert.equal(error.cause, reason, name);
          }
        }
        await assertUntouched(store);
      },
    },
    {
      name: 'a signal that has fired already: the source of a put is not read',
      async run(store) {
        let read = false;
        const source = async function* () {
          read = true;
          yield bytes('x');
        };
        await assertFails('ABORTED', () => store.put('k', source(), { signal: AbortSignal.abort() }));
        assert.equal(read, false);
      },
    },
    {
      name: 'no method keeps listening to the signal when it is done, or has failed',
      async run(store) {
        await prepare(store);
        const { signal } = new AbortController();
        for (const { name, call } of everyMethod(store)) {
          await call({ signal });
          await untilNobodyListens(signal).catch((error: unknown) => {
            throw new Error(`${name} keeps listening`, { cause: error });
          });
        }
        await assertFails('NOT_FOUND', () => store.get('absent', { signal }));
        await assertFails('NOT_FOUND', () => store.getStream('absent', { signal }));
        await assertFails('NOT_FOUND', () => store.copy('absent', 'to', { signal }));
        await untilNobodyListens(signal);
      },
    },
    {
      name: 'a signal that fires when a method is done changes nothing any more',
      async run(store) {
        const controller = new AbortController();
        const { signal } = controller;
        await store.put('k', bytes('as it was'), { signal });
        await store.copy('k', 'copy', { signal });
        controller.abort();
        await assertStored(store, 'k', 'as it was');
        await assertStored(store, 'copy', 'as it was');
      },
    },
    {
      name: 'a signal that fires between two pages ends the listing with ABORTED',
      async run(store) {
        await putKeys(store, ['a', 'b', 'c']);
        const controller = new AbortController();
        const reason = new Error('enough');
        let seen = 0;
        const error = await assertFails('ABORTED', async () => {
          for await (const _page of store.list('', { pageSize: 1, signal: controller.signal })) {
            seen += 1;
            controller.abort(reason);
          }
        });
        assert.equal(seen, 1);
        assert.equal(error.cause, reason);
        await untilNobodyListens(controller.signal);
        assert.deepEqual(await keys(store, ''), ['a', 'b', 'c']);
      },
    },
    {
      name: 'a stream whose signal is kept by the caller stops listening when it is read or left',
      async run(store) {
        await store.put('k', pattern(multipartBytes));
        const { signal } = new AbortController();
        const read = await store.getStream('k', { signal });
        await readAll(read.stream);
        const left = await store.getStream('k', { signal });
        await once(left.stream, 'readable');
        left.stream.destroy();
        await untilNobodyListens(signal);
      },
    },
  ];
}
