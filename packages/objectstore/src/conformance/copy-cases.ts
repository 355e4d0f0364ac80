import assert from 'node:assert/strict';
import type { StoreCapabilities } from '../object-store.ts';
import { assertStored, bytes, pattern } from './bodies.ts';
import { assertFails, type ConformanceCase, type ResolvedParameters } from './conformance-case.ts';
import { keys } from './listings.ts';

const attributes = { contentType: 'text/csv', metadata: { rows: '12', note: 'a b' } };

export function copyCases(
  capabilities: StoreCapabilities,
  { multipartBytes }: ResolvedParameters,
): readonly ConformanceCase[] {
  const options = capabilities.attributes ? attributes : {};
  return [
    {
      name: 'copy makes the same object, says what it made, and leaves the one it copied',
      async run(store) {
        for (const body of [bytes(''), bytes('small'), pattern(multipartBytes)]) {
          const before = await store.put('from', body);
          const copied = await store.copy('from', 'to/copy');
          const head = await store.head('to/copy');
          assert.equal(copied.sizeBytes, body.byteLength);
          assert.equal(head.sizeBytes, body.byteLength);
          assert.equal(head.key, 'to/copy');
          assert.equal(copied.etag, head.etag);
          await assertStored(store, 'to/copy', body);
          assert.equal((await store.head('from')).etag, before.etag);
        }
        assert.deepEqual(await keys(store, ''), ['from', 'to/copy']);
      },
    },
    {
      name: 'a copy has the content type and the metadata of what was copied, whatever was there',
      async run(store) {
        const body = bytes('x');
        await store.put('from', body, options);
        await store.put('to', body, capabilities.attributes ? { metadata: { old: 'x' } } : {});
        await store.copy('from', 'to');
        const [from, to] = [await store.head('from'), await store.head('to')];
        assert.equal(to.contentType, from.contentType);
        assert.deepEqual(to.metadata, from.metadata);
        if (capabilities.attributes) assert.deepEqual({ ...to.metadata }, attributes.metadata);
      },
    },
    {
      name: 'a copy replaces what is there, and changes with neither',
      async run(store) {
        await store.put('from', bytes('first'));
        await store.put('to', bytes('something longer'));
        await store.copy('from', 'to');
        await assertStored(store, 'to', 'first');
        await store.put('from', bytes('second'));
        await assertStored(store, 'to', 'first');
        await store.delete('from');
        await assertStored(store, 'to', 'first');
      },
    },
    {
      name: 'an object copied onto itself is as it was',
      async run(store) {
        await store.put('k', bytes('as it was'), options);
        const { contentType, metadata } = await store.head('k');
        const copied = await store.copy('k', 'k');
        const head = await store.head('k');
        await assertStored(store, 'k', 'as it was');
        assert.equal(copied.sizeBytes, 9);
        assert.equal(copied.etag, head.etag);
        assert.equal(head.contentType, contentType);
        assert.deepEqual(head.metadata, metadata);
      },
    },
    {
      name: 'a copy of what is absent is NOT_FOUND and leaves what is there',
      async run(store) {
        await store.put('there', bytes('as it was'));
        await assertFails('NOT_FOUND', () => store.copy('absent', 'there'));
        await assertFails('NOT_FOUND', () => store.copy('absent', 'absent'));
        await assertFails('NOT_FOUND', () => store.copy('absent', 'elsewhere'));
        await assertStored(store, 'there', 'as it was');
        assert.deepEqual(await keys(store, ''), ['there']);
      },
    },
  ];
}
