import { strict as assert } from 'node:assert';
import { basename } from 'node:path';
import type * as wal from '../../src/index.ts';
import { Random, SimDisk } from '../../src/testing/index.ts';

/** The package under test: the real one, or a mutant of it. */
export type RepairModule = Pick<typeof wal, 'openWal' | 'WalError' | 'inspectWal' | 'repairWal'>;

export const DIR = '/sim/log';
export const STATE = `${DIR}/state`;
export const VERSION = `${DIR}/VERSION`;
export type Files = ReadonlyMap<string, Buffer>;
type Change = readonly [path: string, bytes: Buffer | undefined];

/** Where a frame lies, and the offsets in it. */
export interface FramePlace {
  readonly path: string;
  readonly startByte: number;
  readonly endByteExclusive: number;
  readonly firstOffset: number;
  readonly nextOffset: number;
}

/** Files of a small log of four segments, and what it holds. */
export interface Specimen {
  readonly files: Files;
  readonly texts: ReadonlyMap<number, string>;
  readonly nextOffset: number;
  readonly epoch: number;
  /** The state file as the first life left it. */
  readonly earlierState: Buffer;
  readonly segments: readonly string[];
  readonly frames: readonly FramePlace[];
}

const settings = (random: Random) => ({
  dir: DIR,
  maxFileSizeBytes: 400,
  maxBatchBytes: 4096,
  preallocateBytes: 0,
  randomBytes: (length: number) => random.bytes(length),
  clock: { now: () => 1_700_000_000_000, setTimer: () => () => {} },
});

/** Two lives of a log in mode `always`; the second closed properly or killed. */
export async function makeSpecimen(
  module: RepairModule,
  closed: boolean,
  seed = 1,
  maxFileSizeBytes = 400,
): Promise<Specimen> {
  const disk = new SimDisk({ seed });
  const random = new Random(seed);
  const texts = new Map<number, string>();
  let epoch = 0;
  let earlierState: Buffer = Buffer.alloc(0);
  for (let life = 1; life <= 2; life++) {
    const log = await module.openWal({ ...settings(random), fs: disk.mount(), maxFileSizeBytes });
    epoch = log.epoch;
    for (let i = 0; i < 5; i++) {
      const batch = Array.from(
        { length: 1 + (i % 2) },
        (_, k) => `${life}.${i}.${k} ${'*'.repeat((i * 7) % 20)}`,
      );
      const records = batch.map((text) => ({ type: 1 + (i % 3), payload: Buffer.from(text) }));
      const { firstOffset } = await log.appendBatch(records);
      for (const [k, text] of batch.entries()) texts.set(firstOffset + k, text);
    }
    if (life === 1 || closed) await log.close();
    else disk.kill();
    if (life === 1) earlierState = disk.contents(STATE);
  }
  const files = new Map(disk.paths().map((path) => [path, disk.contents(path)]));
  const segments = [...files.keys()].filter((path) => path.endsWith('.wal')).sort();
  const frames = segments.flatMap((path) => framesOf(path, files.get(path)!));
  return { files, texts, nextOffset: texts.size, epoch, earlierState, segments, frames };
}

/** Frames of an undamaged segment, by nothing but the format. */
function framesOf(path: string, bytes: Buffer): FramePlace[] {
  const frames: FramePlace[] = [];
  for (let at = 80; at < bytes.length; ) {
    const firstOffset = Number(bytes.readBigUInt64LE(at + 8));
    const endByteExclusive = at + 48 + bytes.readUInt32LE(at + 20);
    const nextOffset = firstOffset + bytes.readUInt32LE(at + 16);
    frames.push({ path, startByte: at, endByteExclusive, firstOffset, nextOffset });
    at = endByteExclusive;
  }
  return frames;
}

export function changed(files: Files, changes: Iterable<Change>): Map<string, Buffer> {
  const copy = new Map(files);
  for (const [path, bytes] of changes) {
    if (bytes === undefined) copy.delete(path);
    else copy.set(path, bytes);
  }
  return copy;
}

export function diskOf(files: Files): SimDisk {
  const disk = new SimDisk({ seed: 1 });
  for (const [path, bytes] of files) disk.plant(path, bytes);
  return disk;
}

export function filesOf(disk: SimDisk): Map<string, Buffer> {
  return new Map(disk.paths().map((path) => [path, disk.contents(path)]));
}

export function assertSame(files: Files, disk: SimDisk, what: string): void {
  assert.deepEqual(disk.paths(), [...files.keys()].sort(), `${what} changed the names`);
  for (const [path, bytes] of files) assert(disk.contents(path).equals(bytes), `${what} changed ${path}`);
}

export const options = (disk: SimDisk) => {
  const random = new Random(99);
  return {
    fs: disk.mount(),
    clock: { now: () => 1_800_000_000_000 },
    randomBytes: (n: number) => random.bytes(n),
  };
};

/** What opening says of these files: whole, torn, or the code it refuses with. Changes nothing that is passed in. */
export async function verdictOfOpening(module: RepairModule, files: Files): Promise<string> {
  const disk = diskOf(files);
  try {
    const log = await module.openWal({ ...settings(new Random(5)), fs: disk.mount() });
    await log.close();
    return log.recovery.tornTail ? 'torn' : 'sound';
  } catch (error) {
    if (!module.WalError.is(error)) throw error;
    return error.code === 'WAL_CORRUPT' ? 'damaged' : error.code;
  }
}

/** What looking says; asserts that it changes nothing and lists the damage that opening lists. */
export async function verdictOfLooking(module: RepairModule, files: Files): Promise<string> {
  const disk = diskOf(files);
  try {
    const { verdict, damage } = await module.inspectWal(DIR, { fs: disk.mount() });
    if (verdict === 'damaged') {
      const error = await module
        .openWal({ ...settings(new Random(5)), fs: diskOf(files).mount() })
        .catch((e) => e);
      const listed = (error as wal.WalError).context['damage'] as object[];
      assert.deepEqual(damage.slice(0, listed.length), listed);
    }
    assertSame(files, disk, 'looking');
    return verdict;
  } catch (error) {
    if (!module.WalError.is(error)) throw error;
    assertSame(files, disk, 'looking');
    return error.code;
  }
}

/** What a repaired log holds, and what it says is gone. */
export interface Repaired {
  readonly lost: readonly number[];
  readonly gaps: readonly wal.WalGap[];
  readonly epoch: number;
  readonly nextOffset: number;
  /** First offsets of the segments. */
  readonly segments: readonly number[];
}

/** Repairs what is on `disk`, then checks all that is promised whatever the damage was. */
export async function repairAndCheck(
  module: RepairModule,
  specimen: Specimen,
  disk: SimDisk,
  original: Files,
): Promise<Repaired> {
  const dry = await module.repairWal(DIR, options(disk));
  const report = await module.repairWal(DIR, { ...options(disk), apply: true });
  if (dry.needed) {
    assert(report.applied);
    assert.deepEqual(report.gaps, dry.gaps, 'what was announced is not what was done');
  }
  return checkRepaired(module, specimen, disk, original);
}

export async function checkRepaired(
  module: RepairModule,
  specimen: Specimen,
  disk: SimDisk,
  original: Files,
): Promise<Repaired> {
  const after = filesOf(disk);
  for (const [path, bytes] of original) {
    if (path.endsWith('.tmp')) continue;
    const kept = [...after].some(
      ([other, now]) => (other === path || other.startsWith(`${path}.damaged-`)) && now.equals(bytes),
    );
    assert(kept, `${path} was not kept byte for byte`);
  }
  const { damage } = await module.inspectWal(DIR, { fs: disk.mount() });
  assert.deepEqual(damage, [], 'damage is left');
  const log = await module.openWal({ ...settings(new Random(7)), fs: disk.mount() });
  const gaps: wal.WalGap[] = [];
  const texts = new Map<number, string>();
  let at = log.firstOffset;
  const onGap = (gap: wal.WalGap) => {
    assert.equal(gap.firstOffset, at, 'a gap out of place');
    at = gap.nextOffset;
    gaps.push(gap);
  };
  for await (const batch of log.read({ from: log.firstOffset, onGap })) {
    for (const { offset, payload } of batch) {
      assert.equal(offset, at++, 'a silent skip');
      texts.set(offset, Buffer.from(payload).toString());
    }
  }
  assert.equal(at, log.nextOffset);
  for (const [offset, text] of texts) assert.equal(text, specimen.texts.get(offset), `record ${offset}`);
  assert.deepEqual(joined(gaps), log.recovery.gaps);
  await assertNotSilent(module, log, gaps);
  assert(log.nextOffset >= specimen.nextOffset, `offset ${log.nextOffset} would be given twice`);
  assert(log.epoch > specimen.epoch, `epoch ${log.epoch} would be given twice`);
  const { nextOffset } = log;
  const segments = log.segments().map(({ firstOffset }) => firstOffset);
  const { offset } = await log.append({ type: 1, payload: Buffer.from('after the repair') });
  assert(offset >= specimen.nextOffset);
  await log.close();
  assert.equal(await verdictOfOpening(module, filesOf(disk)), 'sound');
  const lost = [...specimen.texts.keys()].filter((o) => !texts.has(o));
  return { lost, gaps, epoch: log.epoch, nextOffset, segments };
}

/** Without `onGap` a read ends at the gap, after all that is before it; from inside it reports the rest of it. */
async function assertNotSilent(
  module: RepairModule,
  log: wal.Wal,
  gaps: readonly wal.WalGap[],
): Promise<void> {
  for (const { firstOffset, nextOffset } of gaps) {
    const from = Math.floor((firstOffset + nextOffset - 1) / 2);
    const error = await (async () => {
      for await (const _ of log.read({ from })) assert.fail('a record inside a gap');
    })().catch((e: unknown) => e);
    assert(module.WalError.is(error) && error.code === 'WAL_GAP', String(error));
    assert.deepEqual(error.context['gap'], { firstOffset: from, nextOffset });
  }
}

function joined(gaps: readonly wal.WalGap[]): wal.WalGap[] {
  const all: wal.WalGap[] = [];
  for (const gap of gaps) {
    const last = all.at(-1);
    if (last?.nextOffset === gap.firstOffset) all[all.length - 1] = { ...last, nextOffset: gap.nextOffset };
    else all.push(gap);
  }
  return all;
}

/**
 * Flips one bit of every byte of every segment. What opening refuses is repaired: exactly the frame that was hit is gone,
 * nothing when it was a header. Returns how often each verdict came.
 */
export async function repairFlips(module: RepairModule, closed: boolean): Promise<Record<string, number>> {
  const specimen = await makeSpecimen(module, closed);
  const counts: Record<string, number> = {};
  for (const path of specimen.segments) {
    const bytes = specimen.files.get(path)!;
    for (let byte = 0; byte < bytes.length; byte++) {
      const copy = Buffer.from(bytes);
      copy[byte]! ^= 1 << (byte % 8);
      const files = changed(specimen.files, [[path, copy]]);
      const verdict = await verdictOfOpening(module, files);
      assert.equal(await verdictOfLooking(module, files), verdict);
      counts[verdict] = (counts[verdict] ?? 0) + 1;
      if (verdict !== 'damaged') continue;
      const { lost, gaps } = await repairAndCheck(module, specimen, diskOf(files), files);
      const frame = specimen.frames.find(
        (f) => f.path === path && f.startByte <= byte && byte < f.endByteExclusive,
      );
      const what = `${basename(path)} byte ${byte}`;
      if (!frame) assert.deepEqual([what, gaps], [what, []]);
      else {
        const { firstOffset, nextOffset } = frame;
        assert.deepEqual([what, gaps], [what, [{ firstOffset, nextOffset }]]);
        assert.equal(lost.length, nextOffset - firstOffset);
      }
    }
  }
  return counts;
}

/** Says which case failed. */
async function named<T>(name: string, run: Promise<T>): Promise<T> {
  return run.catch((error: unknown) => {
    throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
  });
}

export function offsets(frames: Specimen['frames']): number[] {
  return frames.flatMap(({ firstOffset, nextOffset }) =>
    Array.from({ length: nextOffset - firstOffset }, (_, i) => firstOffset + i),
  );
}

const of = (specimen: Specimen, ...paths: string[]) =>
  offsets(specimen.frames.filter(({ path }) => paths.includes(path)));

/** Damage to whole files, and the offsets it costs. */
async function wholeFileCases(
  module: RepairModule,
  closed: boolean,
): Promise<[string, Specimen, Files, number[]][]> {
  const specimen = await makeSpecimen(module, closed);
  const other = await makeSpecimen(module, closed, 2);
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
    [
      'an old copy of the last kept aside',
      [
        [paths[last]!, undefined],
        [`${paths[last]!}.damaged-1`, content(last).subarray(0, 80)],
      ],
      of(specimen, paths[last]!),
    ],
    ['state put back', [[STATE, specimen.earlierState]], []],
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

/** Repairs each case of damage to whole files; what is lost must be what was in the files that are gone. */
export async function repairWholeFiles(module: RepairModule): Promise<void> {
  for (const closed of [true, false]) {
    for (const [name, specimen, files, lost] of await wholeFileCases(module, closed)) {
      const verdict = await verdictOfOpening(module, files);
      const seen = await verdictOfLooking(module, files);
      assert.deepEqual([name, verdict, seen], [name, 'damaged', 'damaged']);
      const repaired = await named(name, repairAndCheck(module, specimen, diskOf(files), files));
      assert.deepEqual([name, closed, repaired.lost], [name, closed, lost]);
      if (closed) assert.deepEqual([name, repaired.nextOffset], [name, specimen.nextOffset]);
    }
  }
}

/** Cuts the power in every operation of every repair, and repairs again. Returns how often. */
export async function repairInterrupted(module: RepairModule): Promise<number> {
  let interrupted = 0;
  for (const [name, specimen, files] of await wholeFileCases(module, false)) {
    const straight = await named(name, repairAndCheck(module, specimen, diskOf(files), files));
    for (let operations = 1; ; operations++) {
      const disk = diskOf(files);
      disk.crashAfter(operations);
      const repairing = module.repairWal(DIR, { ...options(disk), apply: true });
      const outcome = await repairing.catch((error: unknown) => error);
      if (!(outcome instanceof Error)) break;
      interrupted++;
      disk.crash();
      const what = `${name}, interrupted at ${operations}`;
      await named(what, module.repairWal(DIR, { ...options(disk), apply: true }));
      const again = await named(what, checkRepaired(module, specimen, disk, files));
      // A state file rebuilt twice may have leapt twice.
      assert.deepEqual({ ...again, what, epoch: 0 }, { ...straight, what, epoch: 0 });
    }
  }
  return interrupted;
}
