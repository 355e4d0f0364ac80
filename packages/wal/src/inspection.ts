import { join } from 'node:path';
import { systemErrorCode, type WalDamage, WalError, type WalGap } from './errors.ts';
import { lengthBeforeFiller } from './filler.ts';
import { FrameScanner, type ScannedFrame } from './frame-scanner.ts';
import { checkSegments, epochLimitOf, type LogCheck, readSegmentHeader, segmentNames } from './log-check.ts';
import { nodeFs } from './node-fs.ts';
import { formatLogId, parseSegmentFileName, type SegmentHeader } from './segment-header.ts';
import { type LogState, STATE_FILE, StateFile } from './state-file.ts';
import { MAX_OFFSET } from './u64.ts';
import { readVersionFile, VERSION_FILE } from './version-file.ts';
import { readFully, reading, type WalFs } from './wal-fs.ts';

/** One segment file as {@link inspectWal} found it. The counts are of what can be read. */
export interface SegmentInspection {
  readonly file: string;
  readonly bytes: number;
  /** False when the header is damaged, or the file is not where it belongs: nothing in it was read. */
  readonly readable: boolean;
  readonly firstOffset: number;
  readonly nextOffset: number;
  readonly frames: number;
  readonly records: number;
  /** Times of the first and last record, in milliseconds since 1970. */
  readonly firstRecordMs?: number;
  readonly lastRecordMs?: number;
}

/** What is in a log directory, and what is wrong with it. Plain data: it survives JSON. */
export interface WalInspection {
  readonly dir: string;
  /**
   * - `sound`: it opens and holds all it should.
   * - `torn`: it opens; the unfinished write at the end is cut then. Nothing acknowledged as durable is lost.
   * - `damaged`: opening it is refused with WAL_CORRUPT, for the ranges in `damage`.
   * - `changed`: it was being written so fast that what was seen may never have been there at one time. Look again.
   */
  readonly verdict: 'sound' | 'torn' | 'damaged' | 'changed';
  readonly damage: readonly WalDamage[];
  readonly tornTail?: WalDamage;
  /** The log grew or shrank while it was read: somebody has it open. */
  readonly changedMeanwhile: boolean;
  readonly logId?: string;
  /** Number of openings so far; absent when the state file cannot be read. */
  readonly epoch?: number;
  readonly closedProperly?: boolean;
  readonly firstOffset: number;
  readonly nextOffset: number;
  /** What the state file and the frames prove to have been durable. The log may hold more. */
  readonly durableUpTo: number;
  readonly segments: readonly SegmentInspection[];
  readonly recordsByType: Readonly<Record<string, number>>;
  readonly gaps: readonly WalGap[];
  /** Files that openings (`*.torn-*`) and repairs (`*.damaged-*`) kept. */
  readonly keptAside: readonly string[];
}

/** Components of {@link inspectWal}. */
export interface InspectionComponents {
  /** Default: the real file system. Only `list` and reading are used. */
  readonly fs?: WalFs;
}

/** How often a log that changes under the reader is read before its findings count as changes. */
const ATTEMPTS = 4;

/**
 * Looks into a log without touching it: takes no lock, writes nothing, and may run while the log is open elsewhere.
 * Memory is bounded by the largest frame. Damage that opening would refuse is found by the same code as there.
 *
 * Errors: WAL_INVALID_ARGUMENT (there is no log in `dir`), WAL_VERSION_UNSUPPORTED, WAL_IO_ERROR.
 */
export async function inspectWal(dir: string, components: InspectionComponents = {}): Promise<WalInspection> {
  const fs = components.fs ?? nodeFs;
  try {
    let previous: WalInspection | undefined;
    let changedMeanwhile = false;
    for (let attempt = 1; ; attempt++) {
      const before = await fingerprint(fs, dir);
      const inspection = await inspectOnce(fs, dir).catch(async (error: unknown) => {
        // A segment that a truncation removed meanwhile.
        if (systemErrorCode(error) === 'ENOENT' && attempt < ATTEMPTS) return undefined;
        throw error;
      });
      if (!inspection) continue;
      const { grew, ...seen } = inspection;
      changedMeanwhile ||= grew || (await fingerprint(fs, dir)) !== before;
      changedMeanwhile ||= previous !== undefined && previous.nextOffset !== seen.nextOffset;
      const found = { ...seen, changedMeanwhile };
      if (found.verdict === 'sound') return found;
      // A frame may be read while it is written, over filler that was there before: wrong is what two looks find alike.
      if (previous && wrongIn(previous) === wrongIn(found)) return found;
      if (attempt >= ATTEMPTS) {
        const { tornTail: _, ...rest } = found;
        return { ...rest, verdict: found.damage.length > 0 ? 'changed' : 'sound', damage: [] };
      }
      previous = found;
    }
  } catch (error) {
    if (WalError.is(error)) throw error;
    const code = systemErrorCode(error);
    throw new WalError('WAL_IO_ERROR', `${dir} cannot be read (${code ?? String(error)})`, { dir }, error);
  }
}

function wrongIn({ damage, tornTail }: WalInspection): string {
  return JSON.stringify([damage, tornTail]);
}

/** What changes when the log is written: names, sizes, state. */
async function fingerprint(fs: WalFs, dir: string): Promise<string> {
  const parts: string[] = [];
  for (const name of segmentNames(await fs.list(dir))) {
    const file = await fs.open(join(dir, name), 'read').catch(() => undefined); // gone by now: that is a change
    parts.push(`${name} ${await file?.size()}`);
    await file?.close();
  }
  const state = await StateFile.read(fs, dir).catch(() => undefined);
  return `${parts.join()} ${state?.serial}`;
}

/** `grew`: a frame was written behind the end that was read. */
async function inspectOnce(
  fs: WalFs,
  dir: string,
): Promise<Omit<WalInspection, 'changedMeanwhile'> & { readonly grew: boolean }> {
  // The state first: it is a lower bound, so what is written from here on cannot contradict it.
  const before = await readBasis(fs, dir);
  const names = await fs.list(dir);
  const tally = new Tally();
  const open: { close(): Promise<void> }[] = [];
  let check: LogCheck;
  let grew = false;
  const segments = segmentNames(names);
  const state = before.state ?? (await provisionalState(fs, dir, segments));
  try {
    check = await checkSegments(
      segments.filter((name) => parseSegmentFileName(name)! >= state.firstOffset),
      state,
      {
        fs,
        dir,
        mode: 'read',
        scanner: new FrameScanner('all'),
        epochLimit: before.state ? epochLimitOf(state, before.complete) : Number.MAX_SAFE_INTEGER,
        onFrame: (frame) => tally.add(frame),
        open,
      },
    );
    if (check.last && check.last.scan.damage.length === 0) {
      const behind = new Uint8Array(8);
      const { file, segment } = check.last;
      const found = behind.subarray(0, await readFully(file, behind, segment.size));
      grew = lengthBeforeFiller(found, segment.size) > 0;
    }
  } finally {
    for (const file of open) await file.close();
  }
  const damage = [...before.damage, ...check.damage];
  const inspections = check.files.map(({ name, size, segment, scan }): SegmentInspection => {
    const firstOffset = parseSegmentFileName(name)!;
    const nextOffset = scan?.runs.at(-1)?.nextOffset ?? firstOffset;
    return {
      file: name,
      bytes: size,
      readable: segment !== undefined,
      firstOffset,
      nextOffset,
      ...tally.of(firstOffset),
    };
  });
  const torn = damage.length === 0 ? check.tornTail : undefined;
  const logId = before.state ? state.logId : check.files.find(({ segment }) => segment)?.header?.logId;
  const durable = check.files.map(({ scan }) => scan?.durableUpTo ?? 0);
  return {
    dir,
    grew,
    verdict: damage.length > 0 ? 'damaged' : torn ? 'torn' : 'sound',
    damage,
    ...(torn && { tornTail: torn }),
    ...(logId && { logId: formatLogId(logId) }),
    ...(before.state && { epoch: state.epoch, closedProperly: state.closed && before.complete }),
    firstOffset: state.firstOffset,
    nextOffset: Math.max(state.firstOffset, ...inspections.map(({ nextOffset }) => nextOffset)),
    durableUpTo: Math.max(state.durableUpTo, ...durable),
    segments: inspections,
    recordsByType: tally.byType,
    gaps: check.gaps,
    keptAside: names.filter((name) => /\.(torn|damaged)-\d/.test(name) && !name.endsWith('.tmp')).sort(),
  };
}

/** What the directory says about itself apart from its segments. */
export interface LogBasis {
  readonly versionMissing: boolean;
  /** Absent when it is missing or damaged. */
  readonly state?: LogState;
  readonly stateExists: boolean;
  /** Both slots of the state file were readable. */
  readonly complete: boolean;
  /** What is wrong with VERSION and the state file, in the words of an opening. */
  readonly damage: readonly WalDamage[];
}

/** @throws WalError WAL_INVALID_ARGUMENT when the directory holds no log, WAL_VERSION_UNSUPPORTED for a newer one. */
export async function readBasis(fs: WalFs, dir: string): Promise<LogBasis> {
  const names = await fs.list(dir);
  const stateExists = names.includes(STATE_FILE);
  const versionExists = names.includes(VERSION_FILE);
  if (!stateExists && segmentNames(names).length === 0) {
    throw new WalError('WAL_INVALID_ARGUMENT', `${dir} holds no log`, { dir });
  }
  const damage: WalDamage[] = [];
  let versionMissing = !versionExists;
  if (versionExists) {
    await readVersionFile(fs, dir).catch((error: unknown) => {
      if (!WalError.is(error) || error.code !== 'WAL_CORRUPT') throw error;
      versionMissing = true;
      damage.push(...(error.context['damage'] as WalDamage[]));
    });
  } else damage.push({ file: VERSION_FILE, startByte: 0, endByteExclusive: 0, reason: 'missing' });
  const found = stateExists ? await StateFile.read(fs, dir) : undefined;
  if (!stateExists) damage.push({ file: STATE_FILE, startByte: 0, endByteExclusive: 0, reason: 'missing' });
  else if (!found)
    damage.push({ file: STATE_FILE, startByte: 0, endByteExclusive: 8192, reason: 'checksum' });
  return {
    versionMissing,
    stateExists,
    complete: found?.complete ?? false,
    ...(found && { state: found.state }),
    damage,
  };
}

/** What the segments alone allow to be said, in place of a state file that cannot be read. */
async function provisionalState(fs: WalFs, dir: string, names: readonly string[]): Promise<LogState> {
  for (const name of names) {
    const header = await reading(fs, join(dir, name), async (file) => {
      return readSegmentHeader(file, name, await file.size());
    });
    if (header && header.firstOffset === parseSegmentFileName(name)) return stateless(header);
  }
  return stateless({ logId: new Uint8Array(16), sequence: 0, firstOffset: 0 });
}

/** A state that claims nothing but where the log begins. */
export function stateless(first: Pick<SegmentHeader, 'logId' | 'sequence' | 'firstOffset'>): LogState {
  return {
    logId: first.logId,
    epoch: 0,
    firstSegment: first.sequence,
    firstOffset: first.firstOffset,
    segmentsEnd: 0,
    durableUpTo: 0,
    epochStart: MAX_OFFSET,
    closed: false,
  };
}

/** What was counted in one segment. */
interface SegmentCount {
  frames: number;
  records: number;
  firstRecordMs?: number;
  lastRecordMs?: number;
}

/** Counts frames and records as they are scanned. */
class Tally {
  readonly byType: Record<string, number> = {};
  readonly #segments = new Map<number, SegmentCount>();

  add({ segment, records }: ScannedFrame): void {
    const count = this.of(segment.firstOffset);
    this.#segments.set(segment.firstOffset, count);
    count.frames++;
    count.records += records.length;
    for (const { type, timestampMs } of records) {
      this.byType[type] = (this.byType[type] ?? 0) + 1;
      count.firstRecordMs ??= timestampMs;
      count.lastRecordMs = timestampMs;
    }
  }

  of(segment: number): SegmentCount {
    return this.#segments.get(segment) ?? { frames: 0, records: 0 };
  }
}
