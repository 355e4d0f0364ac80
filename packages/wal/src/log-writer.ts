import {
  type Arena,
  arenaBytes,
  Batch,
  createArena,
  encodedBytes,
  payloadLength,
  type WalAck,
  type WalBatchAck,
} from './batch.ts';
import { isNoSpace, WalError } from './errors.ts';
import { FRAME_HEADER_BYTES } from './frame.ts';
import {
  type ResolvedWalOptions,
  USER_RECORD_TYPE_MAX,
  USER_RECORD_TYPE_MIN,
  type WalRecordInput,
} from './options.ts';
import { Segment } from './segment.ts';
import { encodeSegmentHeader, SEGMENT_HEADER_BYTES } from './segment-header.ts';
import type { LogState, StateFile } from './state-file.ts';
import { MAX_OFFSET, viewOf } from './u64.ts';
import { type WalFile, writeFully } from './wal-fs.ts';

/** What recovery hands to the writer. */
export interface RecoveredLog {
  readonly logId: Uint8Array;
  readonly epoch: number;
  readonly stateFile: StateFile;
  readonly state: LogState;
  /** Ascending, at least one; the last is open for writing and wholly durable. */
  readonly segments: readonly Segment[];
  readonly lastTimestampMs: number;
}

interface Rotation {
  readonly kind: 'rotation';
  readonly segment: Segment;
}
interface Task {
  readonly kind: 'task';
  readonly run: () => Promise<void>;
  readonly reject: (error: Error) => void;
}
interface SyncWaiter {
  readonly target: number;
  readonly resolve: (durableOffset: number) => void;
  readonly reject: (error: Error) => void;
}
interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

/** Arenas kept for reuse: one being written, one being filled, one spare. */
const SPARE_ARENAS = 3;
/** What an arena holds beyond the batch size: one more record below the by-reference limit. */
const ARENA_SLACK_BYTES = 20 * 1024;

/**
 * The writing half of the log.
 *
 * Appends plan synchronously (offset, segment, encoded bytes); one loop executes the plan in order: write a
 * batch, sync it, settle its acknowledgements, rotate. While the loop waits for the disk, the next batch fills:
 * that is the group commit. Nothing else writes to the active segment.
 *
 * Three ends matter. Planned (`nextOffset`) ≥ written (`#active.nextOffset`) ≥ durable (`#durableNext`).
 */
export class LogWriter {
  readonly #options: ResolvedWalOptions;
  readonly #logId: Uint8Array;
  readonly #epoch: number;
  readonly #stateFile: StateFile;
  #state: LogState;
  readonly #segments: Segment[];

  // The plan: where the next record goes.
  #nextOffset: number;
  #planned: Segment;
  #plannedSize: number;
  /** The planned segment holds a record that is not prelude, so it may be sealed. */
  #plannedHasRecords: boolean;
  #needsPrelude: boolean;
  #insidePrelude = false;
  #open: Batch | undefined;
  #queue: (Batch | Rotation | Task)[] = [];
  #pendingBytes = 0;
  #lastTimestampMs: number;

  // The execution of the plan.
  #loop: Promise<void> | undefined;
  #current: Batch | undefined;
  #durableNext: number;
  #syncRunning: Promise<void> = Promise.resolve();
  #syncQueued: Promise<void> | undefined;
  #syncTimer: NodeJS.Timeout | undefined;
  #syncWaiters: SyncWaiter[] = [];
  #truncating: Promise<unknown> = Promise.resolve();
  readonly #arenas: Arena[] = [];

  #changed: Deferred | undefined;
  #writable: Deferred | undefined;
  #failure: WalError | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: ResolvedWalOptions, log: RecoveredLog) {
    this.#options = options;
    this.#logId = log.logId;
    this.#epoch = log.epoch;
    this.#stateFile = log.stateFile;
    this.#state = log.state;
    this.#segments = [...log.segments];
    this.#lastTimestampMs = log.lastTimestampMs;
    const active = this.#active;
    this.#nextOffset = active.nextOffset;
    this.#durableNext = active.nextOffset;
    this.#planned = active;
    this.#plannedSize = active.size;
    this.#plannedHasRecords = active.nextOffset > active.firstOffset;
    this.#needsPrelude = !this.#plannedHasRecords;
  }

  get #active(): Segment {
    return this.#segments[this.#segments.length - 1]!;
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** Every record below this is durable. */
  get durableNext(): number {
    return this.#durableNext;
  }

  /** Every record below this may be read: durable ones in mode `always`, written ones otherwise. */
  get visibleNext(): number {
    return this.#options.sync.kind === 'always' ? this.#durableNext : this.#active.nextOffset;
  }

  /** End of the readable bytes of a segment. */
  visibleSize(segment: Segment): number {
    return this.#options.sync.kind === 'always' ? segment.durableSize : segment.size;
  }

  get failure(): WalError | undefined {
    return this.#failure;
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  append(record: WalRecordInput): Promise<WalAck> {
    try {
      this.#refuseWhenStopped();
      const length = this.#checkRecord(record);
      this.#refuseWhenFull(encodedBytes(length));
      const batch = this.#reserve(encodedBytes(length), arenaBytes(length));
      const offset = this.#put(batch, record, length);
      this.#plannedHasRecords = true;
      return new Promise((resolve, reject) => batch.acknowledgeOne(offset, resolve, reject));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  appendBatch(records: readonly WalRecordInput[]): Promise<WalBatchAck> {
    try {
      this.#refuseWhenStopped();
      if (records.length === 0) throw new WalError('WAL_INVALID_ARGUMENT', 'an atomic batch needs a record');
      const size = this.#measure(records);
      this.#refuseWhenFull(size.encoded);
      const batch = this.#reserve(size.encoded, size.arena);
      const first = this.#nextOffset;
      for (const record of records) this.#put(batch, record, payloadLength(record.payload));
      this.#plannedHasRecords = true;
      const last = this.#nextOffset - 1;
      return new Promise((resolve, reject) => batch.acknowledgeMany(first, last, resolve, reject));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Resolves once everything appended before the call is durable. */
  sync(): Promise<number> {
    const stopped = this.#stopped();
    if (stopped) return Promise.reject(stopped);
    return this.#syncTo(this.#nextOffset);
  }

  #syncTo(target: number): Promise<number> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#durableNext >= target) return Promise.resolve(this.#durableNext - 1);
    return new Promise((resolve, reject) => {
      this.#syncWaiters.push({ target, resolve, reject });
      this.#schedule();
      this.#syncForWaiters();
    });
  }

  /** Resolves when the next segment is in use on disk. */
  async rotate(): Promise<void> {
    this.#refuseWhenStopped();
    if (this.#planned === this.#active && this.#needsPrelude && !this.#open) {
      this.#addPrelude();
    } else if (this.#plannedSize > SEGMENT_HEADER_BYTES) {
      this.#planRotation();
      this.#addPrelude();
    }
    const segment = this.#planned;
    await this.#enqueue(async () => {
      if (this.#active.header.sequence < segment.header.sequence) throw this.#noSpace(undefined);
    });
  }

  /** Forgets sealed segments wholly below `offset`. Resolves when that is durable and the files are gone. */
  truncateBefore(offset: number): Promise<void> {
    const stopped = this.#stopped();
    if (stopped) return Promise.reject(stopped);
    if (!Number.isInteger(offset) || offset < 0 || offset > this.#nextOffset) {
      return Promise.reject(
        new WalError('WAL_INVALID_ARGUMENT', `cannot truncate before ${offset}`, {
          offset,
          nextOffset: this.#nextOffset,
        }),
      );
    }
    const run = this.#truncating.then(() => this.#truncate(offset));
    this.#truncating = run.catch(() => undefined); // each caller sees its own error
    return run;
  }

  async #truncate(offset: number): Promise<void> {
    const removable = (): Segment[] => {
      const kept = this.#segments.findIndex((segment) => !segment.sealed || segment.nextOffset > offset);
      return this.#segments.slice(0, kept);
    };
    if (removable().length === 0) return;
    if (this.#options.onRotate && !this.#segments[removable().length]!.sealed) await this.#syncPrelude();
    let removed: Segment[] = [];
    await this.#enqueue(async () => {
      removed = removable();
      const first = this.#segments[removed.length]!;
      await this.#writeState({
        firstSegment: first.header.sequence,
        firstOffset: first.firstOffset,
        durableUpTo: this.#durableNext,
      });
      // From here on recovery deletes the files itself, should we not get to it.
      this.#segments.splice(0, removed.length);
    });
    try {
      for (const segment of removed) await this.#options.fs.remove(segment.path);
    } catch (error) {
      throw new WalError(
        'WAL_IO_ERROR',
        'a truncated segment could not be deleted',
        { dir: this.#options.dir },
        error,
      );
    }
    try {
      await this.#options.fs.syncDirectory(this.#options.dir);
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /** What the prelude repeats must be durable before the segments that held it go. Sealed segments are. */
  async #syncPrelude(): Promise<void> {
    const active = this.#active;
    const written = active.nextOffset > active.firstOffset;
    if (!written && this.#needsPrelude && this.#planned === active) this.#addPrelude();
    // Written records cannot be dropped by a full disk, so truncation can still free space then.
    await this.#syncTo(written ? active.nextOffset : this.#nextOffset);
  }

  /** Resolves while fewer than `maxPendingBytes` are pending; rejects when the log stops. */
  async whenWritable(): Promise<void> {
    for (;;) {
      this.#refuseWhenStopped();
      if (this.#pendingBytes < this.#options.maxPendingBytes) return;
      this.#writable ??= deferred();
      await this.#writable.promise;
    }
  }

  /** Resolves at the next change of what may be read, or when the log stops. */
  whenChanged(): Promise<void> {
    this.#changed ??= deferred();
    return this.#changed.promise;
  }

  /** Writes and syncs what was appended, notes the clean end, closes every file. Does not release the lock. */
  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  async #shutDown(): Promise<void> {
    clearTimeout(this.#syncTimer);
    try {
      await this.#truncating;
      if (!this.#failure) await this.#enqueue(async () => {}).catch(() => undefined); // drains the plan
      if (!this.#failure) {
        await this.#requestSync();
        await this.#syncRunning;
      }
      if (!this.#failure) {
        try {
          await this.#writeState({ durableUpTo: this.#durableNext, closed: true });
        } catch (error) {
          this.#fail(error);
        }
      }
    } finally {
      await this.#loop;
      await this.#syncRunning;
      for (const file of [this.#active.file, this.#stateFile]) {
        await file?.close().catch((error: unknown) => {
          this.#options.logger.warn({ dir: this.#options.dir, error }, 'wal: closing a file failed');
        });
      }
      this.#stop(new WalError('WAL_CLOSED', 'the log is closed', { dir: this.#options.dir }));
      this.#notify();
    }
  }

  // ---- planning: synchronous -------------------------------------------------------------------------------

  #stopped(): WalError | undefined {
    if (this.#failure) return this.#failure;
    return this.#closing && new WalError('WAL_CLOSED', 'the log is closed', { dir: this.#options.dir });
  }

  #refuseWhenStopped(): void {
    const stopped = this.#stopped();
    if (stopped) throw stopped;
    if (this.#insidePrelude) {
      throw new WalError('WAL_INVALID_ARGUMENT', 'onRotate must not call the log');
    }
  }

  #refuseWhenFull(bytes: number): void {
    if (this.#options.whenFull === 'signal' || this.#pendingBytes === 0) return;
    if (this.#pendingBytes + bytes <= this.#options.maxPendingBytes) return;
    throw new WalError('WAL_BUSY', `${this.#pendingBytes} bytes are waiting for the disk`, {
      pendingBytes: this.#pendingBytes,
      maxPendingBytes: this.#options.maxPendingBytes,
    });
  }

  #checkRecord(record: WalRecordInput): number {
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
    if (length > this.#options.maxRecordBytes) {
      throw new WalError('WAL_RECORD_TOO_LARGE', `a record of ${length} bytes`, {
        bytes: length,
        maxRecordBytes: this.#options.maxRecordBytes,
      });
    }
    return length;
  }

  #measure(records: readonly WalRecordInput[]): { encoded: number; arena: number } {
    let encoded = 0;
    let arena = 0;
    for (const record of records) {
      const length = this.#checkRecord(record);
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

  /** The batch that will take `encoded` bytes of records as one, in the segment where they belong. */
  #reserve(encoded: number, arena: number): Batch {
    const frame = encoded + (this.#open ? 0 : FRAME_HEADER_BYTES);
    if (this.#plannedHasRecords && this.#plannedSize + frame > this.#options.maxFileSizeBytes) {
      this.#planRotation();
    }
    if (this.#needsPrelude) this.#addPrelude();
    return this.#openBatch(encoded, arena);
  }

  #openBatch(encoded: number, arena: number): Batch {
    const open = this.#open;
    if (open && open.byteLength + encoded <= this.#options.maxBatchBytes && open.hasRoom(arena)) return open;
    this.#closeBatch();
    const standard = this.#options.maxBatchBytes + ARENA_SLACK_BYTES;
    const needed = FRAME_HEADER_BYTES + arena;
    const memory = needed > standard ? createArena(needed) : (this.#arenas.pop() ?? createArena(standard));
    this.#open = new Batch(this.#planned, this.#nextOffset, memory);
    this.#plannedSize += FRAME_HEADER_BYTES;
    this.#schedule();
    return this.#open;
  }

  #put(batch: Batch, record: WalRecordInput, length: number): number {
    if (this.#nextOffset >= MAX_OFFSET) throw new WalError('WAL_INVALID_ARGUMENT', 'offsets are used up');
    const now = this.#options.now();
    if (now > this.#lastTimestampMs) this.#lastTimestampMs = now;
    batch.add(record, length, this.#lastTimestampMs);
    const bytes = encodedBytes(length);
    this.#plannedSize += bytes;
    this.#pendingBytes += bytes;
    return this.#nextOffset++;
  }

  #closeBatch(): void {
    if (this.#open) this.#queue.push(this.#open);
    this.#open = undefined;
  }

  #planRotation(): void {
    this.#closeBatch();
    const previous = this.#planned.header;
    const segment = new Segment(this.#options.dir, {
      logId: this.#logId,
      firstOffset: this.#nextOffset,
      sequence: previous.sequence + 1,
      salt: viewOf(this.#options.randomBytes(4)).getUint32(0, true),
      previousSalt: previous.salt,
      durableUpTo: this.#nextOffset,
      createdMs: this.#options.now(),
    });
    this.#queue.push({ kind: 'rotation', segment });
    this.#plan(segment);
    this.#schedule();
  }

  #plan(segment: Segment): void {
    this.#planned = segment;
    this.#plannedSize = segment.size;
    this.#plannedHasRecords = segment.nextOffset > segment.firstOffset;
    this.#needsPrelude = !this.#plannedHasRecords;
  }

  /** Puts the caller's first records at the head of the planned segment, as one frame or part of one. */
  #addPrelude(): void {
    let records: readonly WalRecordInput[] = [];
    this.#insidePrelude = true;
    try {
      records = this.#options.onRotate?.({ firstOffset: this.#nextOffset }) ?? [];
    } finally {
      this.#insidePrelude = false;
    }
    if (records.length > 0) {
      const size = this.#measure(records);
      const batch = this.#openBatch(size.encoded, size.arena);
      for (const record of records) this.#put(batch, record, payloadLength(record.payload));
    }
    this.#needsPrelude = false;
  }

  // ---- execution: one loop ---------------------------------------------------------------------------------

  #enqueue(run: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure) {
        reject(this.#failure);
        return;
      }
      this.#closeBatch();
      const failed = (error: unknown) => reject(WalError.is(error) ? error : this.#fail(error));
      this.#queue.push({ kind: 'task', run: () => run().then(resolve, failed), reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    // nextTick runs after the microtasks now queued: everyone about to append joins this commit.
    this.#loop ??= tick().then(() => this.#run());
  }

  async #run(): Promise<void> {
    try {
      for (let item = this.#take(); item !== undefined; item = this.#take()) {
        if (item instanceof Batch) {
          this.#current = item;
          await this.#commit(item);
          this.#current = undefined;
        } else if (item.kind === 'rotation') await this.#switchTo(item.segment);
        else await item.run();
        // Whoever was just acknowledged may append again before the next commit starts.
        await tick();
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#loop = undefined;
  }

  #take(): Batch | Rotation | Task | undefined {
    if (this.#failure) return undefined;
    if (this.#queue.length === 0) this.#closeBatch();
    return this.#queue.shift();
  }

  async #commit(batch: Batch): Promise<void> {
    const { segment } = batch;
    const file = segment.file!;
    try {
      await writeFully(file, batch.finish(this.#durableNext, this.#epoch), segment.size);
    } catch (error) {
      if (!isNoSpace(error)) throw error;
      await this.#giveBack(segment, file, error);
      return;
    }
    if (this.#failure) return; // a sync beside this write failed
    segment.grow(batch.firstOffset, batch.count, batch.byteLength);
    const always = this.#options.sync.kind === 'always';
    if (always) {
      await file.sync();
      if (this.#failure) return;
      this.#advanceDurable(segment, segment.size, segment.nextOffset);
    }
    this.#settled(batch);
    batch.resolve(always); // the acknowledgement: ① of the data path
    this.#notify();
    if (!always) {
      this.#syncForWaiters();
      this.#syncLater();
    }
  }

  /** Seals the active segment and makes `segment` the active one, durable before its first record. */
  async #switchTo(segment: Segment): Promise<void> {
    const { fs, dir } = this.#options;
    const old = this.#active;
    // A sealed segment is durable in every mode: so a torn tail can only be in the last one.
    if (old.durableSize < old.size) await this.#requestSync();
    if (this.#failure) return;
    const temporary = `${segment.path}.${segment.header.salt.toString(16)}.tmp`;
    let file: WalFile | undefined;
    try {
      file = await fs.open(temporary, 'create');
      await writeFully(file, [encodeSegmentHeader(segment.header)], 0);
    } catch (error) {
      await file?.close();
      if (!isNoSpace(error)) throw error;
      if (file) await fs.remove(temporary);
      this.#dropPlan(error); // nothing acknowledged is at risk: the old segment goes on
      return;
    }
    await file.sync();
    await fs.rename(temporary, segment.path);
    await fs.syncDirectory(dir);
    await this.#writeState({
      segmentsEnd: segment.header.sequence + 1,
      durableUpTo: segment.firstOffset,
    });
    segment.file = file;
    old.sealed = true;
    this.#segments.push(segment);
    const done = old.file;
    old.file = undefined;
    await done?.close().catch((error: unknown) => {
      this.#options.logger.warn({ file: old.name, error }, 'wal: closing a sealed segment failed');
    });
  }

  /** After a write met a full disk: cut the partial frame off, and only if that is durable, go on. */
  async #giveBack(segment: Segment, file: WalFile, cause: unknown): Promise<void> {
    await this.#syncRunning;
    if (this.#failure) return;
    await file.truncate(segment.size);
    await file.sync();
    this.#advanceDurable(segment, segment.size, segment.nextOffset);
    this.#dropPlan(cause);
  }

  /** Rejects everything planned but not written and plans anew from the written end. */
  #dropPlan(cause: unknown): void {
    const error = this.#noSpace(cause);
    const active = this.#active;
    const batches = this.#takeBatches();
    this.#queue = this.#queue.filter((item) => !(item instanceof Batch) && item.kind === 'task');
    this.#nextOffset = active.nextOffset;
    this.#plan(active);
    const lost = this.#syncWaiters.filter((waiter) => waiter.target > this.#nextOffset);
    this.#syncWaiters = this.#syncWaiters.filter((waiter) => waiter.target <= this.#nextOffset);
    for (const batch of batches) {
      this.#settled(batch);
      batch.reject(error);
    }
    for (const waiter of lost) waiter.reject(error);
    this.#options.logger.warn({ dir: this.#options.dir, cause }, 'wal: no space, pending appends rejected');
  }

  #takeBatches(): Batch[] {
    this.#closeBatch();
    const queued = this.#queue.filter((item) => item instanceof Batch);
    const batches = this.#current ? [this.#current, ...queued] : queued;
    this.#current = undefined;
    return batches;
  }

  #noSpace(cause: unknown): WalError {
    return new WalError('WAL_NO_SPACE', 'the disk is full', { dir: this.#options.dir }, cause);
  }

  #settled(batch: Batch): void {
    this.#pendingBytes -= batch.byteLength - FRAME_HEADER_BYTES;
    const standard = this.#options.maxBatchBytes + ARENA_SLACK_BYTES;
    if (batch.arena.bytes.length === standard && this.#arenas.length < SPARE_ARENAS) {
      this.#arenas.push(batch.arena);
    }
    if (this.#writable && this.#pendingBytes < this.#options.maxPendingBytes) {
      this.#writable.resolve();
      this.#writable = undefined;
    }
  }

  // ---- syncing: one stream ---------------------------------------------------------------------------------

  /** Syncs what is written when the sync starts. Callers before the start share it. Never rejects: see `failure`. */
  #requestSync(): Promise<void> {
    if (!this.#syncQueued) {
      this.#syncQueued = this.#syncRunning.then(async () => {
        this.#syncQueued = undefined;
        const segment = this.#active;
        const { size, nextOffset, file } = segment;
        if (this.#failure || segment.durableSize === size || !file) return;
        try {
          await file.sync();
          this.#advanceDurable(segment, size, nextOffset);
          this.#notify();
        } catch (error) {
          this.#fail(error);
        }
      });
      this.#syncRunning = this.#syncQueued;
    }
    return this.#syncQueued;
  }

  #syncForWaiters(): void {
    if (this.#options.sync.kind === 'always') return;
    const first = this.#syncWaiters[0];
    if (first && first.target <= this.#active.nextOffset) void this.#requestSync();
  }

  #syncLater(): void {
    const { sync } = this.#options;
    if (sync.kind !== 'periodic' || this.#syncTimer || this.#closing) return;
    this.#syncTimer = setTimeout(() => {
      this.#syncTimer = undefined;
      void this.#requestSync();
    }, sync.intervalMs);
  }

  #advanceDurable(segment: Segment, size: number, nextOffset: number): void {
    segment.durableSize = Math.max(segment.durableSize, size);
    segment.durableNextOffset = Math.max(segment.durableNextOffset, nextOffset);
    this.#durableNext = Math.max(this.#durableNext, nextOffset);
    while (this.#syncWaiters.length > 0 && this.#syncWaiters[0]!.target <= this.#durableNext) {
      this.#syncWaiters.shift()!.resolve(this.#durableNext - 1);
    }
  }

  async #writeState(change: Partial<LogState>): Promise<void> {
    const state = { ...this.#state, ...change };
    await this.#stateFile.write(state);
    this.#state = state;
  }

  // ---- stopping --------------------------------------------------------------------------------------------

  /** The first failure decides: nothing is retried, everything pending is rejected. */
  #fail(cause: unknown): WalError {
    if (this.#failure) return this.#failure;
    const { dir, logger } = this.#options;
    this.#failure = new WalError(
      'WAL_FAILED',
      'the log stopped at its first failed write or sync',
      { dir },
      cause,
    );
    logger.error({ dir, cause }, 'wal: failed, no more appends');
    clearTimeout(this.#syncTimer);
    this.#stop(this.#failure);
    this.#notify();
    return this.#failure;
  }

  #stop(error: WalError): void {
    const batches = this.#takeBatches();
    const tasks = this.#queue.filter(
      (item): item is Task => !(item instanceof Batch) && item.kind === 'task',
    );
    const waiters = this.#syncWaiters;
    this.#queue = [];
    this.#syncWaiters = [];
    for (const batch of batches) batch.reject(error);
    for (const task of tasks) task.reject(error);
    for (const waiter of waiters) waiter.reject(error);
    this.#pendingBytes = 0;
    this.#writable?.resolve();
    this.#writable = undefined;
  }

  #notify(): void {
    this.#changed?.resolve();
    this.#changed = undefined;
  }
}

function tick(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

function deferred(): Deferred {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
