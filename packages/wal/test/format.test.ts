import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openWal, type WalGap, type WalRecord } from '../src/index.ts';
import { goldenRecords, writeGoldenLog } from './fixtures/make-format-v1.ts';
import { writeRepairedLog } from './fixtures/make-format-v1-repaired.ts';

const golden = fileURLToPath(new URL('./fixtures/format-v1/', import.meta.url));
const repaired = fileURLToPath(new URL('./fixtures/format-v1-repaired/', import.meta.url));
let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'wal-format-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test('a log written by the first release opens, reads and goes on', async () => {
  await cp(golden, dir, { recursive: true });
  const wal = await openWal({ dir });
  expect(wal.logId).toBe('a00087fb-f747-4cb8-adfe-747d23673f27');
  expect(wal).toMatchObject({ epoch: 2, firstOffset: 0 });
  expect(wal.recovery).toMatchObject({ cleanShutdown: true, rewrittenBytes: 0 });
  const records: WalRecord[] = [];
  for await (const batch of wal.read({ from: 0 })) records.push(...batch);
  const own = records.filter(({ type }) => type !== 100);
  expect(own.map(({ type, payload }) => ({ type, payload: Buffer.from(payload) }))).toEqual(
    goldenRecords.map(({ type, payload }) => ({ type, payload: Buffer.concat(payload) })),
  );
  expect(records.filter(({ type }) => type === 100).map(({ offset }) => offset)).toEqual(
    wal.segments().map(({ firstOffset }) => firstOffset),
  );
  for (const { timestampMs } of records)
    expect(new Date(timestampMs).toISOString()).toMatch(/^2026-01-01T00:00:00/);
  expect(await wal.append({ type: 1, payload: Buffer.from('later') })).toMatchObject({
    offset: records.length,
  });
  await wal.close();
});

test('a log repaired by the first release opens, reports its gap, and keeps the rest', async () => {
  await cp(repaired, dir, { recursive: true });
  const wal = await openWal({ dir });
  expect(wal.recovery.gaps).toEqual([{ firstOffset: 7, nextOffset: 8 }]);
  const gaps: WalGap[] = [];
  const offsets: number[] = [];
  for await (const batch of wal.read({ from: 0, onGap: (gap) => gaps.push(gap) }))
    offsets.push(...batch.map(({ offset }) => offset));
  expect(gaps).toEqual([{ firstOffset: 7, nextOffset: 8 }]);
  expect(offsets).toEqual([0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11]);
  await expect(wal.append({ type: 1, payload: Buffer.from('later') })).resolves.toMatchObject({ offset: 12 });
  await wal.close();
});

test.each([
  ['the same records give', golden, writeGoldenLog],
  ['the same damage, repaired, gives', repaired, writeRepairedLog],
])('the format has not changed: %s the same bytes', async (_, expected, write) => {
  await write(dir);
  const names = (await readdir(dir)).filter((name) => name !== 'lock.db').sort();
  expect(names).toEqual((await readdir(expected)).sort());
  for (const name of names) {
    expect((await readFile(join(dir, name))).equals(await readFile(join(expected, name))), name).toBe(true);
  }
});
