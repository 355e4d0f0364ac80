import { crc32Range } from './crc32.ts';
import { getU64, setU64, viewOf } from './u64.ts';

/** Version of the on-disk format this package writes; see docs/formats/wal.md. */
export const FORMAT_VERSION = 1;
/** Bytes of the header at the start of every segment file. */
export const SEGMENT_HEADER_BYTES = 80;

const MAGIC = new Uint8Array([0x44, 0x4e, 0x42, 0x57, 0x41, 0x4c, 0x31, 0x0a]); // "DNBWAL1\n"

/** What a segment says about itself. It is durable, and never changes, before a record goes into the file. */
export interface SegmentHeader {
  /** 16 bytes: the log this segment belongs to. */
  readonly logId: Uint8Array;
  readonly firstOffset: number;
  /** 0, 1, 2, … without gaps. */
  readonly sequence: number;
  /** Random per segment: part of every CRC inside, so that bytes of other files never validate. */
  readonly salt: number;
  /** Salt of the segment before; 0 for the first. */
  readonly previousSalt: number;
  /** Every record below this offset was durable when the segment was created: equals `firstOffset`. */
  readonly durableUpTo: number;
  readonly createdMs: number;
}

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  const view = viewOf(bytes);
  bytes.set(MAGIC, 0);
  view.setUint16(8, FORMAT_VERSION, true);
  view.setUint16(10, 0, true); // flags, none known
  view.setUint32(12, SEGMENT_HEADER_BYTES, true);
  bytes.set(header.logId, 16);
  setU64(view, 32, header.firstOffset);
  setU64(view, 40, header.sequence);
  view.setUint32(48, header.salt, true);
  view.setUint32(52, header.previousSalt, true);
  setU64(view, 56, header.durableUpTo);
  setU64(view, 64, header.createdMs);
  view.setUint32(72, 0, true);
  view.setUint32(76, crc32Range(bytes, 0, 76), true);
  return bytes;
}

/** The header, `'unsupported'` when intact but of another version or with unknown flags, or undefined when damaged. */
export function decodeSegmentHeader(bytes: Uint8Array): SegmentHeader | 'unsupported' | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES) return undefined;
  if (!MAGIC.every((byte, i) => bytes[i] === byte)) return undefined;
  const view = viewOf(bytes);
  if (view.getUint32(76, true) !== crc32Range(bytes, 0, 76)) return undefined;
  const known =
    view.getUint16(8, true) === FORMAT_VERSION &&
    view.getUint16(10, true) === 0 &&
    view.getUint32(12, true) === SEGMENT_HEADER_BYTES &&
    view.getUint32(72, true) === 0;
  if (!known) return 'unsupported';
  return {
    logId: bytes.slice(16, 32),
    firstOffset: getU64(view, 32),
    sequence: getU64(view, 40),
    salt: view.getUint32(48, true),
    previousSalt: view.getUint32(52, true),
    durableUpTo: getU64(view, 56),
    createdMs: getU64(view, 64),
  };
}

/** The CRC all header CRCs inside a segment continue from: it binds them to log, place in the log and file. */
export function segmentSeed(header: Pick<SegmentHeader, 'logId' | 'sequence' | 'salt'>): number {
  const bytes = new Uint8Array(28);
  const view = viewOf(bytes);
  bytes.set(header.logId, 0);
  setU64(view, 16, header.sequence);
  view.setUint32(24, header.salt, true);
  return crc32Range(bytes, 0, 28);
}

/** The log id as a UUID. */
export function formatLogId(logId: Uint8Array): string {
  return Buffer.from(logId)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** `00000000000000000042.wal`: the first offset in 20 digits, so that names sort as offsets do. */
export function segmentFileName(firstOffset: number): string {
  return `${firstOffset.toString().padStart(20, '0')}.wal`;
}

/** The offset in a segment's file name, or undefined for any other name. */
export function parseSegmentFileName(name: string): number | undefined {
  if (!/^\d{20}\.wal$/.test(name)) return undefined;
  const offset = Number(name.slice(0, 20));
  return Number.isSafeInteger(offset) ? offset : undefined;
}
