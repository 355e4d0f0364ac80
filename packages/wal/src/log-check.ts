import { join } from 'node:path';
import { type WalDamage, WalError, type WalGap } from './errors.ts';
import { FrameScanner, type ScannedFrame, type SegmentScan } from './frame-scanner.ts';
import { Segment } from './segment.ts';
import {
  decodeSegmentHeader,
  parseSegmentFileName,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from './segment-header.ts';
import { type LogState, STATE_FILE } from './state-file.ts';
import { VERSION_FILE } from './version-file.ts';
import { readFully, reading, type WalFile, type WalFs } from './wal-fs.ts';

/** Why a state file is damage that is intact itself: an earlier one was put back. */
export const STATE_OUTDATED = 'older than the segments';

/** The highest epoch of a frame: the state is durable before, except that an unreadable slot may hold one opening more. */
export function epochLimitOf({ epoch }: LogState, complete: boolean): number {
  return epoch + (complete ? 0 : 1);
}

/** One segment file as the check found it. */
export interface CheckedFile {
  readonly name: string;
  readonly size: number;
  /** Absent when the header is damaged. */
  readonly header?: SegmentHeader;
  /** Absent when the file does not belong where it is: nothing in it was read. */
  readonly segment?: Segment;
  readonly scan?: SegmentScan;
}

/** What the segments of a log hold, and everything that is wrong with them. Nothing on disk was changed. */
export interface LogCheck {
  readonly files: readonly CheckedFile[];
  /** Damage of what was durable: the log must not be opened. */
  readonly damage: readonly WalDamage[];
  /** The last segment, when it is in its place. Its file is still open. */
  readonly last?: { readonly segment: Segment; readonly scan: SegmentScan; readonly file: WalFile };
  /** Damage at the end of the last segment that nothing proves to have been durable; set only without other damage. */
  readonly tornTail?: WalDamage;
  readonly gaps: readonly WalGap[];
}

/** How to check. */
export interface CheckOptions {
  readonly fs: WalFs;
  readonly dir: string;
  readonly mode: 'read' | 'write';
  readonly scanner: FrameScanner;
  /** Highest epoch that the state allows a frame to have. */
  readonly epochLimit: number;
  readonly onFrame: (frame: ScannedFrame) => void;
  /** Every file opened, for the caller to close. */
  readonly open: { close(): Promise<void> }[];
}

/** Names of the segment files, oldest first. */
export function segmentNames(names: readonly string[]): string[] {
  return names.filter((name) => parseSegmentFileName(name) !== undefined).sort((a, b) => (a < b ? -1 : 1));
}

/** Whether the log made a file of this name, be it only for a while. */
export function isTemporary(name: string): boolean {
  const ours =
    name.startsWith(`${STATE_FILE}.`) || name.startsWith(`${VERSION_FILE}.`) || /^\d{20}\.wal\./.test(name);
  return ours && name.endsWith('.tmp');
}

/** Reads the header of a segment file, or returns undefined when it is damaged. */
export async function readSegmentHeader(
  file: WalFile,
  name: string,
  size: number,
): Promise<SegmentHeader | undefined> {
  const bytes = new Uint8Array(Math.min(size, SEGMENT_HEADER_BYTES));
  const length = await readFully(file, bytes, 0);
  const header = decodeSegmentHeader(bytes.subarray(0, length));
  if (header !== 'unsupported') return header;
  throw new WalError('WAL_VERSION_UNSUPPORTED', `${name} was written by a newer version`, { file: name });
}

/** Whether a file below the log's first offset is what a truncation left: its own header must say so, not its name. */
export async function isRestOfTruncation(
  fs: WalFs,
  dir: string,
  name: string,
  state: LogState,
): Promise<boolean> {
  try {
    return await reading(fs, join(dir, name), async (file) => {
      return isBelow(await readSegmentHeader(file, name, await file.size()), state);
    });
  } catch {
    return false; // what cannot be read proves nothing, and hinders nobody
  }
}

/** Whether a header is that of a segment of this log that was truncated away. */
export function isBelow(header: SegmentHeader | undefined, state: LogState): boolean {
  return (
    header !== undefined &&
    Buffer.compare(header.logId, state.logId) === 0 &&
    header.sequence < state.firstSegment
  );
}

/**
 * Validates headers, the chain of segments and every frame, as opening does: the one place that tells a torn tail
 * from corruption. `names` are the segment files from the state's first offset on, in order.
 */
export async function checkSegments(
  names: readonly string[],
  state: LogState,
  options: CheckOptions,
): Promise<LogCheck> {
  const { fs, dir, open } = options;
  const files: CheckedFile[] = [];
  const damage: WalDamage[] = [];
  const gaps: WalGap[] = [];
  let last: LogCheck['last'];
  let tornTail: WalDamage | undefined;
  let sequence = state.firstSegment;
  let offset: number | undefined = state.firstOffset;
  let previousSalt: number | undefined = state.firstSegment === 0 ? 0 : undefined;
  let highestEpoch = 0;
  let before: { readonly name: string; readonly end: number; readonly size: number } | undefined;
  for (const [i, name] of names.entries()) {
    const file = await fs.open(join(dir, name), options.mode);
    open.push(file);
    const size = await file.size();
    const header = await readSegmentHeader(file, name, size);
    const reason = header && headerDamage(header, name, state, { sequence, previousSalt });
    if (header && reason === undefined && offset !== undefined && header.firstOffset !== offset) {
      // A segment proves where the one before it ended; before the first, the state does.
      damage.push({
        file: before?.name ?? name,
        startByte: before?.end ?? 0,
        endByteExclusive: before?.size ?? 0,
        firstOffset: offset,
        resumesAtOffset: header.firstOffset,
        reason:
          header.firstOffset > offset
            ? `records from ${offset} to ${header.firstOffset - 1} are missing before ${name}`
            : `records from ${header.firstOffset} to ${offset - 1} are in ${name} too`,
      });
    }
    if (!header || reason !== undefined) {
      damage.push({
        file: name,
        startByte: 0,
        endByteExclusive: size,
        firstOffset: offset ?? parseSegmentFileName(name)!,
        reason: reason ?? 'segment header damaged',
      });
      files.push({ name, size, ...(header && { header }) });
      if (header) highestEpoch = Math.max(highestEpoch, await epochIn(file, header, size, state, dir));
      before = undefined;
      // The chain goes on with whatever the next header says.
      sequence = (header?.sequence ?? sequence) + 1;
      offset = undefined;
      previousSalt = undefined;
      continue;
    }
    const segment = new Segment(dir, header);
    const scan = await options.scanner.scan(file, segment, size, state, options.onFrame);
    files.push({ name, size, header, segment, scan });
    for (const gap of scan.gaps) addGap(gaps, gap);
    highestEpoch = Math.max(highestEpoch, scan.highestEpoch);
    before = { name, end: segment.size, size };
    sequence = header.sequence + 1;
    offset = scan.damage.length === 0 ? segment.nextOffset : undefined;
    previousSalt = header.salt;
    const isLast = i === names.length - 1 && sequence >= state.segmentsEnd;
    const durable = Math.max(state.durableUpTo, scan.durableUpTo);
    if (scan.damage.length > 0 && (!isLast || durable > segment.nextOffset)) damage.push(...scan.damage);
    else if (scan.damage.length > 0) tornTail = scan.damage[0];
    if (isLast) last = { segment, scan, file };
    else {
      await file.close();
      open.splice(open.indexOf(file), 1);
    }
  }
  const segment = files.at(-1)?.segment;
  if (sequence < state.segmentsEnd) {
    damage.push({
      file: `segments ${sequence} to ${state.segmentsEnd - 1}`,
      startByte: 0,
      endByteExclusive: 0,
      ...(offset !== undefined && { firstOffset: offset }),
      reason: 'segment missing',
    });
  } else if (damage.length === 0 && offset !== undefined && offset < state.durableUpTo) {
    damage.push({
      file: segment?.name ?? 'all segments',
      startByte: segment?.size ?? 0,
      endByteExclusive: segment?.size ?? 0,
      firstOffset: offset,
      reason: `records up to ${state.durableUpTo - 1} were durable and are missing`,
    });
  }
  if (highestEpoch > options.epochLimit % 2 ** 32)
    damage.unshift({ file: STATE_FILE, startByte: 0, endByteExclusive: 8192, reason: STATE_OUTDATED });
  return { files, damage, ...(last && { last }), ...(tornTail && { tornTail }), gaps };
}

/** Adds a gap at the end, joining it to one that it adjoins. */
export function addGap(gaps: WalGap[], gap: WalGap): void {
  const before = gaps.at(-1);
  if (before?.nextOffset === gap.firstOffset) {
    gaps[gaps.length - 1] = { firstOffset: before.firstOffset, nextOffset: gap.nextOffset };
  } else gaps.push(gap);
}

/** Highest epoch in a file that is not where it belongs: it may be all that tells of a state put back. */
async function epochIn(
  file: WalFile,
  header: SegmentHeader,
  size: number,
  state: LogState,
  dir: string,
): Promise<number> {
  if (Buffer.compare(header.logId, state.logId) !== 0) return 0;
  const scan = await new FrameScanner().scan(file, new Segment(dir, header), size, state, () => {});
  return scan.highestEpoch;
}

function headerDamage(
  header: SegmentHeader,
  name: string,
  state: LogState,
  expected: { sequence: number; previousSalt: number | undefined },
): string | undefined {
  if (Buffer.compare(header.logId, state.logId) !== 0) return 'segment of another log';
  if (header.firstOffset !== parseSegmentFileName(name)) return 'segment under the name of another';
  if (header.sequence !== expected.sequence) return `segment ${expected.sequence} is missing before this one`;
  if (expected.previousSalt !== undefined && header.previousSalt !== expected.previousSalt) {
    return 'segment does not follow the one before';
  }
  return header.durableUpTo === header.firstOffset ? undefined : 'segment header inconsistent';
}
