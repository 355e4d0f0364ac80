import { join } from 'node:path';
import { crc32Range } from './crc32.ts';
import { putFile } from './put-file.ts';
import { getU64, setU64, viewOf } from './u64.ts';
import { readFully, reading, type WalFile, type WalFs, writeFully, writeFullyDurable } from './wal-fs.ts';

/** Name of the state file inside the log directory. */
export const STATE_FILE = 'state';

const MAGIC = new Uint8Array([0x44, 0x4e, 0x42, 0x53, 0x54, 0x41, 0x31, 0x0a]); // "DNBSTA1\n"
const COPY_BYTES = 88;
const COPY_STRIDE = 512;
const SLOT_STRIDE = 4096;
const FILE_BYTES = 2 * SLOT_STRIDE;

/**
 * What must be true of the log whatever the segments say. It is a lower bound: the log may have grown since,
 * and recovery refuses to open a log that holds less.
 */
export interface LogState {
  readonly logId: Uint8Array;
  /** How often the directory was opened. */
  readonly epoch: number;
  /** Sequence number of the oldest segment that `truncateBefore` left. */
  readonly firstSegment: number;
  /** First offset of that segment. */
  readonly firstOffset: number;
  /** Segments with a number below this were created. Equals `firstSegment` before the very first one. */
  readonly segmentsEnd: number;
  /** Every record below this offset is durable. */
  readonly durableUpTo: number;
  /** Where the log ended when this epoch began: records from here on were written by it or a later one. */
  readonly epochStart: number;
  /** The log was closed and nothing was written since. */
  readonly closed: boolean;
}

/**
 * Two slots in one file, written in turn, each in its own 4 KiB block and twice within it: a torn write leaves
 * the other slot, a damaged sector leaves the other copy, and no write needs new space on a full disk.
 */
export class StateFile {
  readonly #file: WalFile;
  #serial: number;

  private constructor(file: WalFile, serial: number) {
    this.#file = file;
    this.#serial = serial;
  }

  /** Creates the file with both slots filled; durable, entry included, when it resolves. */
  static async create(fs: WalFs, dir: string, state: LogState): Promise<StateFile> {
    const bytes = new Uint8Array(FILE_BYTES);
    bytes.set(encodeSlot(state, 0), 0);
    bytes.set(encodeSlot(state, 1), SLOT_STRIDE);
    const file = await putFile(fs, dir, STATE_FILE, (empty) => writeFully(empty, [bytes], 0));
    return new StateFile(file, 1);
  }

  /**
   * Opens the file and reads the newest intact slot. `complete` is false when the other slot is unreadable: it may have
   * held a newer state, of this epoch or the next.
   * @returns undefined when no slot is intact.
   */
  static async open(
    fs: WalFs,
    dir: string,
  ): Promise<{ file: StateFile; state: LogState; complete: boolean } | undefined> {
    const file = await fs.open(join(dir, STATE_FILE), 'write');
    try {
      const found = await readSlots(file);
      if (found) {
        const { serial, state, complete } = found;
        return { file: new StateFile(file, serial), state, complete };
      }
    } catch (error) {
      await file.close();
      throw error;
    }
    await file.close();
    return undefined;
  }

  /** Reads it as {@link StateFile.open} does, and leaves it closed. */
  static read(fs: WalFs, dir: string): Promise<FoundState | undefined> {
    return reading(fs, join(dir, STATE_FILE), readSlots);
  }

  /** Replaces the state; durable when it resolves. Calls must not overlap. */
  async write(state: LogState): Promise<void> {
    const serial = this.#serial + 1;
    await writeFullyDurable(this.#file, [encodeSlot(state, serial)], (serial % 2) * SLOT_STRIDE);
    this.#serial = serial;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** The newest state in the file. */
export interface FoundState {
  readonly serial: number;
  readonly state: LogState;
  /** Both slots were readable. */
  readonly complete: boolean;
}

async function readSlots(file: WalFile): Promise<FoundState | undefined> {
  const bytes = new Uint8Array(FILE_BYTES);
  const length = await readFully(file, bytes, 0);
  const [first, second] = [0, SLOT_STRIDE].map((at) => decodeSlot(bytes.subarray(0, length), at));
  const newest = !first || (second && second.serial > first.serial) ? second : first;
  return newest && { ...newest, complete: first !== undefined && second !== undefined };
}

function encodeSlot(state: LogState, serial: number): Uint8Array {
  const bytes = new Uint8Array(COPY_STRIDE + COPY_BYTES);
  const view = viewOf(bytes);
  bytes.set(MAGIC, 0);
  view.setUint16(12, 1, true); // version
  view.setUint16(14, state.closed ? 1 : 0, true); // flags
  bytes.set(state.logId, 16);
  setU64(view, 32, serial);
  setU64(view, 40, state.epoch);
  setU64(view, 48, state.firstSegment);
  setU64(view, 56, state.firstOffset);
  setU64(view, 64, state.segmentsEnd);
  setU64(view, 72, state.durableUpTo);
  setU64(view, 80, state.epochStart);
  view.setUint32(8, crc32Range(bytes, 12, COPY_BYTES), true);
  bytes.copyWithin(COPY_STRIDE, 0, COPY_BYTES);
  return bytes;
}

function decodeSlot(bytes: Uint8Array, at: number): { serial: number; state: LogState } | undefined {
  const copies = [at, at + COPY_STRIDE].map((start) => decodeCopy(bytes.subarray(start, start + COPY_BYTES)));
  const [first, second] = copies;
  // A torn write can leave the new first copy beside the old second one.
  return !first || (second && second.serial > first.serial) ? second : first;
}

function decodeCopy(bytes: Uint8Array): { serial: number; state: LogState } | undefined {
  if (bytes.length < COPY_BYTES || !MAGIC.every((byte, i) => bytes[i] === byte)) return undefined;
  const view = viewOf(bytes);
  if (view.getUint32(8, true) !== crc32Range(bytes, 12, COPY_BYTES)) return undefined;
  if (view.getUint16(12, true) !== 1) return undefined;
  return {
    serial: getU64(view, 32),
    state: {
      logId: bytes.slice(16, 32),
      epoch: getU64(view, 40),
      firstSegment: getU64(view, 48),
      firstOffset: getU64(view, 56),
      segmentsEnd: getU64(view, 64),
      durableUpTo: getU64(view, 72),
      epochStart: getU64(view, 80),
      closed: (view.getUint16(14, true) & 1) === 1,
    },
  };
}
