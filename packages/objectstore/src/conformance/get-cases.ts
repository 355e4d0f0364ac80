import assert from 'node:assert/strict';
import { assertBytes, assertStored, bytes, pattern, readers } from './bodies.ts';
import { assertFails, type ConformanceCase } from './conformance-case.ts';

export const getCases: readonly ConformanceCase[] = [
  {
    name: 'what is absent is NOT_FOUND, also below and beside existing objects',
    async run(store) {
      await store.put('dir/file', bytes('x'));
      for (const key of ['nothing', 'dir', 'dir/other', 'dir/file/below', 'no/such/dir']) {
        await assertFails('NOT_FOUND', () => store.get(key));
        await assertFails('NOT_FOUND', () => store.getStream(key));
        await assertFails('NOT_FOUND', () => store.head(key));
      }
    },
  },
  ...readers.map(
    ({ name, read }): ConformanceCase => ({
      name: `${name} says what head says, and which bytes these are`,
      async run(store) {
        const body = pattern(1000);
        await store.put('k', body);
        const head = await store.head('k');
        const whole = await read(store, 'k');
        assert.deepEqual(whole.meta, head);
        assert.deepEqual({ ...whole.range }, { start: 0, endExclusive: 1000 });
        assertBytes(whole.bytes, body);
        const part = await read(store, 'k', { range: { start: 990, endExclusive: 2000 } });
        assert.deepEqual(part.meta, head, 'of the object, not of the part');
        assert.deepEqual({ ...part.range }, { start: 990, endExclusive: 1000 });
      },
    }),
  ),
  {
    name: 'bytes are the reader’s own: to change, and to hand to another thread',
    async run(store) {
      await store.put('k', bytes('as it was'));
      const first = await store.get('k');
      const second = await store.get('k');
      assert.notEqual(first.bytes.buffer, second.bytes.buffer);
      new Uint8Array(first.bytes.buffer).fill(0);
      structuredClone(first.bytes, { transfer: [first.bytes.buffer] });
      assertBytes(second.bytes, bytes('as it was'));
      await assertStored(store, 'k', 'as it was');
    },
  },
  {
    name: 'bytes of a stream are the reader’s own to change',
    async run(store) {
      await store.put('k', bytes('as it was'));
      const { stream } = await store.getStream('k');
      for await (const chunk of stream) chunk.fill(0);
      await assertStored(store, 'k', 'as it was');
    },
  },
  {
    name: 'what is said of an object cannot be changed through what a reader got',
    async run(store) {
      await store.put('k', bytes('x'));
      const first = await store.head('k');
      const before = { ...first, metadata: { ...first.metadata } };
      // What a store shares with its readers it may freeze, which throws here.
      for (const change of [{ sizeBytes: 99 }, { etag: 'other' }, { key: 'other' }]) {
        Reflect.set(first, Object.keys(change)[0] ?? '', Object.values(change)[0]);
      }
      if (first.metadata !== undefined) Reflect.set(first.metadata, 'added', 'x');
      const again = await store.head('k');
      assert.deepEqual({ ...again, metadata: { ...again.metadata } }, before);
    },
  },
];
