import { basename } from 'node:path';
import { expect, test } from 'vitest';
import * as wal from '../../src/index.ts';
import {
  changed,
  checkRepaired,
  DIR,
  diskOf,
  type Files,
  filesOf,
  makeSpecimen,
  options,
  repairAndCheck,
  repairFlips,
  type Specimen,
  verdictOfLooking,
  verdictOfOpening,
} from './repair-driver.ts';

const STATE = `${DIR}/state`;
const VERSION = `${DIR}/VERSION`;

test('a flipped bit anywhere in a killed log: after the repair exactly the frame it hit is gone', async () => {
  const counts = await repairFlips(wal, false);
  expect(counts['damaged']).toBeGreaterThan(1000);
  expect(counts['torn']).toBeGreaterThan(50);
}, 120_000);

test('the same in a log that was closed properly, where the last frame counts too', async () => {
  expect(Object.keys(await repairFlips(wal, true))).toEqual(['damaged']);
}, 120_000);

test('each segment cut off at every byte: what is lost is exactly what was in the frames cut', async () => {
  for (const closed of [true, false]) {
    const specimen = await makeSpecimen(wal, closed);
    for (const path of specimen.segments) {
      const bytes = specimen.files.get(path)!;
      for (let at = 0; at < bytes.length; at++) {
        const files = changed(specimen.files, [[path, bytes.subarray(0, at)]]);
        const verdict = await verdictOfOpening(wal, files);
        expect([path, at, await verdictOfLooking(wal, files)]).toEqual([path, at, verdict]);
        if (verdict !== 'damaged') continue;
        const { lost, nextOffset } = await repairAndCheck(wal, specimen, diskOf(files), files);
        const whole = specimen.frames.filter((f) => f.path === path && f.endByteExclusive > at);
        // A header that is gone cannot prove the frames: but then none is left.
        expect([path, at, lost]).toEqual([path, at, offsets(whole)]);
        if (path !== specimen.segments.at(-1) || closed) expect(nextOffset).toBe(specimen.nextOffset);
      }
    }
  }
}, 120_000);

/** Says which case failed. */
async function named<T>(name: string, run: Promise<T>): Promise<T> {
  return run.catch((error: unknown) => {
    throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
  });
}

function offsets(frames: Specimen['frames']): number[] {
  return frames.flatMap(({ firstOffset, nextOffset }) =>
    Array.from({ length: nextOffset - firstOffset }, (_, i) => firstOffset + i),
  );
}

const of = (specimen: Specimen, ...paths: string[]) =>
  offsets(specimen.frames.filter(({ path }) => paths.includes(path)));

/** Damage to whole files, and the offsets it costs. */
async function wholeFileCases(closed: boolean): Promise<[string, Specimen, Files, number[]][]> {
  const specimen = await makeSpecimen(wal, closed);
  const other = await makeSpecimen(wal, closed, 2);
  const paths = specimen.segments;
  const content = (i: number) => specimen.files.get(paths[i]!)!;
  const foreign = (i: number) => other.files.get(other.segments[i]!)!;
  const last = paths.length - 1;
  const renamed = `${DIR}/00000000000000000777.wal`;
  const cases: [string, [string, Buffer | undefined][], number[]][] = [
    ...paths.map((path, i): [string, [string, undefined][], number[]] => [
      `segment ${i} missing`,
      [[path, undefined]],
      of(specimen, path),
    ]),
    [
      'two adjoining missing',
      [
        [paths[1]!, undefined],
        [paths[2]!, undefined],
      ],
      of(specimen, paths[1]!, paths[2]!),
    ],
    [
      'the last two missing',
      [
        [paths[last - 1]!, undefined],
        [paths[last]!, undefined],
      ],
      of(specimen, paths[last - 1]!, paths[last]!),
    ],
    ['all missing', paths.map((path) => [path, undefined]), of(specimen, ...paths)],
    [
      'swapped',
      [
        [paths[0]!, content(1)],
        [paths[1]!, content(0)],
      ],
      [],
    ],
    [
      'three in a circle',
      [
        [paths[0]!, content(1)],
        [paths[1]!, content(2)],
        [paths[2]!, content(0)],
      ],
      [],
    ],
    [
      'swapped with the last',
      [
        [paths[1]!, content(last)],
        [paths[last]!, content(1)],
      ],
      [],
    ],
    [
      'under a later name',
      [
        [paths[1]!, undefined],
        [renamed, content(1)],
      ],
      [],
    ],
    ['duplicated under a later name', [[renamed, content(last)]], []],
    ['duplicated over the next', [[paths[2]!, content(1)]], of(specimen, paths[2]!)],
    ['foreign', [[paths[1]!, foreign(1)]], of(specimen, paths[1]!)],
    ['foreign last', [[paths[last]!, foreign(last)]], of(specimen, paths[last]!)],
    ['foreign more', [[renamed, foreign(1)]], []],
    ['empty', [[paths[1]!, Buffer.alloc(0)]], of(specimen, paths[1]!)],
    ['zeros', [[paths[1]!, Buffer.alloc(content(1).length)]], of(specimen, paths[1]!)],
    ['zeros last', [[paths[last]!, Buffer.alloc(content(last).length)]], of(specimen, paths[last]!)],
    [
      'zeros twice',
      [
        [paths[1]!, Buffer.alloc(9)],
        [paths[2]!, Buffer.alloc(999)],
      ],
      of(specimen, paths[1]!, paths[2]!),
    ],
    ['junk under a segment name', [[renamed, Buffer.alloc(100, 7)]], []],
    [
      'headers of all zeroed',
      paths.map((path, i) => [path, Buffer.concat([Buffer.alloc(80), content(i).subarray(80)])]),
      [],
    ],
    ['state wiped', [[STATE, Buffer.alloc(8192)]], []],
    ['state missing', [[STATE, undefined]], []],
    ['VERSION missing', [[VERSION, undefined]], []],
    ['VERSION unreadable', [[VERSION, Buffer.from('danube-wal')]], []],
    [
      'state, VERSION and a header',
      [
        [STATE, undefined],
        [VERSION, undefined],
        [paths[0]!, Buffer.concat([Buffer.alloc(80), content(0).subarray(80)])],
      ],
      [],
    ],
    [
      'state and the middle missing',
      [
        [STATE, undefined],
        [paths[1]!, undefined],
      ],
      of(specimen, paths[1]!),
    ],
  ];
  return cases.map(([name, changes, lost]) => [name, specimen, changed(specimen.files, changes), lost]);
}

test('segments missing, swapped, foreign or duplicated, and lost state and VERSION are repaired', async () => {
  for (const closed of [true, false]) {
    for (const [name, specimen, files, lost] of await wholeFileCases(closed)) {
      const verdict = await verdictOfOpening(wal, files);
      expect([name, verdict, await verdictOfLooking(wal, files)]).toEqual([name, 'damaged', 'damaged']);
      const repaired = await named(name, repairAndCheck(wal, specimen, diskOf(files), files));
      expect([name, closed, repaired.lost]).toEqual([name, closed, lost]);
      if (closed && name !== 'zeros last')
        expect([name, repaired.nextOffset]).toEqual([name, specimen.nextOffset]);
    }
  }
});

test('a repair interrupted at every operation, and run again, ends as if it had never been interrupted', async () => {
  let interrupted = 0;
  for (const [name, specimen, files] of await wholeFileCases(false)) {
    const straight = await named(name, repairAndCheck(wal, specimen, diskOf(files), files));
    for (let operations = 1; ; operations++) {
      const disk = diskOf(files);
      disk.crashAfter(operations);
      const outcome = await wal
        .repairWal(DIR, { ...options(disk), apply: true })
        .catch((error: unknown) => error);
      if (!(outcome instanceof Error)) break;
      interrupted++;
      disk.crash();
      await wal.repairWal(DIR, { ...options(disk), apply: true });
      const again = await named(
        `${name}, interrupted at ${operations}`,
        checkRepaired(wal, specimen, disk, files),
      );
      const { lost, gaps, nextOffset } = again;
      expect([name, operations, lost, gaps, nextOffset]).toEqual([
        name,
        operations,
        straight.lost,
        straight.gaps,
        straight.nextOffset,
      ]);
    }
  }
  expect(interrupted).toBeGreaterThan(500);
}, 120_000);

test('what proves too little is refused with a sentence, and nothing is changed', async () => {
  const specimen = await makeSpecimen(wal, true);
  const other = await makeSpecimen(wal, true, 2);
  const wiped = specimen.segments.map((path) => [path, Buffer.alloc(50)] as const);
  const cases: [string, Files][] = [
    ['state of another log', changed(specimen.files, [[STATE, other.files.get(STATE)]])],
    ['no state and no header', changed(specimen.files, [...wiped, [STATE, undefined]])],
    ['no VERSION and no header', changed(specimen.files, [...wiped, [VERSION, undefined]])],
  ];
  for (const [name, files] of cases) {
    const disk = diskOf(files);
    const error = await wal.repairWal(DIR, { ...options(disk), apply: true }).catch((e: unknown) => e);
    expect([name, wal.WalError.is(error) && error.code, filesOf(disk)]).toEqual([name, 'WAL_CORRUPT', files]);
  }
});

test('a VERSION of the future is refused, not rewritten', async () => {
  const specimen = await makeSpecimen(wal, true);
  const disk = diskOf(changed(specimen.files, [[VERSION, Buffer.from('danube-wal 2\n')]]));
  await expect(wal.repairWal(DIR, { ...options(disk), apply: true })).rejects.toMatchObject({
    code: 'WAL_VERSION_UNSUPPORTED',
  });
});

test('a torn tail alone is nothing to repair: it is left to opening', async () => {
  const specimen = await makeSpecimen(wal, false);
  const path = specimen.segments.at(-1)!;
  const files = changed(specimen.files, [[path, specimen.files.get(path)!.subarray(0, -5)]]);
  expect(await verdictOfLooking(wal, files)).toBe('torn');
  const disk = diskOf(files);
  expect(await wal.repairWal(DIR, { ...options(disk), apply: true })).toMatchObject({ needed: false });
  expect(filesOf(disk)).toEqual(files);
});

test('a damaged end behind proven damage becomes a gap too: its offsets were given out', async () => {
  const specimen = await makeSpecimen(wal, false, 1, 100_000);
  const path = specimen.segments[0]!;
  const { frames } = specimen;
  const bytes = Buffer.from(specimen.files.get(path)!);
  bytes[frames[0]!.startByte + 30]! ^= 1;
  bytes.fill(0, frames.at(-1)!.startByte);
  const files = changed(specimen.files, [[path, bytes]]);
  const { lost, gaps } = await repairAndCheck(wal, specimen, diskOf(files), files);
  expect(lost).toEqual(offsets([frames[0]!, frames.at(-1)!]));
  expect(gaps.at(-1)!.firstOffset).toBe(frames.at(-1)!.firstOffset);
});

test('damage in a gap, or on top of a repair, is damage again, and repaired again', async () => {
  const specimen = await makeSpecimen(wal, true);
  const path = specimen.segments[1]!;
  const bytes = Buffer.from(specimen.files.get(path)!);
  bytes[90]! ^= 1;
  const files = changed(specimen.files, [[path, bytes]]);
  const disk = diskOf(files);
  await wal.repairWal(DIR, { ...options(disk), apply: true });
  const repaired = filesOf(disk);
  const gapAt = 80;
  for (let byte = gapAt; byte < gapAt + 48; byte++) {
    const again = Buffer.from(repaired.get(path)!);
    again[byte]! ^= 1 << (byte % 8);
    const twice = changed(repaired, [[path, again]]);
    expect(await verdictOfOpening(wal, twice)).toBe('damaged');
    const { gaps } = await repairAndCheck(wal, specimen, diskOf(twice), twice);
    const { firstOffset, nextOffset } = specimen.frames.find((f) => f.path === path)!;
    expect(gaps).toEqual([{ firstOffset, nextOffset }]);
    expect(
      diskOf(twice)
        .paths()
        .filter((p) => basename(p).includes('.damaged-')).length,
    ).toBe(1);
  }
});

test('a state file lost twice in a row never gives an epoch twice', async () => {
  const specimen = await makeSpecimen(wal, true);
  const disk = diskOf(specimen.files);
  const epochs = [specimen.epoch];
  for (let i = 0; i < 3; i++) {
    disk.plant(STATE, Buffer.alloc(8192, i));
    const report = await wal.repairWal(DIR, { ...options(disk), apply: true });
    const log = await wal.openWal({ dir: DIR, fs: disk.mount() });
    expect(log.epoch).toBe(report.rebuiltEpoch! + 1);
    epochs.push(log.epoch);
    await log.close();
  }
  expect(epochs).toEqual([...epochs].sort((a, b) => a - b));
  expect(new Set(epochs).size).toBe(4);
});

test('a repair of a log that is open is refused; only looking needs no lock', async () => {
  const specimen = await makeSpecimen(wal, true);
  const disk = diskOf(specimen.files);
  const log = await wal.openWal({ dir: DIR, fs: disk.mount() });
  await expect(wal.repairWal(DIR, { ...options(disk), apply: true })).rejects.toMatchObject({
    code: 'WAL_LOCKED',
  });
  expect((await wal.inspectWal(DIR, { fs: disk.mount() })).verdict).toBe('sound');
  await log.close();
});

test('a gap of more than a frame can count is written as several and read as one range', async () => {
  // Only the offsets matter: a last segment whose first offset is far away.
  const specimen = await makeSpecimen(wal, true);
  const state = Buffer.from(specimen.files.get(STATE)!);
  const far = 3 * 2 ** 32 + 5;
  const { crc32 } = await import('node:zlib');
  for (const at of [0, 512, 4096, 4608]) {
    state.writeBigUInt64LE(BigInt(far), at + 72);
    state.writeUInt32LE(crc32(state.subarray(at + 12, at + 88)), at + 8);
  }
  const files = changed(specimen.files, [[STATE, state]]);
  const disk = diskOf(files);
  await wal.repairWal(DIR, { ...options(disk), apply: true });
  const log = await wal.openWal({ dir: DIR, fs: disk.mount() });
  expect(log.nextOffset).toBe(far);
  expect(log.recovery.gaps).toEqual([{ firstOffset: specimen.nextOffset, nextOffset: far }]);
  await log.close();
});
