import { AppendPlan, type PlanStep } from './append-plan.ts';
import { Batch, type WalAck, type WalBatchAck } from './batch.ts';
import { isNoSpace, systemErrorCode, WalError } from './errors.ts';
import type { ResolvedWalOptions, WalRecordInput } from './options.ts';
import { Preallocation } from './preallocation.ts';
import type { Segment } from './segment.ts';
import { encodeSegmentHeader, SEGMENT_HEADER_BYTES } from './segment-header.ts';
import { SegmentPreparer } from './segment-preparer.ts';
import type { LogState, StateFile } from './state-file.ts';
import { SyncStream } from './sync-stream.ts';
import { isFailedSync, type WalDirectoryLock, writeFully, writeFullyDurable } from './wal-fs.ts';

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

interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

/** The next segment's file is prepared once the current one is this full. */
const PREPARE_AT_FILL = 0.5;

/**
 * The writing half of the log.
 *
 * Appends go into a plan; one loop executes it in order: write a batch, sync it, settle its acknowledgements, rotate.
 * While the loop waits for the disk the next batch fills: that is the group commit. Nothing else writes to the active
 * segment, but filler ahead of it.
 *
 * Three ends matter: planned (`nextOffset`) ≥ written (`active.nextOffset`) ≥ durable (`durableNext`).
 */
export class LogWriter {
  readonly #options: ResolvedWalOptions;
  readonly #epoch: number;
  readonly #stateFile: StateFile;
  #state: LogState;
  readonly #segments: Segment[];
  readonly #plan: AppendPlan;
  readonly #syncs: SyncStream;
  readonly #preallocation: Preallocation;
  readonly #preparer: SegmentPreparer;
  /** The loop, while it runs. */
  #loop: Promise<void> | undefined;
  /** The batch being written. */
  #current: Batch | undefined;
  #cancelTimer: (() => void) | undefined;
  #truncating: Promise<unknown> = Promise.resolve();
  #changed: Deferred | undefined;
  #writable: Deferred | undefined;
  #failure: WalError | undefined;
  /** Somebody's call was rejected with the failure; otherwise `close` is the one to say it. */
  #failureTold = false;
  #closing: Promise<void> | undefined;
  #closed = false;
  /** Held here so that it lives as long as anything that could still write. */
  readonly #lock: WalDirectoryLock;

  constructor(options: ResolvedWalOptions, lock: WalDirectoryLock, log: RecoveredLog) {
    this.#options = options;
    this.#lock = lock;
    this.#epoch = log.epoch;
    this.#stateFile = log.stateFile;
    this.#state = log.state;
    this.#segments = [...log.segments];
    this.#plan = new AppendPlan(options, this.active, log.lastTimestampMs);
    this.#syncs = new SyncStream(this, this.active.nextOffset);
    this.#preallocation = new Preallocation(this, options);
    this.#preparer = new SegmentPreparer(options.fs, this, () =>
      this.#preallocation.initial(SEGMENT_HEADER_BYTES),
    );
  }

  /** The segment being written. */
  get active(): Segment {
    return this.#segments[this.#segments.length - 1]!;
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  get nextOffset(): number {
    return this.#plan.nextOffset;
  }

  /** Every record below this is durable. */
  get durableNext(): number {
    return this.#syncs.durableNext;
  }

  /** Every record below this may be read: durable ones in mode `always`, written ones otherwise. */
  get visibleNext(): number {
    return this.#always ? this.durableNext : this.active.nextOffset;
  }

  /** End of the readable bytes of a segment. */
  visibleSize(segment: Segment): number {
    return this.#always ? segment.durableSize : segment.size;
  }

  get failure(): WalError | undefined {
    return this.#failure;
  }

  /** Everything is written and nothing more will come. */
  get closed(): boolean {
    return this.#closed;
  }

  get pendingBytes(): number {
    return this.#plan.pendingBytes;
  }

  get #always(): boolean {
    return this.#options.sync.kind === 'always';
  }

  append(record: WalRecordInput): Promise<WalAck> {
    try {
      this.#refuseWhenStopped();
      const { batch, offset } = this.#plan.add(record);
      return new Promise((resolve, reject) => batch.acknowledgeOne(offset, resolve, reject));
    } catch (error) {
      return Promise.reject(error);
    } finally {
      this.#schedule();
    }
  }

  appendBatch(records: readonly WalRecordInput[]): Promise<WalBatchAck> {
    try {
      this.#refuseWhenStopped();
      const { batch, firstOffset } = this.#plan.addAtomic(records);
      const lastOffset = firstOffset + records.length - 1;
      return new Promise((resolve, reject) =>
        batch.acknowledgeMany(firstOffset, lastOffset, resolve, reject),
      );
    } catch (error) {
      return Promise.reject(error);
    } finally {
      this.#schedule();
    }
  }

  /** Resolves once everything appended before the call is durable. */
  sync(): Promise<number> {
    const stopped = this.#stopped();
    return stopped ? Promise.reject(stopped) : this.#syncTo(this.nextOffset);
  }

  #syncTo(target: number): Promise<number> {
    const durable = this.#syncs.waitFor(target);
    this.#schedule();
    this.#syncForWaiters();
    return durable;
  }

  /** Resolves when the next segment is in use on disk. */
  async rotate(): Promise<void> {
    this.#refuseWhenStopped();
    const segment = this.#plan.rotate();
    await this.#afterPlan(async () => {
      if (this.active.header.sequence < segment.header.sequence) throw this.#noSpace(undefined);
    });
  }

  /** Forgets sealed segments wholly below `offset`. Resolves when that is durable and the files are gone. */
  truncateBefore(offset: number): Promise<void> {
    const stopped = this.#stopped();
    if (stopped) return Promise.reject(stopped);
    const { nextOffset } = this;
    if (!Number.isInteger(offset) || offset < 0 || offset > nextOffset) {
      const context = { offset, nextOffset };
      return Promise.reject(
        new WalError('WAL_INVALID_ARGUMENT', `cannot truncate before ${offset}`, context),
      );
    }
    const run = this.#truncating.then(() => this.#truncate(offset));
    // Each caller sees its own error.
    this.#truncating = run.catch((error: unknown) => {
      if (error === this.#failure) this.#failureTold = true;
    });
    return run;
  }

  async #truncate(offset: number): Promise<void> {
    if (this.#failure) throw this.#failure; // while it waited for the truncation before
    const kept = this.#segments.findIndex((segment) => !segment.sealed || segment.nextOffset > offset);
    if (kept === 0) return;
    // Settled now: a segment sealed while we wait stays, since the one after it may not have its prelude yet.
    const removed = this.#segments.slice(0, kept);
    const first = this.#segments[kept]!;
    if (this.#options.onRotate && !first.sealed) await this.#syncPrelude();
    await this.#afterPlan(async () => {
      await this.#writeState({
        firstSegment: first.header.sequence,
        firstOffset: first.firstOffset,
        durableUpTo: this.durableNext,
      });
      // From here on recovery deletes the files itself, should we not get to it.
      this.#segments.splice(0, kept);
    });
    const { fs, dir } = this.#options;
    try {
      for (const segment of removed) await fs.remove(segment.path);
    } catch (error) {
      throw new WalError('WAL_IO_ERROR', 'a truncated segment could not be deleted', { dir }, error);
    }
    try {
      await fs.syncDirectory(dir);
    } catch (error) {
      throw this.fail(error);
    }
  }

  /** What the prelude repeats must be durable before the segments that held it go. Sealed segments are. */
  async #syncPrelude(): Promise<void> {
    const { active } = this;
    const written = active.nextOffset > active.firstOffset;
    if (!written && this.#plan.segment === active) this.#plan.addMissingPrelude();
    // Written records cannot be dropped by a full disk, so truncation can still free space then.
    await this.#syncTo(written ? active.nextOffset : this.nextOffset);
  }

  /** Resolves while fewer than `maxPendingBytes` are pending; rejects when the log stops. */
  async whenWritable(): Promise<void> {
    for (;;) {
      this.#refuseWhenStopped();
      if (this.pendingBytes < this.#options.maxPendingBytes) return;
      this.#writable ??= deferred();
      await this.#writable.promise;
    }
  }

  /** Resolves at the next change of what may be read, or when the log stops. */
  whenChanged(): Promise<void> {
    this.#changed ??= deferred();
    return this.#changed.promise;
  }

  /**
   * Writes and syncs what was appended, notes the clean end, closes every file and releases the lock. Throws only a
   * failure that no other call was rejected with.
   */
  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  async #shutDown(): Promise<void> {
    const told = this.#failureTold;
    this.#cancelTimer?.();
    await this.#truncating;
    if (!this.#failure) await this.#afterPlan(async () => {}).catch(() => undefined); // drains; see `failure`
    if (!this.#failure) await this.#syncs.request();
    await this.#preallocation.idle();
    if (!this.#failure) {
      try {
        if (this.active.allocatedSize > this.active.size) await this.#cut(this.active);
        if (!this.#failure) await this.#writeState({ durableUpTo: this.durableNext, closed: true });
      } catch (error) {
        this.fail(error);
      }
    }
    await this.#loop;
    await this.#syncs.idle;
    await this.#preparer.discard();
    for (const file of [this.active.file, this.#stateFile]) {
      await file?.close().catch((error: unknown) => {
        this.#options.logger.warn({ dir: this.#options.dir, error }, 'wal: closing a file failed');
      });
    }
    this.#closed = true;
    this.#stop(new WalError('WAL_CLOSED', 'the log is closed', { dir: this.#options.dir }));
    await this.#lock.release();
    if (this.#failure && !told) throw this.#failure;
  }

  /** Why a call is refused, if it is. */
  #stopped(): WalError | undefined {
    if (this.#failure) {
      this.#failureTold = true;
      return this.#failure;
    }
    return this.#closing && new WalError('WAL_CLOSED', 'the log is closed', { dir: this.#options.dir });
  }

  #refuseWhenStopped(): void {
    const stopped = this.#stopped();
    if (stopped) throw stopped;
    if (this.#plan.insidePrelude)
      throw new WalError('WAL_INVALID_ARGUMENT', 'onRotate must not call the log');
  }

  // ---- the loop --------------------------------------------------------------------------------------------

  /** Runs `run` in the loop, after everything planned so far. What it throws stops the log, WalErrors excepted. */
  #afterPlan(run: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure) {
        reject(this.#failure);
        return;
      }
      const failed = (error: unknown) => {
        reject(WalError.is(error) ? error : this.fail(error));
        this.#failureTold ||= this.#failure !== undefined;
      };
      this.#plan.addTask({ kind: 'task', run: () => run().then(resolve, failed), reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    // nextTick runs after the microtasks now queued: everyone about to append joins this commit.
    this.#loop ??= tick().then(() => this.#run());
  }

  async #run(): Promise<void> {
    try {
      for (let step = this.#plan.take(); step !== undefined && !this.#failure; step = this.#plan.take()) {
        await this.#execute(step);
        // Whoever was just acknowledged may append again before the next commit starts.
        await tick();
      }
    } catch (error) {
      this.fail(error);
    }
    this.#loop = undefined;
  }

  async #execute(step: PlanStep): Promise<void> {
    if (step instanceof Batch) {
      this.#current = step;
      await this.#commit(step);
      this.#current = undefined;
    } else if (step.kind === 'rotation') await this.#switchTo(step.segment);
    else await step.run();
  }

  async #commit(batch: Batch): Promise<void> {
    const { segment } = batch;
    const file = segment.file!;
    const write = this.#always ? writeFullyDurable : writeFully;
    await this.#preallocation.clear(segment, segment.size + batch.byteLength);
    if (this.#failure) return;
    try {
      await write(file, batch.finish(this.durableNext, this.#epoch), segment.size);
    } catch (error) {
      if (!foundNoRoom(error)) throw error;
      await this.#giveBack(segment, error);
      return;
    }
    if (this.#failure) return; // a sync beside this write failed
    segment.grow(batch.firstOffset, batch.count, batch.byteLength);
    if (this.#always) this.#syncs.advance(segment, segment.size, segment.nextOffset);
    this.#release(batch);
    batch.resolve(this.#always); // the acknowledgement: ① of the data path
    this.advanced();
    this.#preallocation.after(segment, batch.byteLength);
    if (segment.size >= this.#options.maxFileSizeBytes * PREPARE_AT_FILL) this.#preparer.start(segment);
    if (!this.#always) {
      this.#syncForWaiters();
      this.#syncLater();
    }
  }

  /** Seals the active segment and makes `segment` the active one, durable before its first record. */
  async #switchTo(segment: Segment): Promise<void> {
    const { fs, dir } = this.#options;
    const old = this.active;
    // A sealed segment is durable in every mode: so a torn tail can only be in the last one.
    if (old.durableSize < old.size) await this.#syncs.request();
    await this.#preallocation.idle();
    if (this.#failure) return;
    if (old.allocatedSize > old.size) {
      // Durable before the next segment is: after a power loss a cut that is not may show anything behind the last
      // frame, and only the last segment may have a torn tail.
      await this.#cut(old);
      if (this.#failure) return;
    }
    const prepared = await this.#preparer.take();
    if (this.#failure) return;
    const temporary = prepared?.path ?? `${segment.path}.${segment.header.salt.toString(16)}.tmp`;
    let file = prepared?.file;
    try {
      file ??= await fs.open(temporary, 'create');
      await writeFullyDurable(file, [encodeSegmentHeader(segment.header)], 0);
    } catch (error) {
      await file?.close();
      if (!isNoSpace(error)) throw error;
      if (file) await fs.remove(temporary);
      // Whichever half of the write failed, the file held nothing: the old segment goes on.
      this.#dropPlan(error);
      return;
    }
    try {
      await fs.rename(temporary, segment.path);
      await fs.syncDirectory(dir);
      await this.#writeState({ segmentsEnd: segment.header.sequence + 1, durableUpTo: segment.firstOffset });
    } catch (error) {
      await file.close().catch(() => undefined); // the error above is the one that counts
      throw error;
    }
    segment.file = file;
    if (prepared) segment.allocatedSize = prepared.size;
    old.sealed = true;
    this.#segments.push(segment);
    const done = old.file;
    old.file = undefined;
    await done?.close().catch((error: unknown) => {
      this.#options.logger.warn({ file: old.name, error }, 'wal: closing a sealed segment failed');
    });
  }

  /** The end of the active segment's file becomes, durably, the end of its frames. A failed sync goes to the log. */
  async #cut(segment: Segment): Promise<void> {
    await segment.file!.truncate(segment.size);
    segment.allocatedSize = segment.size;
    await this.#syncs.force();
  }

  /** After a write met a full disk: cut the partial frame off, and only if that is durable, go on. */
  async #giveBack(segment: Segment, cause: unknown): Promise<void> {
    await this.#syncs.idle;
    await this.#preallocation.idle();
    if (this.#failure) return;
    await this.#cut(segment);
    if (this.#failure) return;
    this.#dropPlan(cause);
  }

  /** Rejects everything planned but not written; the next append is planned from the written end. */
  #dropPlan(cause: unknown): void {
    const error = this.#noSpace(cause);
    this.#rejectBatches(error);
    this.#syncs.rejectAbove(this.nextOffset, error);
    this.#options.logger.warn({ dir: this.#options.dir, cause }, 'wal: no space, pending appends rejected');
  }

  /** Whether anybody was waiting. */
  #rejectBatches(error: WalError): boolean {
    const batches = this.#plan.reset(this.active);
    if (this.#current) batches.unshift(this.#current);
    this.#current = undefined;
    let told = false;
    for (const batch of batches) {
      this.#release(batch);
      told = batch.reject(error) || told;
    }
    return told;
  }

  #noSpace(cause: unknown): WalError {
    return new WalError('WAL_NO_SPACE', 'the disk is full', { dir: this.#options.dir }, cause);
  }

  #release(batch: Batch): void {
    this.#plan.release(batch);
    if (!this.#writable || this.pendingBytes >= this.#options.maxPendingBytes) return;
    this.#writable.resolve();
    this.#writable = undefined;
  }

  async #writeState(change: Partial<LogState>): Promise<void> {
    const state = { ...this.#state, ...change };
    await this.#stateFile.write(state);
    this.#state = state;
  }

  // ---- syncing in the modes `periodic` and `none` ------------------------------------------------------------

  #syncForWaiters(): void {
    if (!this.#always && this.#syncs.hasWaiterAtOrBelow(this.active.nextOffset)) void this.#syncs.request();
  }

  #syncLater(): void {
    const { sync } = this.#options;
    if (sync.kind !== 'periodic' || this.#cancelTimer || this.#closing) return;
    this.#cancelTimer = this.#options.clock.setTimer(() => {
      this.#cancelTimer = undefined;
      void this.#syncs.request();
    }, sync.intervalMs);
  }

  /** What may be read has grown, or will no more. */
  advanced(): void {
    this.#changed?.resolve();
    this.#changed = undefined;
  }

  // ---- stopping --------------------------------------------------------------------------------------------

  /** The first failure decides: nothing is retried, everything pending is rejected. */
  fail(cause: unknown): WalError {
    if (this.#failure) return this.#failure;
    const { dir, logger } = this.#options;
    const what = `the log stopped at its first failed write or sync (${systemErrorCode(cause) ?? String(cause)})`;
    this.#failure = new WalError('WAL_FAILED', what, { dir }, cause);
    logger.error({ dir, cause }, 'wal: failed, no more appends');
    this.#cancelTimer?.();
    this.#failureTold = this.#stop(this.#failure);
    return this.#failure;
  }

  /** Rejects everything that waits; whether there was anything. */
  #stop(error: WalError): boolean {
    let told = this.#rejectBatches(error);
    for (let step = this.#plan.take(); step !== undefined; step = this.#plan.take()) {
      if (step instanceof Batch || step.kind !== 'task') continue;
      step.reject(error);
      told = true;
    }
    told = this.#syncs.rejectAbove(-1, error) || told;
    this.#writable?.resolve();
    this.#writable = undefined;
    this.advanced();
    return told;
  }
}

/** Whether a write took nothing, or less than it was given, because the disk is full. */
function foundNoRoom(error: unknown): boolean {
  return isNoSpace(error) && !isFailedSync(error);
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
