import { describe, expect, test } from 'vitest';
import * as wal from '../../src/index.ts';
import { SimDisk } from '../../src/testing/index.ts';
import { damaged, examine, judge, makeSpecimen, type SpecimenSettings } from './damage-driver.ts';
import { LOG_DIR } from './observed-log.ts';
import { runApart } from './suites.ts';

/** Three segments of together at most 2 KiB: small enough for every bit. The soak takes 16 KiB. */
const small = (sync: SpecimenSettings['sync'], closed: boolean): SpecimenSettings => ({
  sync,
  closed,
  maxBytes: 2048,
});

// In a process of its own, watched: an endless loop ends the test instead of hanging it.
describe('in a log of three segments', { timeout: 120_000 }, () => {
  test('that was killed, every single-bit flip is corruption, or in the very last frame a torn tail', async () => {
    const counts = await runApart('flips', { ...small('always', false), bits: 'every bit' });
    expect(counts.WAL_CORRUPT).toBeGreaterThan(10_000);
    expect(counts.torn).toBeGreaterThan(500);
    expect(Object.keys(counts).sort()).toEqual(['WAL_CORRUPT', 'torn']);
  });

  test('with filler ahead when it was killed: what is not filler is torn or corruption, zeros too', async () => {
    const settings = { ...small('always', false), preallocateBytes: 600 };
    const flips = await runApart('flips', { ...settings, bits: 'one bit of a byte' });
    expect(flips.WAL_CORRUPT).toBeGreaterThan(1000);
    expect(flips.torn).toBeGreaterThan(60);
    expect(flips.whole).toBeGreaterThan(40); // junk in the filler: cut, kept aside and reported
    const cuts = await runApart('cuts', settings);
    expect(cuts.WAL_CORRUPT).toBeGreaterThan(1000);
    expect(cuts.torn).toBeGreaterThan(500);
    expect(cuts.whole).toBeGreaterThan(40);
  });

  test('that was closed, even the last frame cannot pass for torn: every single-bit flip is corruption', async () => {
    const counts = await runApart('flips', { ...small('always', true), bits: 'every bit' });
    expect(Object.keys(counts)).toEqual(['WAL_CORRUPT']);
  });

  test.each(['periodic', 'none'] as const)(
    'in mode %s that was killed, a flip is torn only where no later frame proves that it was synced',
    async (mode) => {
      const counts = await runApart('flips', { ...small(mode, false), bits: 'one bit of a byte' });
      expect(counts.WAL_CORRUPT).toBeGreaterThan(1000);
      expect(counts.torn).toBeGreaterThan(200);
      expect(Object.keys(counts).sort()).toEqual(['WAL_CORRUPT', 'torn']);
    },
  );

  test('every single-bit flip in VERSION is refused, in the state file survived by its copies', async () => {
    const counts = await runApart('other flips', {
      ...small('always', true),
      bits: 'a bit in eight bytes',
    });
    expect(counts.whole).toBeGreaterThan(3000);
    expect((counts.WAL_CORRUPT ?? 0) + (counts.WAL_VERSION_UNSUPPORTED ?? 0)).toBe(
      8 * 'danube-wal 1\n'.length,
    );
  });

  test.each([
    ['killed', small('always', false)],
    ['closed', small('always', true)],
    ['killed in mode none', small('none', false)],
  ])(
    '%s, every segment cut off or zero-filled at every byte ends as its frames demand',
    async (_, settings) => {
      const counts = await runApart('cuts', settings);
      expect(counts.WAL_CORRUPT).toBeGreaterThan(1000);
      if (settings.closed) expect(counts.torn).toBeUndefined();
      else expect(counts.torn).toBeGreaterThan(500);
    },
  );

  test('VERSION cut off anywhere is refused, the state file survives while one copy of it is whole', async () => {
    const counts = await runApart('other cuts', small('always', false));
    expect(counts).toEqual({ WAL_CORRUPT: 'danube-wal 1\n'.length + 88, whole: 8192 - 88 });
  });

  test.each([
    ['killed', small('always', false)],
    ['killed in mode none', small('none', false)],
  ])(
    '%s, 64 or 512 bytes wiped anywhere are corruption, or torn where nothing behind it proves otherwise',
    async (_, settings) => {
      for (const length of [64, 512]) {
        const counts = await runApart('wipes', { ...settings, length });
        expect(counts.WAL_CORRUPT).toBeGreaterThan(200);
      }
    },
  );

  test('that was closed, bytes cut out or repeated never go unnoticed', async () => {
    const counts = await runApart('splices', small('always', true));
    expect(counts.WAL_CORRUPT).toBeGreaterThan(1000);
  });
});

test('with either slot of the state file wiped the log opens whole, and skips the epoch the slot may have held', async () => {
  for (const closed of [true, false]) {
    const specimen = await makeSpecimen(wal, small('always', closed));
    const path = `${LOG_DIR}/state`;
    for (const slot of [0, 4096]) {
      const bytes = Buffer.from(specimen.files.get(path)!);
      bytes.fill(0, slot, slot + 4096);
      const files = damaged(specimen, [[path, bytes]]);
      expect(await examine(wal, specimen, files)).toMatchObject({ outcome: 'whole' });
      const disk = new SimDisk({ seed: 1 });
      for (const [name, contents] of files) disk.plant(name, contents);
      const log = await wal.openWal({ dir: LOG_DIR, fs: disk.mount() });
      expect(log.epoch).toBe(3);
      await log.close();
    }
  }
});

test('segments zeroed, missing, duplicated, swapped, from another log or an older life are refused', async () => {
  for (const closed of [true, false]) {
    const specimen = await makeSpecimen(wal, small('always', closed));
    const other = await makeSpecimen(wal, { ...small('always', closed), seed: 2 });
    const paths = specimen.segments;
    const content = (i: number) => specimen.files.get(paths[i]!)!;
    const foreign = (i: number) => other.files.get(other.segments[i]!)!;
    const each = (name: string, change: (i: number) => Buffer | undefined) =>
      paths.map((path, i): Case => [`${name} ${i}`, [[path, change(i)]]]);
    type Case = readonly [string, readonly (readonly [string, Buffer | undefined])[]];
    const cases: Case[] = [
      ...each('missing', () => undefined),
      ...each('empty', () => Buffer.alloc(0)),
      ...each('zero-filled', (i) => Buffer.alloc(content(i).length)),
      ...each('foreign', foreign),
      ...each('foreign frames under our header in', (i) =>
        Buffer.concat([content(i).subarray(0, 80), foreign(i).subarray(80)]),
      ),
      ['all missing', paths.map((path) => [path, undefined] as const)],
      ['all foreign', paths.map((path, i) => [path, foreign(i)] as const)],
      ['state missing', [[`${LOG_DIR}/state`, undefined]]],
      ['state foreign', [[`${LOG_DIR}/state`, other.files.get(`${LOG_DIR}/state`)!]]],
      ['state zero-filled', [[`${LOG_DIR}/state`, Buffer.alloc(8192)]]],
      ['VERSION missing', [[`${LOG_DIR}/VERSION`, undefined]]],
      ['duplicated under a later name', [[`${LOG_DIR}/00000000000000000999.wal`, content(2)]]],
    ];
    for (const [a, b] of [
      [0, 1],
      [0, 2],
      [1, 2],
    ] as const) {
      cases.push(
        [
          `${a} and ${b} swapped`,
          [
            [paths[a]!, content(b)],
            [paths[b]!, content(a)],
          ],
        ],
        [`${a} in place of ${b}`, [[paths[b]!, content(a)]]],
        [`${b} in place of ${a}`, [[paths[a]!, content(b)]]],
        [
          `frames of ${a} under the header of ${b}`,
          [[paths[b]!, Buffer.concat([content(b).subarray(0, 80), content(a).subarray(80)])]],
        ],
      );
    }
    for (const [name, changes] of cases) {
      // Frames from elsewhere are no frames here: in the last segment of a killed log, after none that are, a torn tail.
      const tears =
        !closed && /^(foreign frames under our header in|frames of . under the header of) 2$/.test(name);
      const { outcome } = await examine(wal, specimen, damaged(specimen, changes));
      expect([name, outcome]).toEqual([name, tears ? 'torn' : 'WAL_CORRUPT']);
    }
  }
});

test('a copy of a later segment below the log is not what a truncation left: it stays, and the log is whole', async () => {
  const disk = new SimDisk({ seed: 1 });
  const log = await wal.openWal({
    dir: LOG_DIR,
    fs: disk.mount(),
    maxFileSizeBytes: 256,
    maxBatchBytes: 4096,
  });
  for (let i = 0; i < 6; i++) await log.append({ type: 1, payload: Buffer.alloc(150, i) });
  await log.truncateBefore(4);
  await log.close();
  const files = new Map(disk.paths().map((path) => [path, disk.contents(path)]));
  const [first] = [...files.keys()].filter((path) => path.endsWith('.wal'));
  const texts = new Map(Array.from({ length: 2 }, (_, i) => [4 + i, Buffer.alloc(150, 4 + i).toString()]));
  const specimen = { files, firstOffset: 4, texts, segments: [first!] };
  const stale = `${LOG_DIR}/00000000000000000000.wal`;
  await judge(wal, specimen, damaged(specimen, [[stale, files.get(first!)!]]), 'whole');
  disk.plant(stale, files.get(first!)!);
  await (await wal.openWal({ dir: LOG_DIR, fs: disk.mount() })).close();
  expect(disk.contents(stale)).toEqual(files.get(first!)!);
});
