import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { extent } from './judge.ts';
import { onSmallDisk } from './small-disk.ts';
import { isSegment, isWrite, packageSource, parseTrace } from './strace.ts';

/**
 * Goal: a disk that is really full costs nobody what was acknowledged. Method: a tmpfs of half a mebibyte, filled by the
 * log itself or by others; the scenarios and their checks are in full-disk.ts.
 */
const MiB = 1024 * 1024;
const script = fileURLToPath(new URL('./full-disk.ts', import.meta.url));

async function scenario(name: string, mode: string, tracer: readonly string[] = []) {
  const seed = Date.now() % 100_000;
  const { exitCode, output, complaints } = await onSmallDisk(MiB / 2, (disk) => [
    ...tracer,
    ...[process.execPath, '--conditions=@danube/source', script, packageSource, disk, mode, name, `${seed}`],
  ]);
  if (exitCode !== 0) throw new Error(`seed ${seed}: ${complaints}`);
  return JSON.parse(output) as { acked: number; refused: number; rotations: number };
}

describe.concurrent.each(['always', 'periodic', 'none'])('in mode %s', (mode) => {
  test('filled by the log: what was acknowledged stays, and truncation makes room', async () => {
    const { acked, refused, rotations } = await scenario('truncate', mode);
    expect(acked).toBeGreaterThan(150);
    expect(refused).toBeGreaterThan(10);
    expect(rotations).toBeGreaterThan(5);
  }, 60_000);

  test('filled by others: appends are refused one by one and taken again once there is room', async () => {
    expect((await scenario('ballast', mode)).refused).toBeGreaterThan(10);
  }, 60_000);
});

describe.concurrent('opening', () => {
  test('an existing log on a full disk changes nothing, and works when there is room', async () => {
    await scenario('open', 'always');
  }, 60_000);

  test('a log with a torn tail cuts nothing as long as its bytes cannot be kept', async () => {
    await scenario('tornTail', 'always');
  }, 60_000);

  test('a new log that found no room can be created later', async () => {
    await scenario('create', 'always');
  }, 60_000);
});

test('the full disk did take parts of writes, and reported itself only then', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wal-trace-'));
  try {
    const log = join(folder, 'log');
    await scenario('truncate', 'none', ['strace', '-f', '-y', '-o', log, '-e', 'trace=pwrite64,pwritev']);
    const writes = parseTrace(readFileSync(log, 'latin1')).filter(
      (call) => isWrite(call) && isSegment(call.path),
    );
    expect(writes.filter((call) => call.error === 'ENOSPC').length).toBeGreaterThan(0);
    const short = writes.filter((call) => call.result > 0 && call.result < extent(call).length);
    expect(short.length).toBeGreaterThan(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 60_000);
