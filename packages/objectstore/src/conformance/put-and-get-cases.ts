import assert from 'node:assert/strict';
import { ObjectStoreError } from '../errors.ts';
import { assertFails, bytes, type ConformanceCase, keys, text } from './conformance-case.ts';

export const putAndGetCases: readonly ConformanceCase[] = [
  {
    name: 'put, then get and head give the object back',
    async run(store) {
      const before = Date.now();
      const put = await store.put('a/b.txt', bytes('hello'));
      assert.equal(text((await store.get('a/b.txt')).bytes), 'hello');
      const head = await store.head('a/b.txt');
      assert.deepEqual(put, { ...put, sizeBytes: 5, etag: head.etag });
      assert.equal(head.key, 'a/b.txt');
      assert.equal(head.sizeBytes, 5);
      assert.ok(Number.isInteger(head.lastModifiedMs));
      // Clocks of file systems are coarse and may run behind the process's by a tick; other machines' by more.
      assert.ok(Math.abs(head.lastModifiedMs - before) < 120_000);
    },
  },
  {
    name: 'put replaces an object, with another etag',
    async run(store) {
      const first = await store.put('k', bytes('a longer first version'));
      const second = await store.put('k', bytes('second'));
      assert.equal(text((await store.get('k')).bytes), 'second');
      assert.equal((await store.head('k')).sizeBytes, 6);
      assert.notEqual(first.etag, second.etag);
    },
  },
  {
    name: 'an empty object is an object',
    async run(store) {
      await store.put('empty', new Uint8Array());
      assert.equal((await store.get('empty')).bytes.byteLength, 0);
      assert.equal((await store.head('empty')).sizeBytes, 0);
      assert.deepEqual(await keys(store, ''), ['empty']);
    },
  },
  {
    name: 'what is absent is NOT_FOUND, also below and beside existing objects',
    async run(store) {
      await store.put('dir/file', bytes('x'));
      for (const key of ['nothing', 'dir', 'dir/other', 'dir/file/below', 'no/such/dir']) {
        await assertFails('NOT_FOUND', () => store.get(key));
        await assertFails('NOT_FOUND', () => store.head(key));
      }
    },
  },
  {
    name: 'put with ifAbsent leaves an existing object alone',
    async run(store) {
      await store.put('k', bytes('first'), { ifAbsent: true });
      await assertFails('ALREADY_EXISTS', () => store.put('k', bytes('second'), { ifAbsent: true }));
      assert.equal(text((await store.get('k')).bytes), 'first');
      await store.delete('k');
      await store.put('k', bytes('third'), { ifAbsent: true });
      assert.equal(text((await store.get('k')).bytes), 'third');
    },
  },
  {
    name: '12 simultaneous ifAbsent puts of one key, 25 rounds: exactly one wins, and its body is there',
    async run(store) {
      for (let round = 0; round < 25; round += 1) {
        const key = `race/${round}`;
        const outcomes = await Promise.allSettled(
          Array.from({ length: 12 }, (_, i) => store.put(key, bytes(`body of ${i}`), { ifAbsent: true })),
        );
        const winners = outcomes.flatMap((outcome, i) => (outcome.status === 'fulfilled' ? [i] : []));
        assert.equal(winners.length, 1, `round ${round}: ${winners.length} winners`);
        for (const outcome of outcomes) {
          if (outcome.status === 'rejected') {
            assert.ok(
              ObjectStoreError.is(outcome.reason) && outcome.reason.code === 'ALREADY_EXISTS',
              outcome.reason,
            );
          }
        }
        assert.equal(text((await store.get(key)).bytes), `body of ${winners[0]}`);
      }
    },
  },
  {
    name: 'readers during replacing puts see one whole version each',
    async run(store) {
      const version = (fill: number) => new Uint8Array(100_000 + fill).fill(fill);
      await store.put('k', version(1));
      let writing = true;
      const writer = (async () => {
        for (let fill = 2; fill < 40; fill += 1) await store.put('k', version(fill));
        writing = false;
      })();
      const reader = async () => {
        while (writing) {
          const { bytes: body } = await store.get('k');
          const fill = body[0] ?? 0;
          assert.equal(body.byteLength, 100_000 + fill, 'the size of that version');
          assert.ok(
            body.every((byte) => byte === fill),
            'all bytes of that version',
          );
        }
      };
      await Promise.all([writer, reader(), reader()]);
    },
  },
  {
    name: 'bytes of all values come back as they were',
    async run(store) {
      const body = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
      await store.put('bin', body);
      assert.deepEqual((await store.get('bin')).bytes, body);
    },
  },
  {
    name: 'a view into a larger buffer is stored alone, and bodies are not shared with the store',
    async run(store) {
      const whole = bytes('abcdefgh');
      await store.put('view', whole.subarray(2, 5));
      whole.fill(0);
      const { bytes: got } = await store.get('view');
      assert.equal(text(got), 'cde');
      got.fill(0);
      assert.equal(text((await store.get('view')).bytes), 'cde');
    },
  },
  {
    name: 'ranges give their bytes and are cut at the end of the object',
    async run(store) {
      await store.put('k', bytes('0123456789'));
      const read = async (start: number, endExclusive: number) =>
        text((await store.get('k', { range: { start, endExclusive } })).bytes);
      assert.equal(await read(0, 10), '0123456789');
      assert.equal(await read(0, 1), '0');
      assert.equal(await read(3, 6), '345');
      assert.equal(await read(9, 10), '9');
      assert.equal(await read(8, 5_000_000_000), '89');
      assert.equal(await read(4, 4), '');
      assert.equal(await read(10, 10), '');
    },
  },
  {
    name: 'what is no range, or starts behind the end, is INVALID_RANGE',
    async run(store) {
      await store.put('k', bytes('0123456789'));
      for (const [start, endExclusive] of [
        [10, 11],
        [11, 11],
        [11, 20],
        [-1, 2],
        [5, 4],
        [0.5, 2],
        [0, Number.NaN],
        [0, Number.POSITIVE_INFINITY],
      ] as const) {
        await assertFails('INVALID_RANGE', () => store.get('k', { range: { start, endExclusive } }));
      }
      await assertFails('NOT_FOUND', () => store.get('absent', { range: { start: 0, endExclusive: 1 } }));
    },
  },
  {
    name: 'delete removes one object and may be repeated',
    async run(store) {
      await store.put('d/a', bytes('a'));
      await store.put('d/b', bytes('b'));
      await store.delete('d/a');
      await store.delete('d/a');
      await store.delete('never/was');
      await store.delete('d');
      await store.delete('d/b/below');
      await assertFails('NOT_FOUND', () => store.get('d/a'));
      assert.equal(text((await store.get('d/b')).bytes), 'b');
    },
  },
];
