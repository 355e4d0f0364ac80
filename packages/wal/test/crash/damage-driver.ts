import { strict as assert } from 'node:assert';
import { basename } from 'node:path';
import type { SyncMode, WalDamage } from '../../src/index.ts';
import { Random, SimDisk } from '../../src/testing/index.ts';
import {
  framesOf,
  SEGMENT_HEADER,
  STATE_COPIES,
  segmentPaths,
  type Verdict,
  verdictOnCut,
  verdictOnFlip,
} from './log-layout.ts';
import { readAll, type WalModule } from './log-model.ts';
import { MeteredDisk } from './metered-disk.ts';
import { LOG_DIR } from './observed-log.ts';

/** Files of a small log, and what it holds. */
export interface Specimen {
  readonly files: ReadonlyMap<string, Buffer>;
  readonly firstOffset: number;
  readonly texts: ReadonlyMap<number, string>;
  /** Segment paths in order. */
  readonly segments: readonly string[];
}

/** How a specimen is made. */
export interface SpecimenSettings {
  readonly sync: SyncMode['kind'];
  /** Closed properly; otherwise the process was killed. */
  readonly closed: boolean;
  /** The segments together hold at most this, and at least two thirds of it. */
  readonly maxBytes: number;
  /** Filler ahead of the last frame; by default none. */
  readonly preallocateBytes?: number;
  readonly seed?: number;
}

/**
 * A log of three segments. In the modes `periodic` and `none` the last one holds frames that a later one proves durable
 * and, if it was killed, several that nothing proves.
 */
export async function makeSpecimen(module: WalModule, settings: SpecimenSettings): Promise<Specimen> {
  const { sync, closed, maxBytes, preallocateBytes = 0, seed = 1 } = settings;
  const disk = new SimDisk({ seed });
  const random = new Random(seed);
  const maxFileSizeBytes = Math.floor(maxBytes / 3);
  const log = await module.openWal({
    dir: LOG_DIR,
    fs: disk.mount(),
    sync: sync === 'periodic' ? { kind: sync, intervalMs: 1000 } : { kind: sync },
    maxFileSizeBytes,
    maxBatchBytes: 4096,
    preallocateBytes,
    randomBytes: (length) => random.bytes(length),
    clock: { now: () => 1_700_000_000_000, setTimer: () => () => {} },
  });
  const texts = new Map<number, string>();
  let synced = false;
  for (let i = 0; log.segments().length < 3 || log.segments()[2]!.sizeBytes < maxFileSizeBytes * 0.75; i++) {
    const count = i % 3 === 2 ? 2 : 1;
    const batch = Array.from({ length: count }, (_, k) => `record ${i}.${k} ${'*'.repeat((i * 7) % 13)}`);
    const { firstOffset } = await log.appendBatch(
      batch.map((text) => ({ type: 1, payload: Buffer.from(text) })),
    );
    for (const [k, text] of batch.entries()) texts.set(firstOffset + k, text);
    const last = log.segments()[2];
    if (!synced && last && last.sizeBytes > maxFileSizeBytes * 0.35) {
      await log.sync();
      synced = true;
    }
  }
  if (closed) await log.close();
  else disk.kill();
  const files = new Map(disk.paths().map((path) => [path, disk.contents(path)]));
  const segments = segmentPaths(files);
  const bytes = segments.reduce((sum, path) => sum + files.get(path)!.length, 0);
  assert(segments.length === 3 && bytes <= maxBytes && bytes > (maxBytes * 2) / 3, `${bytes} bytes`);
  const frames = framesOf(files.get(segments[2]!)!);
  const proven = Math.max(...frames.map(({ durableUpTo }) => durableUpTo));
  const unproven = frames.filter((frame) => frame.firstOffset >= proven).length;
  assert(frames.length - unproven >= 2, 'the last segment has no middle');
  assert(sync === 'always' ? unproven === 1 : unproven >= 2, `${unproven} frames at the end are unproven`);
  return { files, firstOffset: 0, texts, segments };
}

/** A copy of the specimen's files with some of them replaced, or taken away (undefined). */
export function damaged(
  specimen: Specimen,
  changes: Iterable<readonly [string, Buffer | undefined]>,
): Map<string, Buffer> {
  const files = new Map(specimen.files);
  for (const [path, bytes] of changes) {
    if (bytes === undefined) files.delete(path);
    else files.set(path, bytes);
  }
  return files;
}

/** How opening a damaged log ended. */
export type Outcome = 'whole' | 'torn' | 'WAL_CORRUPT' | 'WAL_VERSION_UNSUPPORTED';

/** Beyond this many operations opening, reading and closing a specimen counts as endless; it takes fewer than 90. */
const MAX_OPERATIONS = 400;

/**
 * Opens, reads and closes a damaged log. Asserts what holds for every damage: only records that were written, in
 * order, from the start and without a gap; a refusal changes nothing on disk and names `hit`, if given; what is cut off
 * is kept; no buffer is larger than the largest file, and all of them together no more than a few copies of the files.
 */
export async function examine(
  module: WalModule,
  specimen: Specimen,
  files: ReadonlyMap<string, Buffer>,
  hit?: { readonly path: string; readonly byte: number },
): Promise<{ outcome: Outcome; nextOffset: number }> {
  const disk = new MeteredDisk({ seed: 1 });
  for (const [path, bytes] of files) disk.plant(path, bytes);
  const { result, largestBytes, totalBytes } = await disk.measure(MAX_OPERATIONS, () =>
    open(module, specimen, disk, files, hit),
  );
  const sizes = [...files.values()].map((bytes) => bytes.length);
  assert(largestBytes <= Math.max(8192, ...sizes), `a buffer of ${largestBytes} bytes`);
  const all = sizes.reduce((sum, size) => sum + size, 0);
  assert(totalBytes <= 4 * all + 16_384, `buffers of ${totalBytes} bytes for ${all} bytes of files`);
  return result;
}

async function open(
  module: WalModule,
  specimen: Specimen,
  disk: SimDisk,
  files: ReadonlyMap<string, Buffer>,
  hit: { readonly path: string; readonly byte: number } | undefined,
): Promise<{ outcome: Outcome; nextOffset: number }> {
  const end = specimen.firstOffset + specimen.texts.size;
  try {
    const log = await module.openWal({ dir: LOG_DIR, fs: disk.mount(), maxBatchBytes: 4096 });
    const { nextOffset } = log;
    const texts = await readAll(log, log.firstOffset);
    for (const [offset, text] of texts) assert.equal(text, specimen.texts.get(offset), `record ${offset}`);
    assert.equal(log.firstOffset, specimen.firstOffset);
    assert.equal(texts.size, nextOffset - specimen.firstOffset, 'a silent skip');
    const { tornTail } = log.recovery;
    if (tornTail) {
      const kept = disk.contents(`${LOG_DIR}/${tornTail.keptIn}`);
      const source = files.get(`${LOG_DIR}/${tornTail.file}`)!;
      const cut = source.subarray(tornTail.position);
      const rest = cut.subarray(kept.length).toString('latin1');
      assert(kept.equals(cut.subarray(0, kept.length)), 'what was cut off was not kept');
      const at = (tornTail.position + kept.length) % 8;
      const filler = '~filler~'.repeat(rest.length / 8 + 2).slice(at, at + rest.length);
      assert(rest === filler, 'not all that was cut off was kept');
    }
    await log.close();
    return { outcome: nextOffset < end ? 'torn' : 'whole', nextOffset };
  } catch (error) {
    if (!module.WalError.is(error)) throw error;
    assert(error.code === 'WAL_CORRUPT' || error.code === 'WAL_VERSION_UNSUPPORTED', String(error));
    for (const [path, bytes] of files) {
      // A left-over of the writer is never durable under its name and may go before the check.
      if (!path.endsWith('.tmp'))
        assert(disk.contents(path).equals(bytes), `${path} was changed by a refusal`);
    }
    if (error.code === 'WAL_CORRUPT') {
      const damage = error.context.damage as readonly WalDamage[];
      assert(damage.length > 0);
      if (hit)
        assert(
          damage.some((range) => contains(range, hit)),
          `not named: ${JSON.stringify(damage)}`,
        );
    }
    return { outcome: error.code, nextOffset: Number.NaN };
  }
}

function contains(range: WalDamage, { path, byte }: { path: string; byte: number }): boolean {
  return range.file === basename(path) && range.startByte <= byte && byte < range.endByteExclusive;
}

/** Examines a damaged log and asserts that it ends as it must. */
export async function judge(
  module: WalModule,
  specimen: Specimen,
  files: ReadonlyMap<string, Buffer>,
  verdict: Verdict,
  hit?: { readonly path: string; readonly byte: number },
): Promise<Outcome> {
  const { outcome, nextOffset } = await examine(module, specimen, files, hit);
  if (verdict === 'whole') assert.equal(outcome, 'whole');
  else if (verdict === 'refused') assert(outcome.startsWith('WAL_'), `${outcome}, and not refused`);
  else assert.deepEqual({ outcome, nextOffset }, { outcome: 'torn', nextOffset: verdict.tornAtOffset });
  return outcome;
}

/** How often each outcome was met. */
export type OutcomeCounts = Partial<Record<Outcome, number>>;

/** Told before each case which one it is: an endless loop shows as silence. */
export type Progress = () => void;

/** A copy with one bit flipped. */
export function flipped(bytes: Buffer, byte: number, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[byte]! ^= 1 << bit;
  return copy;
}

/** Which bits to flip. */
export type Bits = 'every bit' | 'one bit of a byte' | 'a bit in eight bytes';

/** One damage after the other, each to one file of the specimen, judged and counted. */
class Trials {
  readonly counts: OutcomeCounts = {};
  readonly #module: WalModule;
  readonly #specimen: Specimen;
  readonly #progress: Progress;

  constructor(module: WalModule, specimen: Specimen, progress: Progress) {
    this.#module = module;
    this.#specimen = specimen;
    this.#progress = progress;
  }

  async run(
    what: string,
    path: string,
    changed: Buffer,
    verdict: Verdict,
    hit?: { readonly path: string; readonly byte: number },
  ): Promise<void> {
    this.#progress();
    const files = damaged(this.#specimen, [[path, changed]]);
    try {
      const outcome = await judge(this.#module, this.#specimen, files, verdict, hit);
      this.counts[outcome] = (this.counts[outcome] ?? 0) + 1;
    } catch (error) {
      throw new Error(`${path} ${what}: ${String(error)}`, { cause: error });
    }
  }
}

/**
 * Single-bit flips in all segments: each is corruption that names the place, or, where nothing proves
 * the frame durable, a torn tail at that frame.
 */
export async function flipSegments(
  module: WalModule,
  specimen: Specimen,
  bits: Bits,
  progress: Progress = () => {},
): Promise<OutcomeCounts> {
  const trials = new Trials(module, specimen, progress);
  for (const path of specimen.segments) await flipFile(trials, specimen, path, () => bits);
  return trials.counts;
}

/** Single-bit flips in VERSION, which are refused, and in the state file, which its copies survive. */
export async function flipOtherFiles(
  module: WalModule,
  specimen: Specimen,
  bitsOfFiller: Bits,
  progress: Progress = () => {},
): Promise<OutcomeCounts> {
  const trials = new Trials(module, specimen, progress);
  await flipFile(trials, specimen, `${LOG_DIR}/VERSION`, () => 'every bit');
  const inCopy = (byte: number) => STATE_COPIES.some(({ start, end }) => byte >= start && byte < end);
  const bits = (byte: number) => (inCopy(byte) ? 'every bit' : bitsOfFiller);
  await flipFile(trials, specimen, `${LOG_DIR}/state`, bits);
  return trials.counts;
}

async function flipFile(
  trials: Trials,
  specimen: Specimen,
  path: string,
  bitsOf: (byte: number) => Bits,
): Promise<void> {
  const bytes = specimen.files.get(path)!;
  for (let byte = 0; byte < bytes.length; byte++) {
    const verdict = verdictOnFlip(specimen.files, path, byte);
    const bits = bitsOf(byte);
    for (let bit = 0; bit < 8; bit++) {
      if (bits === 'one bit of a byte' && bit !== byte % 8) continue;
      if (bits === 'a bit in eight bytes' && (bit !== (byte >> 3) % 8 || byte % 8 !== 0)) continue;
      const changed = flipped(bytes, byte, bit);
      await trials.run(`byte ${byte} bit ${bit} flipped`, path, changed, verdict, { path, byte });
    }
  }
}

/** Every segment cut off at every byte, and overwritten with zeros from every byte on. */
export async function cutSegments(
  module: WalModule,
  specimen: Specimen,
  progress: Progress = () => {},
): Promise<OutcomeCounts> {
  const trials = new Trials(module, specimen, progress);
  for (const path of specimen.segments) {
    const bytes = specimen.files.get(path)!;
    const verdict = (changedAt: number) => verdictOnCut(specimen.files, path, changedAt);
    for (let at = 0; at < bytes.length; at++) {
      await trials.run(`cut off at byte ${at}`, path, bytes.subarray(0, at), verdict(at));
      const zeroed = Buffer.concat([bytes.subarray(0, at), Buffer.alloc(bytes.length - at)]);
      const changedAt = zeroed.findIndex((byte, i) => byte !== bytes[i]);
      if (changedAt === -1) continue;
      await trials.run(`zero-filled at byte ${at}`, path, zeroed, verdict(changedAt));
    }
  }
  return trials.counts;
}

/** VERSION and the state file cut off at every byte: one whole copy of the state is enough. */
export async function cutOtherFiles(
  module: WalModule,
  specimen: Specimen,
  progress: Progress = () => {},
): Promise<OutcomeCounts> {
  const trials = new Trials(module, specimen, progress);
  for (const name of ['VERSION', 'state']) {
    const path = `${LOG_DIR}/${name}`;
    const bytes = specimen.files.get(path)!;
    for (let at = 0; at < bytes.length; at++) {
      const verdict = name === 'state' && at >= STATE_COPIES[0]!.end ? 'whole' : 'refused';
      await trials.run(`cut off at byte ${at}`, path, bytes.subarray(0, at), verdict);
    }
  }
  return trials.counts;
}

/** Ranges wiped out inside the segments: what a lost page or a bad sector leaves. */
export async function wipeRanges(
  module: WalModule,
  specimen: Specimen,
  length: number,
  progress: Progress = () => {},
): Promise<OutcomeCounts> {
  const trials = new Trials(module, specimen, progress);
  for (const path of specimen.segments) {
    const bytes = specimen.files.get(path)!;
    for (let at = 0; at < bytes.length; at += 8) {
      for (const filler of [0, 0xff]) {
        const changed = Buffer.from(bytes);
        changed.fill(filler, at, Math.min(at + length, bytes.length));
        const first = changed.findIndex((byte, i) => byte !== bytes[i]);
        if (first === -1) continue;
        // Several frames may be hit: what the ones behind the range prove decides.
        const behind = framesOf(bytes).filter(({ start }) => start >= at + length);
        const cut = verdictOnCut(specimen.files, path, first);
        const proven = typeof cut === 'object' && behind.some((f) => f.durableUpTo > cut.tornAtOffset);
        await trials.run(`wiped with ${filler} at byte ${at}`, path, changed, proven ? 'refused' : cut);
      }
    }
  }
  return trials.counts;
}

/** Bytes cut out of the segments of a closed log, or repeated in place. */
export async function spliceBytes(
  module: WalModule,
  specimen: Specimen,
  progress: Progress = () => {},
): Promise<OutcomeCounts> {
  const trials = new Trials(module, specimen, progress);
  for (const path of specimen.segments) {
    const bytes = specimen.files.get(path)!;
    for (let at = SEGMENT_HEADER; at < bytes.length; at += 8) {
      for (const length of [1, 8, 48, 128]) {
        const piece = bytes.subarray(at, at + length);
        const out = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
        const twice = Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
        // Repeating the last bytes of the log leaves every record whole and junk behind it.
        const onlyJunk = path === specimen.segments.at(-1) && at + length >= bytes.length;
        await trials.run(`${length} bytes at ${at} cut out`, path, out, 'refused');
        await trials.run(`${length} bytes at ${at} repeated`, path, twice, onlyJunk ? 'whole' : 'refused');
      }
    }
  }
  return trials.counts;
}
