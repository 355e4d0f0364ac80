import { strict as assert } from 'node:assert';
import { Random, SimDisk } from '../../src/testing/index.ts';
import { readAll, type WalModule } from './crash-driver.ts';

const DIR = '/sim/log';

/** Files of a small log, and what it holds. */
export interface Specimen {
  readonly files: ReadonlyMap<string, Buffer>;
  readonly texts: ReadonlyMap<number, string>;
  /** Segment paths in order. */
  readonly segments: readonly string[];
  /** Where the last frame of the last segment starts. */
  readonly lastFrameStart: number;
  readonly closed: boolean;
}

export type Outcome = 'whole' | 'torn' | 'WAL_CORRUPT' | 'WAL_VERSION_UNSUPPORTED';

/** A log of three segments, about 2 KiB, in mode `always`; closed properly or killed. */
export async function makeSpecimen(module: WalModule, closed: boolean, seed = 1): Promise<Specimen> {
  const disk = new SimDisk({ seed });
  const random = new Random(seed);
  const log = await module.openWal({
    dir: DIR,
    fs: disk.mount(),
    maxFileSizeBytes: 700,
    maxBatchBytes: 4096,
    randomBytes: (length) => random.bytes(length),
    clock: { now: () => 1_700_000_000_000, setTimer: () => () => {} },
  });
  const texts = new Map<number, string>();
  let lastFrameStart = 0;
  for (let i = 0; log.segments().length < 3 || texts.size < 14; i++) {
    const count = i % 3 === 2 ? 2 : 1;
    const batch = Array.from({ length: count }, (_, k) => `record ${i}.${k} ${'*'.repeat((i * 7) % 30)}`);
    const before = log.segments().at(-1)!;
    const { firstOffset } = await log.appendBatch(
      batch.map((text) => ({ type: 1, payload: Buffer.from(text) })),
    );
    for (const [k, text] of batch.entries()) texts.set(firstOffset + k, text);
    const after = log.segments().at(-1)!;
    lastFrameStart = after.firstOffset === before.firstOffset ? before.sizeBytes : 80;
  }
  if (closed) await log.close();
  else disk.kill();
  const files = new Map(disk.paths().map((path) => [path, disk.contents(path)]));
  return {
    files,
    texts,
    segments: [...files.keys()].filter((p) => p.endsWith('.wal')),
    lastFrameStart,
    closed,
  };
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

/**
 * Opens and reads a damaged log. Asserts what holds for every damage: only records that were written, in order, from
 * the start and without a gap; a refusal changes nothing on disk; no buffer larger than the largest file.
 */
export async function examine(
  module: WalModule,
  specimen: Specimen,
  files: ReadonlyMap<string, Buffer>,
): Promise<{ outcome: Outcome; records: number }> {
  const disk = new SimDisk({ seed: 1 });
  for (const [path, bytes] of files) disk.plant(path, bytes);
  let records = specimen.texts.size;
  let outcome: Outcome = 'whole';
  try {
    const log = await module.openWal({ dir: DIR, fs: disk.mount(), maxBatchBytes: 4096 });
    const texts = await readAll(log, log.firstOffset);
    for (const [offset, text] of texts) assert.equal(text, specimen.texts.get(offset), `record ${offset}`);
    assert.equal(log.firstOffset, 0);
    assert.equal(texts.size, log.nextOffset, 'a silent skip');
    records = texts.size;
    if (records < specimen.texts.size) outcome = 'torn';
    await log.close();
  } catch (error) {
    if (!module.WalError.is(error)) throw error;
    assert(error.code === 'WAL_CORRUPT' || error.code === 'WAL_VERSION_UNSUPPORTED', String(error));
    if (error.code === 'WAL_CORRUPT') assert((error.context.damage as unknown[]).length > 0);
    outcome = error.code;
    for (const [path, bytes] of files)
      assert(disk.contents(path).equals(bytes), `${path} was changed by a refusal`);
  }
  const largest = Math.max(8192, ...[...files.values()].map((bytes) => bytes.length));
  assert(disk.largestReadBytes <= largest, `a read of ${disk.largestReadBytes} bytes`);
  return { outcome, records };
}

/** Every single-bit flip of one file, from `start`. */
export function* bitFlips(bytes: Buffer, start = 0): Generator<{ byte: number; bit: number; bytes: Buffer }> {
  for (let byte = start; byte < bytes.length; byte++) {
    for (let bit = 0; bit < 8; bit++) {
      const copy = Buffer.from(bytes);
      copy[byte]! ^= 1 << bit;
      yield { byte, bit, bytes: copy };
    }
  }
}

/**
 * Every single-bit flip in every segment is corruption, or, in the last frame of a killed log, a torn tail.
 * `everyBit: false` flips one bit of each byte.
 */
export async function flipBits(
  module: WalModule,
  closed: boolean,
  everyBit: boolean,
): Promise<Record<string, number>> {
  const specimen = await makeSpecimen(module, closed);
  const counts: Record<string, number> = {};
  for (const path of specimen.segments) {
    const bytes = specimen.files.get(path)!;
    for (const flip of bitFlips(bytes)) {
      if (!everyBit && flip.bit !== flip.byte % 8) continue;
      const { outcome } = await examine(module, specimen, damaged(specimen, [[path, flip.bytes]]));
      const inLastFrame = path === specimen.segments.at(-1) && flip.byte >= specimen.lastFrameStart;
      const allowed: readonly Outcome[] = inLastFrame && !closed ? ['torn'] : ['WAL_CORRUPT'];
      assert(allowed.includes(outcome), `${path} byte ${flip.byte} bit ${flip.bit} flipped: ${outcome}`);
      counts[outcome] = (counts[outcome] ?? 0) + 1;
    }
  }
  return counts;
}
