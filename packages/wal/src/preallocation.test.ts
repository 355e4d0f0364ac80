import { expect, test } from 'vitest';
import { openWal, type WalOptions } from './index.ts';
import { SimDisk, type SimOperation } from './testing/index.ts';

const dir = '/sim/log';
const path = `${dir}/00000000000000000000.wal`;
const record = (bytes: number) => ({ type: 1, payload: Buffer.alloc(bytes, 'x') });
const on = (disk: SimDisk, options: Partial<WalOptions> = {}) =>
  openWal({ dir, fs: disk.mount(), preallocateBytes: 8192, ...options });
const fileBytes = (disk: SimDisk) => disk.contents(path).length;

test('small appends find filler ahead of them; the file grows again before it is used up', async () => {
  const disk = new SimDisk({ seed: 1 });
  const wal = await on(disk);
  await wal.append(record(100));
  await expect.poll(() => fileBytes(disk)).toBe(80 + 184 + 8192);
  const { sizeBytes } = wal.segments()[0]!;
  expect(disk.contents(path).toString('latin1', sizeBytes)).toBe('~filler~'.repeat(1024));
  for (let i = 0; i < 30; i++) await wal.append(record(100));
  await expect.poll(() => fileBytes(disk)).toBe(80 + 184 + 2 * 8192);
  await wal.close();
});

test('a proper close ends the file where its records end; a killed log is cut there at the next opening, with no word of damage', async () => {
  const disk = new SimDisk({ seed: 1 });
  let wal = await on(disk);
  for (let i = 0; i < 3; i++) await wal.append(record(100));
  await wal.close();
  const size = wal.segments()[0]!.sizeBytes;
  expect(fileBytes(disk)).toBe(size);

  wal = await on(disk);
  for (let i = 0; i < 3; i++) await wal.append(record(100));
  await expect.poll(() => fileBytes(disk)).toBeGreaterThan(wal.segments()[0]!.sizeBytes);
  disk.kill();
  wal = await on(disk);
  expect(wal.recovery).toMatchObject({ records: 6, cleanShutdown: false });
  expect(wal.recovery.tornTail).toBeUndefined();
  expect(fileBytes(disk)).toBe(wal.segments()[0]!.sizeBytes);
  expect(wal.nextOffset).toBe(6);
  await wal.close();
});

test('what is kept of a torn tail is what was torn, not the filler behind it', async () => {
  const disk = new SimDisk({ seed: 1 });
  let wal = await on(disk);
  await wal.append(record(100));
  const { sizeBytes } = wal.segments()[0]!;
  await wal.append(record(100));
  await expect.poll(() => fileBytes(disk)).toBeGreaterThan(4096);
  disk.kill();
  const bytes = disk.contents(path);
  bytes[sizeBytes + 60]! ^= 1;
  disk.plant(path, bytes);
  wal = await on(disk);
  expect(wal.recovery.tornTail).toMatchObject({ position: sizeBytes, bytes: 184, firstOffset: 1 });
  await wal.close();
});

test('zeros where records were are damage, not space that was never used', async () => {
  const disk = new SimDisk({ seed: 1 });
  let wal = await on(disk);
  await wal.append(record(100));
  const { sizeBytes } = wal.segments()[0]!;
  for (let i = 0; i < 3; i++) await wal.append(record(100));
  disk.kill();
  const bytes = disk.contents(path);
  disk.plant(path, bytes.fill(0, sizeBytes));
  wal = await on(disk);
  expect(wal.recovery.tornTail).toMatchObject({ position: sizeBytes, firstOffset: 1 });
  await wal.close();
});

test('a rotation cuts the filler off, durably, before the next segment has its name', async () => {
  // Hazard, found by seed 30471385: a power loss undid half of a cut that was not synced, in a segment sealed by then.
  const calls: string[] = [];
  class WatchedDisk extends SimDisk {
    override perform<T>(
      generation: number,
      operation: SimOperation,
      ...rest: [string, () => T, (() => void)?]
    ) {
      calls.push(`${operation} ${rest[0].slice(dir.length + 1)}`);
      return super.perform(generation, operation, ...rest);
    }
  }
  const wal = await on(new WatchedDisk({ seed: 1 }));
  for (let i = 0; i < 3; i++) await wal.append(record(100));
  calls.length = 0;
  await wal.rotate();
  const cut = calls.findIndex((call) => /^truncate 0+\.wal/.test(call));
  const synced = calls.findIndex((call, at) => at > cut && /^sync 0+\.wal/.test(call));
  const named = calls.findIndex((call) => /^rename 0+3\.wal/.test(call));
  expect(cut).toBeGreaterThanOrEqual(0);
  expect(synced).toBeGreaterThan(cut);
  expect(named).toBeGreaterThan(synced);
  await wal.close();
});

test('large commits are not written twice', async () => {
  const disk = new SimDisk({ seed: 1 });
  const wal = await on(disk);
  await wal.append(record(40_000));
  await wal.append(record(40_000));
  expect(fileBytes(disk)).toBe(wal.segments()[0]!.sizeBytes);
  await wal.close();
});

test('a disk without room for filler takes appends as long as they fit', async () => {
  const disk = new SimDisk({ seed: 1 });
  const wal = await on(disk);
  disk.setCapacity(disk.usedBytes + 4096);
  for (let i = 0; i < 20; i++) {
    expect(await wal.append(record(100))).toEqual({ offset: i, durable: true });
    await wal.sync();
  }
  expect(wal.failure).toBeUndefined();
  await expect.poll(() => fileBytes(disk)).toBe(wal.segments()[0]!.sizeBytes);
  await wal.close();
});

test('an error while filling ahead stops the log like any other failed write', async () => {
  const disk = new SimDisk({ seed: 1 });
  const wal = await on(disk);
  const fired = disk.failOnce('sync', 'EIO', { path: /\.wal/, after: 1 });
  await wal.append(record(100));
  await expect.poll(fired).toBe(true);
  await expect(wal.append(record(100))).rejects.toMatchObject({ code: 'WAL_FAILED' });
  await wal.close();
});
