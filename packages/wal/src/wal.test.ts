import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openWal, type SyncMode, type Wal, WalError, type WalOptions, type WalRecord } from './index.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'wal-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const open = (options: Partial<WalOptions> = {}) => openWal({ dir, ...options });
const record = (text: string, type = 1) => ({ type, payload: Buffer.from(text) });

async function texts(wal: Wal, from = wal.firstOffset): Promise<string[]> {
  const found: string[] = [];
  for await (const batch of wal.read({ from })) found.push(...batch.map(text));
  return found;
}
const text = ({ payload }: WalRecord) => Buffer.from(payload).toString();
const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'resolved',
    (error: unknown) => (WalError.is(error) ? error.code : error),
  );

describe.each<SyncMode>([{ kind: 'always' }, { kind: 'periodic', intervalMs: 10 }, { kind: 'none' }])(
  'in mode $kind',
  (sync) => {
    const durable = sync.kind === 'always';

    test('records come back in order with type, time and payload, before and after reopening', async () => {
      let wal = await open({ sync });
      const before = Date.now();
      const acks = await Promise.all(['a', '', 'ccc'].map((t, i) => wal.append(record(t, i + 1))));
      expect(acks).toEqual([0, 1, 2].map((offset) => ({ offset, durable })));
      expect(await texts(wal)).toEqual(['a', '', 'ccc']);
      expect(await wal.sync()).toBe(2);
      expect(wal.durableOffset).toBe(2);
      const { logId } = wal;
      await wal.close();

      wal = await open({ sync });
      expect(wal).toMatchObject({ logId, epoch: 2, firstOffset: 0, nextOffset: 3, durableOffset: 2 });
      expect(wal.recovery).toMatchObject({ created: false, cleanShutdown: true, records: 3 });
      expect(wal.recovery.tornTail).toBeUndefined();
      await wal.append({ type: 0x7fff, payload: [Buffer.from('in '), Buffer.from('parts')] });
      const all: WalRecord[] = [];
      for await (const batch of wal.read({ from: 0 })) all.push(...batch);
      expect(all.map(({ offset, type, flags }) => ({ offset, type, flags }))).toEqual(
        [1, 2, 3, 0x7fff].map((type, offset) => ({ offset, type, flags: 0 })),
      );
      expect(all.map(text)).toEqual(['a', '', 'ccc', 'in parts']);
      for (const { timestampMs } of all) expect(timestampMs).toBeGreaterThanOrEqual(before);
      await wal.close();
    });

    test('a log of many segments reads from any offset, and forgets whole segments', async () => {
      let wal = await open({ sync, maxFileSizeBytes: 4096, maxBatchBytes: 4096 });
      const all = Array.from({ length: 300 }, (_, i) => `record ${i} ${'x'.repeat(i % 97)}`);
      await Promise.all(all.map((t) => wal.append(record(t))));
      const segments = wal.segments();
      expect(segments.length).toBeGreaterThan(5);
      for (const { sizeBytes } of segments) expect(sizeBytes).toBeLessThanOrEqual(4096);
      for (const from of [0, 1, 57, 150, 298, 299]) expect(await texts(wal, from)).toEqual(all.slice(from));
      expect(await texts(wal, 300)).toEqual([]);

      const cut = segments[3]!.firstOffset;
      await wal.truncateBefore(cut + 1);
      expect(wal.firstOffset).toBe(cut);
      expect(
        await code(
          wal
            .read({ from: cut - 1 })
            [Symbol.asyncIterator]()
            .next(),
        ),
      ).toBe('WAL_TRUNCATED');
      await wal.close();
      wal = await open({ sync });
      expect(wal.firstOffset).toBe(cut);
      expect(await texts(wal)).toEqual(all.slice(cut));
      await wal.close();
    });

    test('a follower sees each record once and ends when the log closes', async () => {
      const wal = await open({ sync, maxFileSizeBytes: 2048 });
      const seen: number[] = [];
      const follower = (async () => {
        for await (const batch of wal.read({ from: 0, follow: true }))
          seen.push(...batch.map((r) => r.offset));
      })();
      for (let i = 0; i < 20; i++) {
        await Promise.all(Array.from({ length: 7 }, () => wal.append(record(`${i} of some length`))));
      }
      const last = Array.from({ length: 30 }, () => wal.append({ type: 1, payload: Buffer.alloc(1000) }));
      await wal.close(); // with appends on their way
      await Promise.all(last);
      await follower;
      expect(seen).toEqual(Array.from({ length: 170 }, (_, i) => i));
    });

    test('everything appended before close is there afterwards, awaited or not', async () => {
      let wal = await open({ sync });
      const acks = Promise.all(Array.from({ length: 50 }, (_, i) => wal.append(record(`${i}`))));
      await wal.close();
      expect((await acks).length).toBe(50);
      wal = await open({ sync });
      expect(wal.nextOffset).toBe(50);
      await wal.close();
    });
  },
);

test('large payloads, alone and in parts, mixed with small ones, are stored whole', async () => {
  const wal = await open({ maxFileSizeBytes: 300_000, maxBatchBytes: 65_536 });
  const payloads = [10, 16_383, 16_384, 16_385, 100_000, 1, 400_000, 0, 70_001].map((n, i) =>
    Buffer.alloc(n, i + 1),
  );
  await Promise.all(
    payloads.map((payload, i) =>
      wal.append({
        type: 1,
        payload: i % 2 ? [payload.subarray(0, n(payload)), payload.subarray(n(payload))] : payload,
      }),
    ),
  );
  function n(payload: Buffer) {
    return Math.floor(payload.length / 3);
  }
  const read: Uint8Array[] = [];
  for await (const batch of wal.read({ from: 0 })) read.push(...batch.map((r) => r.payload));
  expect(read.map((p, i) => payloads[i]!.equals(p))).toEqual(payloads.map(() => true));
  await wal.close();
});

test('offsets are assigned at the call, and acknowledgements settle in offset order', async () => {
  const wal = await open();
  const settled: number[] = [];
  const one = wal.append(record('one')).then((a) => settled.push(a.offset));
  expect(wal.nextOffset).toBe(1);
  const batch = wal.appendBatch([record('two'), record('three')]).then((a) => {
    expect(a).toEqual({ firstOffset: 1, lastOffset: 2, durable: true });
    settled.push(a.firstOffset);
  });
  expect(wal.nextOffset).toBe(3);
  await Promise.all([one, batch]);
  expect(settled).toEqual([0, 1]);
  await wal.close();
});

test('onRotate supplies the first records of every segment, also of the first, never inside openWal', async () => {
  const calls: number[] = [];
  const onRotate = ({ firstOffset }: { firstOffset: number }) => {
    calls.push(firstOffset);
    return [record(`prelude at ${firstOffset}`, 2)];
  };
  let wal = await open({ maxFileSizeBytes: 512, onRotate });
  expect(calls).toEqual([]);
  for (let i = 0; i < 20; i++) await wal.append(record(`record ${i} ${'.'.repeat(80)}`));
  expect(calls).toEqual(wal.segments().map((s) => s.firstOffset));
  for (const { firstOffset } of wal.segments()) {
    expect((await texts(wal, firstOffset))[0]).toBe(`prelude at ${firstOffset}`);
  }
  await wal.rotate();
  expect(calls.at(-1)).toBe(wal.segments().at(-1)!.firstOffset);
  const last = wal.segments().at(-1)!.firstOffset;
  await wal.truncateBefore(wal.nextOffset);
  expect(await texts(wal)).toEqual([`prelude at ${last}`]);
  await wal.close();
  wal = await open({ maxFileSizeBytes: 512, onRotate });
  expect(await texts(wal)).toEqual([`prelude at ${last}`]);
  await wal.close();
});

test('the same directory opens once: a second time is WAL_LOCKED until the first is closed', async () => {
  const wal = await open();
  expect(await code(open())).toBe('WAL_LOCKED');
  await wal.append(record('still mine'));
  expect(await code(open())).toBe('WAL_LOCKED');
  await wal.close();
  await (await open()).close();
});

test('limits and misuse are refused with their codes, and change nothing', async () => {
  const wal = await open({ maxRecordBytes: 1000, maxPendingBytes: 4096 });
  expect(await code(wal.append({ type: 1, payload: Buffer.alloc(1001) }))).toBe('WAL_RECORD_TOO_LARGE');
  expect(await code(wal.appendBatch(Array(5).fill({ type: 1, payload: Buffer.alloc(1000) })))).toBe(
    'WAL_RECORD_TOO_LARGE',
  );
  expect(await code(wal.appendBatch([]))).toBe('WAL_INVALID_ARGUMENT');
  for (const type of [0, -1, 0x8000, 1.5])
    expect(await code(wal.append(record('', type)))).toBe('WAL_INVALID_ARGUMENT');
  expect(await code(wal.truncateBefore(1))).toBe('WAL_INVALID_ARGUMENT');
  expect(() => wal.read({ from: -1 })).toThrow(/WAL_INVALID_ARGUMENT/);
  expect(wal.nextOffset).toBe(0);
  await wal.close();
  for (const call of [
    wal.append(record('')),
    wal.sync(),
    wal.rotate(),
    wal.truncateBefore(0),
    wal.appendBatch([record('')]),
  ]) {
    expect(await code(call)).toBe('WAL_CLOSED');
  }
  expect(() => wal.read({ from: 0 })).toThrow(/WAL_CLOSED/);
  await wal.close();
  const misuse = { maxBatchBytes: 1 };
  expect(await code(open(misuse))).toBe('WAL_INVALID_ARGUMENT');
  expect(await code(openWal({ dir, colour: 'red' } as WalOptions))).toBe('WAL_INVALID_ARGUMENT');
});

test('pending bytes signal back-pressure, or refuse with WAL_BUSY when asked to', async () => {
  let wal = await open({ maxPendingBytes: 4096, maxRecordBytes: 2000 });
  const payload = Buffer.alloc(2000);
  const acks = [1, 2, 3, 4].map(() => wal.append({ type: 1, payload }));
  expect(wal.pendingBytes).toBeGreaterThan(4096);
  await wal.whenWritable();
  expect(wal.pendingBytes).toBeLessThan(4096);
  await Promise.all(acks);
  expect(wal.pendingBytes).toBe(0);
  await wal.close();

  wal = await open({ maxPendingBytes: 4096, maxRecordBytes: 2000, whenFull: 'reject' });
  const outcomes = await Promise.all([1, 2, 3, 4].map(() => code(wal.append({ type: 1, payload }))));
  expect(outcomes).toEqual(['resolved', 'resolved', 'WAL_BUSY', 'WAL_BUSY']);
  expect(wal.nextOffset).toBe(6);
  await wal.close();
});

test('a reader inside a segment reads it to its end while it is truncated, then learns of the gap', async () => {
  const wal = await open({ maxFileSizeBytes: 64 * 1024 });
  for (let i = 0; i < 6; i++) {
    await Promise.all(
      Array.from({ length: 12 }, () => wal.append({ type: 1, payload: Buffer.alloc(5000, i) })),
    );
  }
  const [first, second] = wal.segments();
  const reader = wal.read({ from: 0 })[Symbol.asyncIterator]();
  const seen = [...(await reader.next()).value!].map((r) => r.offset);
  expect(second!.sealed).toBe(true);
  await wal.truncateBefore(wal.nextOffset);
  expect((await readdir(dir)).filter((name) => name.endsWith('.wal')).length).toBe(1);
  expect(seen).toEqual(Array.from({ length: first!.nextOffset }, (_, i) => i));
  expect(await code(reader.next())).toBe('WAL_TRUNCATED');
  await wal.close();
});

test('a follower can be aborted while it waits', async () => {
  const wal = await open();
  const controller = new AbortController();
  const next = wal.read({ from: 0, follow: true, signal: controller.signal })[Symbol.asyncIterator]().next();
  setImmediate(() => controller.abort(new Error('enough')));
  await expect(next).rejects.toThrow('enough');
  await wal.close();
});
