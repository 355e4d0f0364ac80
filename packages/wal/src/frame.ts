import { crc32, crc32Range } from './crc32.ts';
import { WalError } from './errors.ts';
import { getU64, setU64 } from './u64.ts';

/** Bytes before the records of a frame. */
export const FRAME_HEADER_BYTES = 48;
/** Bytes before the payload of a record. */
export const RECORD_HEADER_BYTES = 32;
/** First bytes of every frame, "DWF1": what a resync scan looks for. */
export const FRAME_MAGIC = Buffer.from('DWF1', 'latin1');
const MAGIC = FRAME_MAGIC.readUInt32LE(0);

/**
 * A frame is what one group commit wrote: it is valid as a whole or not at all. All header CRCs continue from
 * the segment's seed, so they also cover log id, segment number and salt.
 */
export interface FrameHeader {
  readonly firstOffset: number;
  /** Records in it, or offsets lost; at least 1. */
  readonly count: number;
  /** Bytes after the header, a multiple of 8; 0 in a gap. */
  readonly byteLength: number;
  /** Every record below this offset was durable before this frame was written. Never above `firstOffset`. */
  readonly durableUpTo: number;
  /** Low 32 bits of the epoch that wrote it. */
  readonly epoch: number;
  /**
   * CRC of the records' own CRCs, one after another; 0 in a gap. It binds them to this header: when a crash loses part of
   * a frame, a file system may show what was there before, records of the same size and offset that were given up.
   */
  readonly recordsCrc: number;
  /** It holds no records: it says that `count` offsets from `firstOffset` on were lost, and was written by a repair. */
  readonly gap: boolean;
}

/** Flag of a frame header, bit 0: {@link FrameHeader.gap}. */
const FLAG_GAP = 1;
/** Offsets that one gap frame can stand for; more take several. */
export const MAX_FRAME_COUNT = 0xffff_ffff;

/** One record as read. `payload` is a view into memory that is never reused, so it stays valid for ever. */
export interface WalRecord {
  readonly offset: number;
  readonly type: number;
  /** Always 0 in format version 1. */
  readonly flags: number;
  /** Wall clock at the append, never less than that of the record before. */
  readonly timestampMs: number;
  readonly payload: Uint8Array;
}

/** Payload bytes rounded up to a multiple of 8. */
export function padded(length: number): number {
  return (length + 7) & ~7;
}

/** Writes a frame header at `at`, CRC included. */
export function encodeFrameHeader(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  header: Omit<FrameHeader, 'gap'> & { readonly gap?: boolean },
  salt: number,
  seed: number,
): void {
  view.setUint32(at, MAGIC, true);
  setU64(view, at + 8, header.firstOffset);
  view.setUint32(at + 16, header.count, true);
  view.setUint32(at + 20, header.byteLength, true);
  setU64(view, at + 24, header.durableUpTo);
  view.setUint32(at + 32, salt, true);
  view.setUint32(at + 36, header.gap ? FLAG_GAP : 0, true);
  view.setUint32(at + 40, header.epoch >>> 0, true);
  view.setUint32(at + 44, header.gap ? 0 : header.recordsCrc, true);
  view.setUint32(at + 4, crc32Range(bytes, at + 8, at + FRAME_HEADER_BYTES, seed), true);
}

/** The frame header at `at`, or undefined when it does not validate under `seed`. Needs 48 bytes there. */
export function decodeFrameHeader(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  salt: number,
  seed: number,
): FrameHeader | undefined {
  if (view.getUint32(at, true) !== MAGIC || view.getUint32(at + 32, true) !== salt) return undefined;
  if (view.getUint32(at + 4, true) !== crc32Range(bytes, at + 8, at + FRAME_HEADER_BYTES, seed))
    return undefined;
  const flags = view.getUint32(at + 36, true);
  if ((flags & ~FLAG_GAP) !== 0) {
    throw new WalError('WAL_VERSION_UNSUPPORTED', 'a frame uses a feature of a newer version', {
      position: at,
    });
  }
  const header: FrameHeader = {
    firstOffset: getU64(view, at + 8),
    count: view.getUint32(at + 16, true),
    byteLength: view.getUint32(at + 20, true),
    durableUpTo: getU64(view, at + 24),
    epoch: view.getUint32(at + 40, true),
    recordsCrc: view.getUint32(at + 44, true),
    gap: flags === FLAG_GAP,
  };
  const leastBytes = header.gap ? 0 : header.count * RECORD_HEADER_BYTES;
  const sound =
    header.count > 0 &&
    header.byteLength % 8 === 0 &&
    header.byteLength >= leastBytes &&
    (!header.gap || header.byteLength === 0) &&
    header.durableUpTo <= header.firstOffset; // also false for NaN
  return sound ? header : undefined;
}

/** Writes a record header at `at`. The payload's CRC is the caller's, who may hold the payload elsewhere. */
export function encodeRecordHeader(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  record: { offset: number; type: number; timestampMs: number; length: number; payloadCrc: number },
  seed: number,
): void {
  view.setUint32(at + 4, record.length, true);
  setU64(view, at + 8, record.offset);
  setU64(view, at + 16, record.timestampMs);
  view.setUint32(at + 24, record.payloadCrc, true);
  view.setUint16(at + 28, record.type, true);
  view.setUint16(at + 30, 0, true); // flags (compression, encryption reserved) and a spare byte
  view.setUint32(at, crc32Range(bytes, at + 4, at + RECORD_HEADER_BYTES, seed), true);
}

/**
 * Walks the records of a frame whose header is valid and whose body lies wholly in `bytes` at `at`.
 * Every CRC, offset, length and padding byte is checked. A gap has no records.
 * @returns undefined when all is well, else the reason it is not. `sink` sees records as they validate, so a
 *   caller that must not show part of a frame discards what it collected.
 * @throws WalError WAL_VERSION_UNSUPPORTED for an intact record with unknown flags.
 */
export function decodeFrameBody(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  header: FrameHeader,
  seed: number,
  sink: (record: WalRecord) => void,
): string | undefined {
  if (header.gap) return undefined;
  const end = at + header.byteLength;
  let position = at;
  let recordsCrc = 0;
  for (let i = 0; i < header.count; i++) {
    if (position + RECORD_HEADER_BYTES > end) return 'records do not fit their frame';
    const headerCrc = crc32Range(bytes, position + 4, position + RECORD_HEADER_BYTES, seed);
    if (view.getUint32(position, true) !== headerCrc) return 'record header checksum';
    recordsCrc = crc32Range(bytes, position, position + 4, recordsCrc);
    const offset = getU64(view, position + 8);
    if (offset !== header.firstOffset + i) return 'record offset out of sequence';
    const length = view.getUint32(position + 4, true);
    const start = position + RECORD_HEADER_BYTES;
    const next = start + Math.ceil(length / 8) * 8;
    if (next > end) return 'records do not fit their frame';
    const payload = bytes.subarray(start, start + length);
    if (crc32(payload) !== view.getUint32(position + 24, true)) return 'record payload checksum';
    for (let p = start + length; p < next; p++) if (bytes[p] !== 0) return 'record padding';
    const flags = view.getUint16(position + 30, true);
    if (flags !== 0) {
      throw new WalError('WAL_VERSION_UNSUPPORTED', `record ${offset} has flags this version does not know`, {
        offset,
        flags,
      });
    }
    sink({
      offset,
      type: view.getUint16(position + 28, true),
      flags,
      timestampMs: getU64(view, position + 16),
      payload,
    });
    position = next;
  }
  if (recordsCrc !== header.recordsCrc) return 'records of another frame';
  return position === end ? undefined : 'records do not fill their frame';
}
