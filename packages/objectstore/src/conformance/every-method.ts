import assert from 'node:assert/strict';
import type { CallOptions, ObjectStore } from '../object-store.ts';
import { assertStored, bytes, chunked, text } from './bodies.ts';
import { keys } from './listings.ts';

/** One method of the store, called so that it would do something. */
export interface MethodCall {
  readonly name: string;
  call(options?: CallOptions): Promise<unknown>;
}

/** Fills a store with what the calls of `everyMethod` are about. */
export async function prepare(store: ObjectStore): Promise<void> {
  await store.put('there', bytes('as it was'));
  await store.put('source', bytes('source'));
}

/** Every method, to be called when the store is prepared. Each may be called once. */
export function everyMethod(store: ObjectStore): readonly MethodCall[] {
  return [
    { name: 'get', call: (options) => store.get('there', options) },
    {
      name: 'getStream',
      async call(options) {
        const { stream } = await store.getStream('there', options);
        let read = '';
        for await (const chunk of stream) read += text(chunk);
        return read;
      },
    },
    { name: 'head', call: (options) => store.head('there', options) },
    { name: 'list', call: (options) => keys(store, '', options) },
    { name: 'put', call: (options) => store.put('there', bytes('changed'), options) },
    { name: 'put of a stream', call: (options) => store.put('new', chunked(bytes('changed'), 2), options) },
    { name: 'copy', call: (options) => store.copy('source', 'there', options) },
    { name: 'deleteMany', call: (options) => store.deleteMany(['there', 'source'], options) },
    { name: 'delete', call: (options) => store.delete('there', options) },
  ];
}

/** Asserts that none of the calls did anything. */
export async function assertUntouched(store: ObjectStore): Promise<void> {
  assert.deepEqual(await keys(store, ''), ['source', 'there']);
  await assertStored(store, 'there', 'as it was');
  await assertStored(store, 'source', 'source');
}
