import assert from 'node:assert/strict';
import { ObjectStoreError } from '../errors.ts';
import { assertBytes, bytes, pattern, readAll } from './bodies.ts';
import { assertFails, type ConformanceCase, type ResolvedParameters } from './conformance-case.ts';
import { everyMethod, prepare } from './every-method.ts';
import { putKeys } from './listings.ts';

/** Runs what was under way when the store was closed: it may fail, but only so. */
async function doneOrClosed<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    assert.ok(ObjectStoreError.is(error) && ['CLOSED', 'ABORTED'].includes(error.code), String(error));
    return undefined;
  }
}

export function closeCases({ multipartBytes }: ResolvedParameters): readonly ConformanceCase[] {
  return [
    {
      name: 'after close every method is CLOSED',
      async run(store) {
        await prepare(store);
        await store.close();
        for (const { name, call } of everyMethod(store)) {
          await assertFails('CLOSED', () => call()).catch((error: unknown) => {
            throw new Error(`${name} after close`, { cause: error });
          });
        }
      },
    },
    {
      name: 'close may be called again, also at the same time',
      async run(store) {
        await Promise.all([store.close(), store.close()]);
        await store.close();
        await assertFails('CLOSED', () => store.head('k'));
      },
    },
    {
      name: 'a stream and a listing that are under way at close end whole, or are CLOSED',
      async run(store) {
        const body = pattern(multipartBytes);
        await store.put('k', body);
        await putKeys(store, ['l/1', 'l/2']);
        const { stream } = await store.getStream('k');
        const listing = store.list('l/', { pageSize: 1 })[Symbol.asyncIterator]();
        await listing.next();
        const put = doneOrClosed(store.put('late', bytes('x')));
        await store.close();
        const read = await doneOrClosed(readAll(stream));
        if (read !== undefined) assertBytes(read, body);
        const page = await doneOrClosed(listing.next());
        if (page !== undefined) assert.deepEqual(page.value?.objects[0]?.key, 'l/2');
        await put;
      },
    },
  ];
}
