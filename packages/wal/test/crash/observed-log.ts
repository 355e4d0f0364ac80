import { strict as assert } from 'node:assert';
import type * as wal from '../../src/index.ts';
import type { SimDisk, WalFs } from '../../src/testing/index.ts';
import { type LogModel, type Lost, readAll, type WalModule } from './log-model.ts';

/** Where the simulated log lives. */
export const LOG_DIR = '/sim/log';

const PRELUDE_TYPE = 7;

/** How a simulated log is opened, the same in all its lives. */
export interface LogSettings {
  readonly sync: wal.SyncMode;
  readonly maxFileSizeBytes: number;
  readonly preallocateBytes: number;
  /** Every segment begins with records that must outlive a truncation. */
  readonly prelude: boolean;
}

/** What was done to the log, counted over many runs. */
export interface CallCounts {
  records: number;
  acked: number;
  truncations: number;
  noSpace: number;
}

/**
 * One life of a log whose every call is noted in the model: what was submitted, and what the answer promised. Calls
 * run in the background until {@link settle}; they may fail only in ways that a crash, a fault or a full disk explains.
 */
export class ObservedLog {
  readonly log: wal.Wal;
  readonly #module: WalModule;
  readonly #fs: WalFs;
  readonly #model: LogModel;
  readonly #settings: LogSettings;
  readonly #counts: CallCounts;
  readonly #timers: (() => void)[];
  readonly #calls: Promise<void>[] = [];
  readonly #followers: Promise<void>[] = [];
  #over = false;
  #unexpected: unknown;

  private constructor(
    module: WalModule,
    log: wal.Wal,
    fs: WalFs,
    model: LogModel,
    settings: LogSettings,
    counts: CallCounts,
    timers: (() => void)[],
  ) {
    this.log = log;
    this.#module = module;
    this.#fs = fs;
    this.#model = model;
    this.#settings = settings;
    this.#counts = counts;
    this.#timers = timers;
  }

  static async open(
    module: WalModule,
    disk: SimDisk,
    randomBytes: (length: number) => Uint8Array,
    model: LogModel,
    settings: LogSettings,
    counts: CallCounts,
  ): Promise<ObservedLog> {
    // Timers fire when the run says so, not when time has passed: the same seed gives the same run.
    const timers: (() => void)[] = [];
    const fs = disk.mount();
    const log = await module.openWal({
      dir: LOG_DIR,
      fs,
      sync: settings.sync,
      maxFileSizeBytes: settings.maxFileSizeBytes,
      preallocateBytes: settings.preallocateBytes,
      maxBatchBytes: 4096,
      randomBytes,
      clock: {
        // A clock that is set back now and then.
        now: () => 1_700_000_000_000 + ((disk.operations * 37) % 1000),
        setTimer: (callback) => {
          timers.push(callback);
          return () => timers.splice(timers.indexOf(callback), 1);
        },
      },
      ...(settings.prelude && {
        onRotate: ({ firstOffset }) => {
          const texts = [`prelude ${firstOffset}`, `more prelude ${firstOffset}`];
          model.submitBatch(firstOffset, texts);
          return texts.map((text) => ({ type: PRELUDE_TYPE, payload: Buffer.from(text) }));
        },
      }),
    });
    return new ObservedLog(module, log, fs, model, settings, counts, timers);
  }

  /** Of one length, so that a record given up may lie exactly where another one is later. */
  #nextNumber(): string {
    return String(this.#model.submitted++).padStart(5, '0');
  }

  /** Reads the whole log and checks it against everything promised before this life. */
  async check(lost: Lost): Promise<void> {
    const { log } = this;
    const texts = await readAll(log, log.firstOffset);
    this.#model.check(log, texts, lost);
    if (!this.#settings.prelude || log.firstOffset === 0) return;
    const first = texts.get(log.firstOffset);
    assert.equal(first, `prelude ${log.firstOffset}`, 'what must outlive a truncation went with it');
  }

  append(padding: number): void {
    const text = `${this.#nextNumber()} ${'.'.repeat(padding)}`;
    this.#counts.records++;
    const call = this.log.append({ type: 1, payload: Buffer.from(text) });
    const offset = this.log.nextOffset - 1;
    if (this.log.failure === undefined) this.#model.submit(offset, text);
    this.#track(
      call.then(
        (ack) => {
          assert.equal(ack.offset, offset, 'offset was not the one assigned at the call');
          this.#acked(ack.offset + 1, ack.durable);
        },
        (error: unknown) => this.#notTaken(error, offset, offset, text),
      ),
    );
  }

  appendBatch(paddings: readonly number[]): void {
    const texts = paddings.map((padding) => `${this.#nextNumber()} of batch ${'-'.repeat(padding)}`);
    this.#counts.records += texts.length;
    const call = this.log.appendBatch(texts.map((text) => ({ type: 2, payload: Buffer.from(text) })));
    const first = this.log.nextOffset - texts.length;
    const last = this.log.nextOffset - 1;
    if (this.log.failure === undefined) this.#model.submitBatch(first, texts);
    this.#track(
      call.then(
        (ack) => {
          assert.deepEqual([ack.firstOffset, ack.lastOffset], [first, last]);
          this.#acked(ack.lastOffset + 1, ack.durable);
        },
        (error: unknown) => this.#notTaken(error, first, last, texts[0]!),
      ),
    );
  }

  sync(): void {
    const target = this.log.nextOffset;
    this.#track(
      this.log.sync().then((durableOffset) => {
        assert(
          durableOffset >= target - 1,
          `sync() answered ${durableOffset}, ${target - 1} was appended before`,
        );
        this.#acked(durableOffset + 1, true);
      }),
    );
  }

  rotate(): void {
    this.#track(this.log.rotate());
  }

  truncateBefore(offset: number): void {
    this.#model.requestedCut = Math.max(this.#model.requestedCut, offset);
    this.#track(
      this.log.truncateBefore(offset).then(() => {
        this.#counts.truncations++;
        if (this.#over) return;
        this.#model.confirmedFirst = Math.max(this.#model.confirmedFirst, this.log.firstOffset);
      }),
    );
  }

  /** What a follower was shown is as safe as the mode says: that is part of the promise. */
  follow(from: number): void {
    let next = from;
    const durable = this.#settings.sync.kind === 'always';
    const follow = async () => {
      for await (const batch of this.log.read({ from: next, follow: true })) {
        for (const { offset, payload } of batch) {
          assert.equal(offset, next, 'the follower skipped or repeated a record');
          const text = Buffer.from(payload).toString();
          assert.equal(text, this.#model.written.get(offset), `followed record ${offset}`);
          next++;
          this.#acked(next, durable);
        }
      }
    };
    this.#followers.push(follow().catch((error: unknown) => this.#explain(error, 'WAL_TRUNCATED')));
  }

  /** The timers set so far run out: in mode `periodic` what was written becomes durable. */
  fireTimers(): void {
    const written = this.#model.kept;
    for (const fire of this.#timers.splice(0)) fire();
    if (this.#settings.sync.kind === 'periodic') this.#calls.push(this.#becomesDurable(written));
  }

  async #becomesDurable(next: number): Promise<void> {
    for (let turn = 0; turn < 2000; turn++) {
      if (this.#over || this.log.failure || this.log.durableOffset + 1 >= next) return;
      await new Promise<void>((resolve) => process.nextTick(resolve));
    }
    this.#unexpected ??= new Error(`the timer ran out, and record ${next - 1} was not synced`);
  }

  /** Nobody else can open the log meanwhile. */
  openAgain(): void {
    const again = this.#module.openWal({ dir: LOG_DIR, fs: this.#fs }).then(
      () => assert.fail('the log was opened twice'),
      (error: unknown) => this.#explain(error, 'WAL_LOCKED'),
    );
    this.#calls.push(again.catch((error: unknown) => this.#explain(error)));
  }

  /** `durableOffset` is a promise too. */
  noteDurable(): void {
    if (this.#over || this.log.failure) return;
    this.#model.acknowledged(this.log.durableOffset + 1, true);
  }

  /** Waits for every call made so far. */
  async settle(): Promise<void> {
    await Promise.all(this.#calls);
  }

  /** Closes the log properly; says whether that made everything durable. */
  async close(): Promise<Lost> {
    const error = await this.log.close().catch((e: unknown) => e);
    await this.#finish();
    if (error === undefined && !this.log.failure) this.#model.acknowledged(this.log.nextOffset, true);
    // After a failure the same machine goes on: pages that read well need not be on disk.
    return this.log.failure ? 'failure' : 'nothing';
  }

  /** The disk was crashed, or the process killed: its calls end, and tell nothing more. */
  async abandon(): Promise<void> {
    this.#over = true;
    await this.log.close().catch(() => undefined); // a dead process cannot close anything
    await this.#finish();
  }

  async #finish(): Promise<void> {
    await Promise.all([...this.#calls, ...this.#followers]);
    this.#over = true;
    if (this.#unexpected !== undefined) throw this.#unexpected;
  }

  #acked(next: number, durable: boolean): void {
    this.#counts.acked++;
    this.#model.acknowledged(next, durable);
  }

  #notTaken(error: unknown, first: number, last: number, text: string): void {
    if (this.#code(error) === 'WAL_NO_SPACE') {
      this.#counts.noSpace++;
      this.#model.rejected(first, last, text);
    }
    throw error;
  }

  #track(call: Promise<unknown>): void {
    this.#calls.push(
      call.then(
        () => undefined,
        (error: unknown) => this.#explain(error),
      ),
    );
  }

  #explain(error: unknown, ...more: string[]): void {
    const codes = ['WAL_FAILED', 'WAL_NO_SPACE', 'WAL_CLOSED', 'WAL_IO_ERROR', ...more];
    if (!codes.includes(this.#code(error) ?? '')) this.#unexpected ??= error;
  }

  #code(error: unknown): string | undefined {
    return this.#module.WalError.is(error) ? error.code : undefined;
  }
}
