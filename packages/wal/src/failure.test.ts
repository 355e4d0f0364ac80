import { describe, expect, test } from 'vitest';
import { openWal, type Wal, WalError, type WalOptions } from './index.ts';
import { SimDisk, type SimOperation } from './testing/index.ts';

const dir = '/sim/log';
const record = (text: string) => ({ type: 1, payload: Buffer.from(text) });
const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'resolved',
    (error: unknown) => (WalError.is(error) ? error.code : String(error)),
  );
async function texts(wal: Wal): Promise<string[]> {
  const found: string[] = [];
  for await (const batch of wal.read({ from: wal.firstOffset })) {
    found.push(...batch.map(({ payload }) => Buffer.from(payload).toString()));
  }
  return found;
}
const on = (disk: SimDisk, options: Partial<WalOptions> = {}) =>
  // Nothing is filled ahead, so that a test knows what fits a disk and where a file ends.
  openWal({ dir, fs: disk.mount(), maxBatchBytes: 4096, preallocateBytes: 0, ...options });

describe('the first failure stops the log for good', () => {
  test.each<[SimOperation, string]>([
    ['write', 'EIO'],
    ['sync', 'EIO'],
    ['sync', 'ENOSPC'],
  ])('%s failing with %s', async (operation, errno) => {
    const disk = new SimDisk({ seed: 1 });
    let wal = await on(disk);
    await wal.append(record('safe'));
    const follower = code(
      (async () => {
        for await (const _ of wal.read({ from: 1, follow: true }));
      })(),
    );
    const fired = disk.failOnce(operation, errno);
    const pending = [
      wal.append(record('lost')),
      wal.appendBatch([record('lost too')]),
      wal.sync(),
      wal.rotate(),
    ];
    expect(await Promise.all(pending.map(code))).toEqual(Array(4).fill('WAL_FAILED'));
    expect(fired()).toBe(true);
    expect(wal.failure).toMatchObject({ code: 'WAL_FAILED', retryable: false, cause: { code: errno } });
    expect(await follower).toBe('WAL_FAILED');
    // Nothing is tried again, though the disk would take it now.
    expect(await code(wal.append(record('refused')))).toBe('WAL_FAILED');
    expect(await code(wal.truncateBefore(0))).toBe('WAL_FAILED');
    expect(await texts(wal)).toEqual(['safe']);
    await wal.close();
    wal = await on(disk);
    expect((await texts(wal))[0]).toBe('safe');
    expect((await wal.append(record('again'))).durable).toBe(true);
    await wal.close();
  });

  test.each<SimOperation>(['open', 'write', 'sync', 'rename', 'syncDirectory'])(
    '%s failing with EIO while a segment is prepared',
    async (operation) => {
      const disk = new SimDisk({ seed: 1 });
      const wal = await on(disk);
      await wal.append(record('safe'));
      disk.failOnce(operation, 'EIO');
      expect(await code(wal.rotate())).toBe('WAL_FAILED');
      expect(await code(wal.append(record('refused')))).toBe('WAL_FAILED');
      await wal.close();
      disk.crash();
      const reopened = await on(disk);
      expect(await texts(reopened)).toEqual(['safe']);
      await reopened.close();
    },
  );

  test('a periodic sync that fails in the background stops it too, and says so to whoever comes next', async () => {
    const disk = new SimDisk({ seed: 1 });
    const wal = await on(disk, { sync: { kind: 'periodic', intervalMs: 1 } });
    const fired = disk.failOnce('sync', 'EIO');
    expect(await wal.append(record('written'))).toEqual({ offset: 0, durable: false });
    await expect.poll(fired).toBe(true);
    expect(await code(wal.append(record('refused')))).toBe('WAL_FAILED');
    await wal.close();
  });

  test('a failure in the background that nobody has been told of is thrown by close', async () => {
    const disk = new SimDisk({ seed: 1 });
    const wal = await on(disk, { sync: { kind: 'periodic', intervalMs: 1 } });
    disk.failOnce('sync', 'EIO');
    await wal.append(record('written'));
    await expect.poll(() => wal.failure?.code).toBe('WAL_FAILED');
    expect(await code(wal.close())).toBe('WAL_FAILED');
    await (await on(disk)).close();
  });

  test('a failure met only while closing is thrown by close, and the lock is free all the same', async () => {
    const disk = new SimDisk({ seed: 1 });
    const wal = await on(disk, { sync: { kind: 'none' } });
    await wal.append(record('written'));
    disk.failOnce('sync', 'EIO');
    expect(await code(wal.close())).toBe('WAL_FAILED');
    await (await on(disk)).close();
  });
});

describe('a full disk', () => {
  test('rejects what does not fit, keeps what was acknowledged, and goes on when there is room', async () => {
    const disk = new SimDisk({ seed: 1 });
    let wal = await on(disk);
    await wal.append(record('kept'));
    disk.setCapacity(disk.usedBytes + 512);
    const big = 'x'.repeat(3000);
    const pending = [wal.append(record(big)), wal.append(record('behind it')), wal.sync()];
    expect(await Promise.all(pending.map(code))).toEqual(Array(3).fill('WAL_NO_SPACE'));
    expect(wal.failure).toBeUndefined();
    expect(wal.nextOffset).toBe(1);
    expect(await wal.append(record('small'))).toEqual({ offset: 1, durable: true });
    disk.setCapacity(Number.POSITIVE_INFINITY);
    expect(await wal.append(record(big))).toEqual({ offset: 2, durable: true });
    disk.crash();
    wal = await on(disk);
    expect(await texts(wal)).toEqual(['kept', 'small', big]);
    expect(wal.recovery.tornTail).toBeUndefined();
    await wal.close();
  });

  test('while rotating leaves the old segment in use; truncation frees space on the full disk', async () => {
    const disk = new SimDisk({ seed: 1 });
    const wal = await on(disk, { maxFileSizeBytes: 1024, onRotate: () => [record('prelude')] });
    for (let i = 0; i < 5; i++) await wal.append(record('y'.repeat(700)));
    const sealed = wal.segments().length - 1;
    disk.setCapacity(disk.usedBytes);
    expect(await code(wal.append(record('z'.repeat(700))))).toBe('WAL_NO_SPACE');
    expect(wal.segments().length).toBe(sealed + 1);
    await wal.truncateBefore(wal.nextOffset);
    expect(wal.segments().length).toBe(1);
    expect((await wal.append(record('z'.repeat(700)))).durable).toBe(true);
    expect((await texts(wal)).filter((text) => text === 'prelude').length).toBe(2);
    await wal.close();
  });

  test('when even the cut-back fails the log stops', async () => {
    const disk = new SimDisk({ seed: 1 });
    const wal = await on(disk);
    await wal.append(record('kept'));
    disk.setCapacity(disk.usedBytes + 512);
    disk.failOnce('truncate', 'EIO');
    expect(await code(wal.append(record('x'.repeat(3000))))).toBe('WAL_FAILED');
    await wal.close();
  });
});

describe('the next segment is prepared ahead', () => {
  const prepared = (disk: SimDisk) => disk.paths().filter((path) => path.endsWith('.next.tmp'));

  test('once the current one is half full, so that a rotation needs no room on a full disk', async () => {
    const disk = new SimDisk({ seed: 1 });
    const wal = await on(disk, { maxFileSizeBytes: 4096 });
    await wal.append(record('x'.repeat(1000)));
    await wal.sync();
    expect(prepared(disk)).toEqual([]);
    await wal.append(record('x'.repeat(1000)));
    await expect.poll(() => prepared(disk)).toEqual([`${dir}/00000000000000000000.wal.next.tmp`]);
    await wal.sync();
    disk.setCapacity(disk.usedBytes);
    await wal.rotate();
    expect(wal.segments().map(({ firstOffset }) => firstOffset)).toEqual([0, 2]);
    // The header's block has room for a small record.
    expect(await wal.append(record('y'))).toEqual({ offset: 2, durable: true });
    expect(prepared(disk)).toEqual([]);
    await wal.close();
  });

  test('a proper close removes it; what a killed process leaves is removed at the next opening', async () => {
    const disk = new SimDisk({ seed: 1 });
    let wal = await on(disk, { maxFileSizeBytes: 1024 });
    await wal.append(record('x'.repeat(600)));
    await expect.poll(() => prepared(disk).length).toBe(1);
    disk.kill();
    wal = await on(disk, { maxFileSizeBytes: 1024 });
    expect(wal.recovery.removedFiles).toEqual(['00000000000000000000.wal.next.tmp']);
    await wal.append(record('y'.repeat(600)));
    await expect.poll(() => prepared(disk).length).toBe(1);
    await wal.close();
    expect(prepared(disk)).toEqual([]);
  });

  test('no room for it is no failure; any other error stops the log', async () => {
    const disk = new SimDisk({ seed: 1 });
    const wal = await on(disk, { maxFileSizeBytes: 1024 });
    const full = disk.failOnce('open', 'ENOSPC', { path: /next/ });
    await wal.append(record('x'.repeat(600)));
    await expect.poll(full).toBe(true);
    expect(await wal.append(record('y'.repeat(600)))).toEqual({ offset: 1, durable: true }); // rotates all the same
    const broken = disk.failOnce('sync', 'EIO', { path: /next/ });
    await code(wal.append(record('z'.repeat(600)))); // before or after the failure
    await expect.poll(broken).toBe(true);
    expect(await code(wal.append(record('refused')))).toBe('WAL_FAILED');
    await wal.close();
  });
});

test('a torn tail is cut, reported, and its bytes are kept aside', async () => {
  const disk = new SimDisk({ seed: 1 });
  let wal = await on(disk);
  await wal.append(record('kept'));
  const { sizeBytes } = wal.segments()[0]!;
  await wal.append(record('torn away'));
  disk.kill();
  const path = `${dir}/00000000000000000000.wal`;
  const bytes = disk.contents(path);
  disk.plant(path, bytes.subarray(0, bytes.length - 8));
  wal = await on(disk);
  const keptIn = `00000000000000000000.wal.torn-2-${sizeBytes}`;
  expect(wal.recovery.tornTail).toEqual({
    file: '00000000000000000000.wal',
    position: sizeBytes,
    bytes: bytes.length - 8 - sizeBytes,
    keptIn,
    firstOffset: 1,
    reason: 'frame ends beyond the file',
  });
  expect(disk.contents(`${dir}/${keptIn}`)).toEqual(bytes.subarray(sizeBytes, -8));
  expect(await wal.append(record('next'))).toMatchObject({ offset: 1 });
  await wal.close();
  wal = await on(disk);
  expect(await texts(wal)).toEqual(['kept', 'next']);
  await wal.close();
});

test('a directory of a newer format version is refused, naming both versions', async () => {
  const disk = new SimDisk({ seed: 1 });
  await (await on(disk)).close();
  disk.plant(`${dir}/VERSION`, Buffer.from('danube-wal 2\n'));
  await expect(on(disk)).rejects.toThrow('WAL_VERSION_UNSUPPORTED: the directory has format 2');
});

test('damage that comes after opening is met by the reader as corruption with its byte range', async () => {
  const disk = new SimDisk({ seed: 1 });
  const wal = await on(disk);
  for (const text of ['a', 'b', 'c']) await wal.append(record(text));
  const path = `${dir}/00000000000000000000.wal`;
  const bytes = disk.contents(path);
  bytes[80 + 48 + 32]! ^= 1; // the payload of record 0
  disk.plant(path, bytes);
  await expect(texts(wal)).rejects.toMatchObject({
    code: 'WAL_CORRUPT',
    context: { damage: [{ file: '00000000000000000000.wal', startByte: 80, firstOffset: 0 }] },
  });
  await wal.close();
});
