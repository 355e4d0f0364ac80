import { type Arena, arenaBytes, Batch, createArena, encodedBytes, payloadLength } from './batch.ts';
import { WalError } from './errors.ts';
import { FRAME_HEADER_BYTES } from './frame.ts';
import {
  type ResolvedWalOptions,
  USER_RECORD_TYPE_MAX,
  USER_RECORD_TYPE_MIN,
  type WalRecordInput,
} from './options.ts';
import { Segment } from './segment.ts';
import { SEGMENT_HEADER_BYTES } from './segment-header.ts';
import { MAX_OFFSET, viewOf } from './u64.ts';

/** A step of the plan: write this batch, switch to this segment, or do something between the two. */
export type PlanStep = Batch | Rotation | Task;

export interface Rotation {
  readonly kind: 'rotation';
  readonly segment: Segment;
}

export interface Task {
  readonly kind: 'task';
  readonly run: () => Promise<void>;
  readonly reject: (error: Error) => void;
}

/** Arenas kept for reuse: one being written, one being filled, one spare. */
const SPARE_ARENAS = 3;
/** What an arena holds beyond the batch size: one more record below the by-reference limit. */
const ARENA_SLACK_BYTES = 20 * 1024;

/**
 * What is to be written, decided synchronously when it is appended: the offset of each record, its segment, its
 * place in a batch, and its encoded bytes. It knows nothing of the disk; `log-writer.ts` executes it in order.
 */
export class AppendPlan {
  readonly #options: ResolvedWalOptions;
  #nextOffset: number;
  #segment: Segment;
  /** Size the segment will have when all of the plan is written. */
  #segmentSize: number;
  /** The segment holds a record that is not prelude, so it may be sealed. */
  #hasRecords: boolean;
  #needsPrelude: boolean;
  #insidePrelude = false;
  #open: Batch | undefined;
  #steps: PlanStep[] = [];
  #pendingBytes = 0;
  #lastTimestampMs: number;
  readonly #arenas: Arena[] = [];

  constructor(options: ResolvedWalOptions, active: Segment, lastTimestampMs: number) {
    this.#options = options;
    this.#lastTimestampMs = lastTimestampMs;
    this.#nextOffset = active.nextOffset;
    this.#segment = active;
    this.#segmentSize = active.size;
    this.#hasRecords = active.nextOffset > active.firstOffset;
    this.#needsPrelude = !this.#hasRecords;
  }

  get nextOffset(): number {
    return this.#nextOffset;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Where the next record goes, on disk or not yet. */
  get segment(): Segment {
    return this.#segment;
  }

  get insidePrelude(): boolean {
    return this.#insidePrelude;
  }

  /** Plans one record; returns its batch and its offset. */
  add(record: WalRecordInput): { batch: Batch; offset: number } {
    const length = this.#check(record);
    this.#refuseWhenFull(encodedBytes(length));
    const batch = this.#reserve(encodedBytes(length), arenaBytes(length));
    const offset = this.#put(batch, record, length);
    this.#hasRecords = true;
    return { batch, offset };
  }

  /** Plans records that are written as part of one frame. */
  addAtomic(records: readonly WalRecordInput[]): { batch: Batch; firstOffset: number } {
    if (!Array.isArray(records) || records.length === 0)
      throw new WalError('WAL_INVALID_ARGUMENT', 'an atomic batch needs a record');
    const size = this.#measure(records);
    this.#refuseWhenFull(size.encoded);
    const batch = this.#reserve(size.encoded, size.arena);
    const firstOffset = this.#nextOffset;
    for (const record of records) this.#put(batch, record, payloadLength(record.payload));
    this.#hasRecords = true;
    return { batch, firstOffset };
  }

  /** Plans a new segment with its prelude, or only the prelude when the current segment will be empty. */
  rotate(): Segment {
    if (this.#segmentSize > SEGMENT_HEADER_BYTES) this.#startSegment();
    this.addMissingPrelude();
    return this.#segment;
  }

  /** Puts the caller's first records at the head of the segment if they are not there, as part of one frame. */
  addMissingPrelude(): void {
    if (!this.#needsPrelude) return;
    let records: readonly WalRecordInput[] = [];
    this.#insidePrelude = true;
    try {
      records = this.#options.onRotate?.({ firstOffset: this.#nextOffset }) ?? [];
    } finally {
      this.#insidePrelude = false;
    }
    if (!Array.isArray(records)) {
      throw new WalError(
        'WAL_INVALID_ARGUMENT',
        'onRotate must return an array of records, not a promise or an iterator',
      );
    }
    if (records.length > 0) {
      const size = this.#measure(records);
      const batch = this.#openBatch(size.encoded, size.arena);
      for (const record of records) this.#put(batch, record, payloadLength(record.payload));
    }
    this.#needsPrelude = false;
  }

  /** Plans something to be done after everything planned so far. */
  addTask(task: Task): void {
    this.#closeBatch();
    this.#steps.push(task);
  }

  /** The next step; an open batch is closed only when nothing else is left, so that it can grow meanwhile. */
  take(): PlanStep | undefined {
    if (this.#steps.length === 0) this.#closeBatch();
    return this.#steps.shift();
  }

  /** A batch was written or given up: its memory and its share of the pending bytes are free. */
  release(batch: Batch): void {
    this.#pendingBytes -= batch.byteLength - FRAME_HEADER_BYTES;
    const reusable = batch.arena.bytes.length === this.#arenaBytes && this.#arenas.length < SPARE_ARENAS;
    if (reusable) this.#arenas.push(batch.arena);
  }

  /** Gives up every batch and rotation and plans anew from the written end; tasks stay. Returns the batches. */
  reset(active: Segment): Batch[] {
    this.#closeBatch();
    const batches = this.#steps.filter((step) => step instanceof Batch);
    this.#steps = this.#steps.filter((step) => !(step instanceof Batch) && step.kind === 'task');
    this.#nextOffset = active.nextOffset;
    this.#moveTo(active);
    return batches;
  }

  #check(record: WalRecordInput): number {
    if (typeof record !== 'object' || record === null) {
      throw new WalError('WAL_INVALID_ARGUMENT', 'a record is an object: { type, payload }');
    }
    const { type, payload } = record;
    if (!Number.isInteger(type) || type < USER_RECORD_TYPE_MIN || type > USER_RECORD_TYPE_MAX) {
      throw new WalError('WAL_INVALID_ARGUMENT', `record type ${type} is outside the user range`, { type });
    }
    if (!(payload instanceof Uint8Array)) {
      if (!Array.isArray(payload) || !payload.every((part) => part instanceof Uint8Array)) {
        throw new WalError('WAL_INVALID_ARGUMENT', 'payload must be a Uint8Array or an array of them');
      }
    }
    const length = payloadLength(payload);
    const { maxRecordBytes } = this.#options;
    if (length > maxRecordBytes) {
      throw new WalError('WAL_RECORD_TOO_LARGE', `a record of ${length} bytes`, {
        bytes: length,
        maxRecordBytes,
      });
    }
    return length;
  }

  #measure(records: readonly WalRecordInput[]): { encoded: number; arena: number } {
    let encoded = 0;
    let arena = 0;
    for (const record of records) {
      const length = this.#check(record);
      encoded += encodedBytes(length);
      arena += arenaBytes(length);
    }
    const { maxPendingBytes } = this.#options;
    if (records.length > 1 && encoded > maxPendingBytes) {
      throw new WalError('WAL_RECORD_TOO_LARGE', `an atomic batch of ${encoded} bytes`, {
        bytes: encoded,
        maxPendingBytes,
      });
    }
    return { encoded, arena };
  }

  #refuseWhenFull(bytes: number): void {
    const { whenFull, maxPendingBytes } = this.#options;
    if (whenFull === 'signal' || this.#pendingBytes === 0) return;
    if (this.#pendingBytes + bytes <= maxPendingBytes) return;
    throw new WalError('WAL_BUSY', `${this.#pendingBytes} bytes are waiting for the disk`, {
      pendingBytes: this.#pendingBytes,
      maxPendingBytes,
    });
  }

  /** The batch that will take `encoded` bytes of records as one, in the segment where they belong. */
  #reserve(encoded: number, arena: number): Batch {
    const frame = encoded + (this.#open ? 0 : FRAME_HEADER_BYTES);
    if (this.#hasRecords && this.#segmentSize + frame > this.#options.maxFileSizeBytes) this.#startSegment();
    this.addMissingPrelude();
    return this.#openBatch(encoded, arena);
  }

  #openBatch(encoded: number, arena: number): Batch {
    const open = this.#open;
    if (open && open.byteLength + encoded <= this.#options.maxBatchBytes && open.hasRoom(arena)) return open;
    this.#closeBatch();
    const needed = FRAME_HEADER_BYTES + arena;
    const standard = this.#arenaBytes;
    const memory = needed > standard ? createArena(needed) : (this.#arenas.pop() ?? createArena(standard));
    this.#open = new Batch(this.#segment, this.#nextOffset, memory);
    this.#segmentSize += FRAME_HEADER_BYTES;
    return this.#open;
  }

  get #arenaBytes(): number {
    return this.#options.maxBatchBytes + ARENA_SLACK_BYTES;
  }

  #put(batch: Batch, record: WalRecordInput, length: number): number {
    if (this.#nextOffset >= MAX_OFFSET) throw new WalError('WAL_INVALID_ARGUMENT', 'offsets are used up');
    const now = this.#options.clock.now();
    if (now > this.#lastTimestampMs) this.#lastTimestampMs = now;
    batch.add(record, length, this.#lastTimestampMs);
    const bytes = encodedBytes(length);
    this.#segmentSize += bytes;
    this.#pendingBytes += bytes;
    return this.#nextOffset++;
  }

  #closeBatch(): void {
    if (this.#open) this.#steps.push(this.#open);
    this.#open = undefined;
  }

  #startSegment(): void {
    this.#closeBatch();
    const previous = this.#segment.header;
    const segment = new Segment(this.#options.dir, {
      logId: previous.logId,
      firstOffset: this.#nextOffset,
      sequence: previous.sequence + 1,
      salt: viewOf(this.#options.randomBytes(4)).getUint32(0, true),
      previousSalt: previous.salt,
      durableUpTo: this.#nextOffset,
      createdMs: this.#options.clock.now(),
    });
    this.#steps.push({ kind: 'rotation', segment });
    this.#moveTo(segment);
  }

  #moveTo(segment: Segment): void {
    this.#segment = segment;
    this.#segmentSize = segment.size;
    this.#hasRecords = segment.nextOffset > segment.firstOffset;
    this.#needsPrelude = !this.#hasRecords;
  }
}
