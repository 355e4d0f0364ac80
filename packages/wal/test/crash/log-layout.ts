import { basename } from 'node:path';

/**
 * Where things are in the files of a sound log, read by the tables of docs/formats/wal.md alone and without a checksum: the
 * judge of what damage must lead to shares no code with the log.
 */
export interface FrameRange {
  readonly start: number;
  readonly end: number;
  readonly firstOffset: number;
  readonly durableUpTo: number;
}

export const SEGMENT_HEADER = 80;
const FRAME_HEADER = 48;
const SLOTS = [0, 4096];
const COPIES = [0, 512];

/** Frames of a segment in order. The last one may be cut short, but its header is whole. */
export function framesOf(segment: Buffer): FrameRange[] {
  const frames: FrameRange[] = [];
  for (let at = SEGMENT_HEADER; at + FRAME_HEADER <= segment.length; ) {
    if (segment.toString('latin1', at, at + 4) !== 'DWF1') break;
    const end = at + FRAME_HEADER + segment.readUInt32LE(at + 20);
    frames.push({
      start: at,
      end: Math.min(end, segment.length),
      firstOffset: Number(segment.readBigUInt64LE(at + 8)),
      durableUpTo: Number(segment.readBigUInt64LE(at + 24)),
    });
    at = end;
  }
  return frames;
}

/** What the newest state says of the log: its first offset, and how far it was durable. */
export function stateOf(state: Buffer): { firstOffset: number; durableUpTo: number } {
  let newest = { serial: -1n, firstOffset: 0, durableUpTo: 0 };
  for (const at of SLOTS.flatMap((slot) => COPIES.map((copy) => slot + copy))) {
    if (state.toString('latin1', at, at + 7) !== 'DNBSTA1') continue;
    const serial = state.readBigUInt64LE(at + 32);
    if (serial <= newest.serial) continue;
    const firstOffset = Number(state.readBigUInt64LE(at + 56));
    newest = { serial, firstOffset, durableUpTo: Number(state.readBigUInt64LE(at + 72)) };
  }
  return newest;
}

/** Byte ranges of the copies in a state file; the rest of it is filler that nothing reads. */
export const STATE_COPIES: readonly { readonly start: number; readonly end: number }[] = SLOTS.flatMap(
  (slot) => COPIES.map((copy) => ({ start: slot + copy, end: slot + copy + 88 })),
);

/** What opening must make of damage: go on with everything, cut a torn tail at this offset, or refuse. */
export type Verdict = 'whole' | 'refused' | { readonly tornAtOffset: number };

/** The verdict on one flipped bit, given the sound files. */
export function verdictOnFlip(files: ReadonlyMap<string, Buffer>, path: string, byte: number): Verdict {
  const name = basename(path);
  if (name === 'VERSION') return 'refused';
  const state = stateOf(fileNamed(files, 'state'));
  const firstOffset = segmentOffset(name);
  // Everything in the state file is there four times, and nobody reads what was cut off or left over.
  if (firstOffset === undefined || firstOffset < state.firstOffset) return 'whole';
  const last = segmentPaths(files).at(-1)!;
  if (path !== last || byte < SEGMENT_HEADER) return 'refused';
  const frames = framesOf(files.get(path)!);
  const hit = frames.findIndex(({ end }) => byte < end);
  if (hit === -1) return 'whole'; // behind all frames: junk, whatever it says
  const proven = Math.max(state.durableUpTo, ...frames.slice(hit + 1).map(({ durableUpTo }) => durableUpTo));
  const { firstOffset: offset } = frames[hit]!;
  return proven > offset ? 'refused' : { tornAtOffset: offset };
}

/** The verdict on a segment cut off, or overwritten up to its end, from `at` on. */
export function verdictOnCut(files: ReadonlyMap<string, Buffer>, path: string, at: number): Verdict {
  if (path !== segmentPaths(files).at(-1) || at < SEGMENT_HEADER) return 'refused';
  const bytes = files.get(path)!;
  const hit = framesOf(bytes).find(({ end }) => at < end);
  if (!hit) return 'whole';
  return stateOf(fileNamed(files, 'state')).durableUpTo > hit.firstOffset
    ? 'refused'
    : { tornAtOffset: hit.firstOffset };
}

/** Paths of the segments, in order. */
export function segmentPaths(files: ReadonlyMap<string, Buffer>): string[] {
  return [...files.keys()].filter((path) => segmentOffset(basename(path)) !== undefined).sort();
}

function segmentOffset(name: string): number | undefined {
  return /^\d{20}\.wal$/.test(name) ? Number(name.slice(0, 20)) : undefined;
}

function fileNamed(files: ReadonlyMap<string, Buffer>, name: string): Buffer {
  for (const [path, bytes] of files) if (basename(path) === name) return bytes;
  throw new Error(`no ${name} among ${[...files.keys()].join(', ')}`);
}
