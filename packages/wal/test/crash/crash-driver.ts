import { strict as assert } from 'node:assert';
import type * as wal from '../../src/index.ts';
import { Random, SimDisk } from '../../src/testing/index.ts';

/** The package under test: the real one, or a mutant of it. */
export type WalModule = Pick<typeof wal, 'openWal' | 'WalError'>;

const DIR = '/sim/log';
const PRELUDE_TYPE = 7;

/** How many runs `npm test` makes; the planted bugs must be caught by the same. */
export const SEEDS = 600;

/**
 * What must be true of the log, kept beside it.
 *
 * `written` maps each offset to the text last submitted there. `promised` is the end of what survives a power
 * loss, `kept` of what survives a killed process. `tentative` offsets were given up by WAL_FAILED or a crash:
 * each may have survived, but only as part of an unbroken run.
 */
class Model {
  readonly written = new Map<number, string>();
  readonly atomic: { first: number; last: number }[] = [];
  promised = 0;
  /** Numbers the records of this run, so that a seed gives the same bytes whatever ran before. */
  submitted = 0;
  kept = 0;
  confirmedFirst = 0;
  requestedCut = 0;
  epoch = 0;
  logId = '';

  submit(offset: number, text: string): void {
    // An offset given out again: what was there, and all after it, was rejected by a full disk.
    for (let old = offset; this.written.delete(old); old++);
    while (this.atomic.length > 0 && this.atomic.at(-1)!.last >= offset) this.atomic.pop();
    this.written.set(offset, text);
  }

  rejected(first: number, last: number, text: string): void {
    // The offset may have been given to another record since.
    if (this.written.get(first) !== text) return;
    for (let offset = first; offset <= last; offset++) this.written.delete(offset);
  }

  /** The log was opened and holds [first, next): check it against everything promised. */
  check(log: wal.Wal, texts: Map<number, string>, lost: 'power' | 'process' | 'nothing'): void {
    const floor = lost === 'power' ? this.promised : this.kept;
    assert(
      log.nextOffset >= floor,
      `log ends at ${log.nextOffset}, ${floor} was promised after losing ${lost}`,
    );
    assert(log.firstOffset >= this.confirmedFirst, 'a confirmed truncation came undone');
    assert(log.firstOffset <= this.requestedCut, 'more was truncated than asked for');
    assert(log.epoch > this.epoch, `epoch ${log.epoch} follows ${this.epoch}`);
    if (this.logId) assert.equal(log.logId, this.logId);
    for (let offset = log.firstOffset; offset < log.nextOffset; offset++) {
      assert.equal(texts.get(offset), this.written.get(offset), `record ${offset}`);
    }
    assert.equal(texts.size, log.nextOffset - log.firstOffset, 'records outside the log');
    for (const { first, last } of this.atomic) {
      assert(log.nextOffset <= first || log.nextOffset > last, `atomic batch ${first}..${last} is split`);
    }
    // What the reopened log shows is durable from now on, and what it does not show is gone for good.
    for (const offset of [...this.written.keys()]) if (offset >= log.nextOffset) this.written.delete(offset);
    this.atomic.splice(0, this.atomic.length, ...this.atomic.filter(({ last }) => last < log.nextOffset));
    this.promised = log.nextOffset;
    this.kept = log.nextOffset;
    this.confirmedFirst = log.firstOffset;
    this.epoch = log.epoch;
    this.logId = log.logId;
  }
}

/** What a run did: so that a test can assert that it was worth running. */
export interface RunStatistics {
  opens: number;
  records: number;
  acked: number;
  powerLosses: number;
  kills: number;
  tornTails: number;
  rewrites: number;
  truncations: number;
  poisonings: number;
  noSpace: number;
}

export function emptyStatistics(): RunStatistics {
  return {
    opens: 0,
    records: 0,
    acked: 0,
    powerLosses: 0,
    kills: 0,
    tornTails: 0,
    rewrites: 0,
    truncations: 0,
    poisonings: 0,
    noSpace: 0,
  };
}

/**
 * One log through several lives on a simulated disk: random work, then power loss, kill, failed I/O or a proper close,
 * then everything promised is checked. Throws an AssertionError on the first broken promise.
 */
export async function crashRun(module: WalModule, seed: number, statistics: RunStatistics): Promise<void> {
  const random = new Random(seed);
  const disk = new SimDisk({
    seed: seed ^ 0x5eed,
    shortWrites: random.pick([0, 0.2]),
    writeBack: random.pick([0, 0.3]),
    latencyTurns: random.pick([0, 3]),
    slowOperations: random.pick([0, 0.1]),
  });
  const sync = random.pick<wal.SyncMode>([
    { kind: 'always' },
    { kind: 'always' },
    { kind: 'periodic', intervalMs: 1 },
    { kind: 'none' },
  ]);
  const settings = {
    sync,
    maxFileSizeBytes: random.pick([256, 1024, 3000, 20_000]),
    preallocateBytes: random.pick([0, 600, 2000, 8000]),
    prelude: random.chance(0.5),
  };
  const model = new Model();
  let lost: 'power' | 'process' | 'nothing' = 'nothing';
  const lives = random.integer(2, 6);
  for (let life = 0; life < lives; life++) {
    lost = await new Life(module, disk, random, model, settings, statistics, lost).run();
  }
}

class Life {
  readonly #module: WalModule;
  readonly #disk: SimDisk;
  readonly #random: Random;
  readonly #model: Model;
  readonly #settings: {
    sync: wal.SyncMode;
    maxFileSizeBytes: number;
    preallocateBytes: number;
    prelude: boolean;
  };
  readonly #statistics: RunStatistics;
  readonly #lost: 'power' | 'process' | 'nothing';
  readonly #calls: Promise<unknown>[] = [];
  readonly #followers: Promise<unknown>[] = [];
  /** Timers fire when the run says so, not when time has passed: the same seed gives the same run. */
  readonly #timers: (() => void)[] = [];
  #over = false;
  #unexpected: unknown;

  constructor(
    module: WalModule,
    disk: SimDisk,
    random: Random,
    model: Model,
    settings: { sync: wal.SyncMode; maxFileSizeBytes: number; preallocateBytes: number; prelude: boolean },
    statistics: RunStatistics,
    lost: 'power' | 'process' | 'nothing',
  ) {
    this.#module = module;
    this.#disk = disk;
    this.#random = random;
    this.#model = model;
    this.#settings = settings;
    this.#statistics = statistics;
    this.#lost = lost;
  }

  /** Returns what was lost at its end. */
  async run(): Promise<'power' | 'process' | 'nothing'> {
    const random = this.#random;
    const ending = random.pick([
      'crash soon',
      'crash',
      'kill',
      'close',
      'fault',
      'fault',
      'full disk',
    ] as const);
    // A crash may come while opening: then the next life opens again under the same promises.
    if (ending === 'crash soon') this.#disk.crashAfter(random.integer(1, 60));
    this.#disk.clearFaults();
    const failsToOpen = ending === 'fault' && random.chance(0.3);
    if (failsToOpen) this.#plantFault();
    let log: wal.Wal;
    try {
      log = await this.#open();
    } catch (error) {
      if (failsToOpen && this.#code(error) === 'WAL_IO_ERROR') return this.#lost; // nothing changed: try again
      if (ending !== 'crash soon') throw error;
      assert(isMachineDown(error), `opening failed: ${String(error)}`);
      this.#statistics.powerLosses++;
      return 'power';
    }
    this.#disk.clearFaults();
    this.#statistics.opens++;
    if (log.recovery.tornTail) this.#statistics.tornTails++;
    if (log.recovery.rewrittenBytes > 0) this.#statistics.rewrites++;
    let texts: Map<number, string>;
    try {
      texts = await readAll(log, log.firstOffset);
    } catch (error) {
      assert(isMachineDown(error), `reading failed: ${String(error)}`);
      this.#statistics.powerLosses++;
      return 'power';
    }
    this.#model.check(log, texts, this.#lost);
    if (this.#settings.prelude && log.firstOffset > 0) {
      const first = texts.get(log.firstOffset);
      assert.equal(first, `prelude ${log.firstOffset}`, 'what must outlive a truncation went with it');
    }

    if (ending === 'crash') this.#disk.crashAfter(random.integer(1, 300));
    if (ending === 'fault') this.#plantFault();
    if (ending === 'full disk') this.#disk.setCapacity(this.#disk.usedBytes + random.integer(0, 4000));
    if (random.chance(0.5)) this.#follow(log);
    await this.#work(log);
    this.#disk.setCapacity(Number.POSITIVE_INFINITY);

    const closes = ending === 'close' || ending === 'full disk' || (ending === 'fault' && random.chance(0.7));
    if (closes) {
      const error = await log.close().catch((e: unknown) => e);
      await Promise.all([...this.#calls, ...this.#followers]);
      this.#rethrow();
      if (log.failure) this.#statistics.poisonings++;
      if (error === undefined && !log.failure) {
        // A proper close makes everything durable.
        this.#model.promised = log.nextOffset;
        this.#model.kept = log.nextOffset;
      }
      this.#over = true;
      // After a failure the same machine goes on: pages that read well need not be on disk.
      return log.failure ? 'process' : 'nothing';
    }
    if (ending === 'kill') {
      this.#disk.kill();
      this.#statistics.kills++;
    } else {
      this.#disk.crash();
      this.#statistics.powerLosses++;
    }
    this.#over = true;
    await log.close().catch(() => undefined); // the dead process's calls end
    await Promise.all([...this.#calls, ...this.#followers]);
    this.#rethrow();
    return ending === 'kill' ? 'process' : 'power';
  }

  #open(): Promise<wal.Wal> {
    const { sync, maxFileSizeBytes, prelude } = this.#settings;
    const random = this.#random;
    return this.#module.openWal({
      dir: DIR,
      fs: this.#disk.mount(),
      sync,
      maxFileSizeBytes,
      maxBatchBytes: 4096,
      preallocateBytes: this.#settings.preallocateBytes,
      randomBytes: (length) => random.bytes(length),
      clock: {
        now: () => 1_700_000_000_000 + this.#disk.operations,
        setTimer: (callback) => {
          this.#timers.push(callback);
          return () => this.#timers.splice(this.#timers.indexOf(callback), 1);
        },
      },
      ...(prelude && {
        onRotate: ({ firstOffset }) => {
          const texts = [`prelude ${firstOffset}`, `more prelude ${firstOffset}`];
          for (const [i, text] of texts.entries()) this.#model.submit(firstOffset + i, text);
          this.#model.atomic.push({ first: firstOffset, last: firstOffset + 1 });
          return texts.map((text) => ({ type: PRELUDE_TYPE, payload: Buffer.from(text) }));
        },
      }),
    });
  }

  #plantFault(): void {
    const random = this.#random;
    const operation = random.pick(['write', 'sync', 'sync', 'rename', 'syncDirectory', 'open'] as const);
    this.#disk.failOnce(operation, 'EIO', { after: random.integer(0, 12) });
  }

  async #work(log: wal.Wal): Promise<void> {
    const random = this.#random;
    const steps = random.integer(1, 25);
    for (let step = 0; step < steps; step++) {
      const action = random.next();
      if (action < 0.5) {
        for (let n = random.integer(1, 6); n > 0; n--) this.#append(log);
      } else if (action < 0.65) this.#appendBatch(log);
      else if (action < 0.75) this.#sync(log);
      else if (action < 0.8) this.#track(log.rotate());
      else if (action < 0.88) this.#truncate(log);
      if (random.chance(0.5)) await Promise.all(this.#calls);
      else for (let turns = random.integer(0, 8); turns > 0; turns--) await undefined;
      this.#checkView(log);
      if (random.chance(0.2)) for (const fire of this.#timers.splice(0)) fire();
    }
  }

  /** What a follower was shown is as safe as the mode says: that is part of the promise. */
  #follow(log: wal.Wal): void {
    let next = this.#random.integer(log.firstOffset, log.nextOffset);
    const durable = this.#settings.sync.kind === 'always';
    const follow = async () => {
      for await (const batch of log.read({ from: next, follow: true })) {
        for (const { offset, payload } of batch) {
          assert.equal(offset, next, 'the follower skipped or repeated a record');
          assert.equal(
            Buffer.from(payload).toString(),
            this.#model.written.get(offset),
            `followed record ${offset}`,
          );
          next++;
          this.#acked(next, durable);
        }
      }
    };
    this.#followers.push(follow().catch((error: unknown) => this.#explain(error, 'WAL_TRUNCATED')));
  }

  #append(log: wal.Wal): void {
    this.#statistics.records++;
    const text = `${this.#model.submitted++} ${'.'.repeat(this.#random.pick([0, 3, 40, 200, 900]))}`;
    const call = log.append({ type: 1, payload: Buffer.from(text) });
    const offset = log.nextOffset - 1;
    const stopped = log.failure !== undefined;
    if (!stopped) this.#model.submit(offset, text);
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

  #appendBatch(log: wal.Wal): void {
    const count = this.#random.integer(2, 5);
    const id = this.#model.submitted;
    this.#model.submitted += count;
    this.#statistics.records += count;
    const texts = Array.from(
      { length: count },
      (_, i) => `${id + i} of batch ${'-'.repeat(this.#random.pick([0, 100, 500]))}`,
    );
    const call = log.appendBatch(texts.map((text) => ({ type: 2, payload: Buffer.from(text) })));
    const first = log.nextOffset - count;
    if (log.failure === undefined) {
      for (const [i, text] of texts.entries()) this.#model.submit(first + i, text);
      this.#model.atomic.push({ first, last: first + count - 1 });
    }
    this.#track(
      call.then(
        (ack) => {
          assert.deepEqual([ack.firstOffset, ack.lastOffset], [first, first + count - 1]);
          this.#acked(ack.lastOffset + 1, ack.durable);
        },
        (error: unknown) => this.#notTaken(error, first, first + count - 1, texts[0]!),
      ),
    );
  }

  #sync(log: wal.Wal): void {
    const target = log.nextOffset;
    this.#track(
      log.sync().then((durableOffset) => {
        assert(
          durableOffset >= target - 1,
          `sync() answered ${durableOffset}, ${target - 1} was appended before`,
        );
        this.#acked(durableOffset + 1, true);
      }),
    );
  }

  #truncate(log: wal.Wal): void {
    const all = this.#random.chance(0.4);
    const offset = all ? log.nextOffset : this.#random.integer(log.firstOffset, log.nextOffset);
    this.#model.requestedCut = Math.max(this.#model.requestedCut, offset);
    this.#track(
      log.truncateBefore(offset).then(() => {
        this.#statistics.truncations++;
        if (!this.#over) this.#model.confirmedFirst = Math.max(this.#model.confirmedFirst, log.firstOffset);
      }),
    );
  }

  #acked(next: number, durable: boolean): void {
    this.#statistics.acked++;
    if (durable) this.#model.promised = Math.max(this.#model.promised, next);
    this.#model.kept = Math.max(this.#model.kept, next);
  }

  #notTaken(error: unknown, first: number, last: number, text: string): void {
    if (this.#code(error) === 'WAL_NO_SPACE') {
      this.#statistics.noSpace++;
      this.#model.rejected(first, last, text);
    }
    throw error;
  }

  #checkView(log: wal.Wal): void {
    if (this.#over || log.failure) return;
    this.#model.promised = Math.max(this.#model.promised, log.durableOffset + 1);
  }

  /** Awaits a call in the background; it may fail only in the ways a crash, a fault or a full disk explains. */
  #track(call: Promise<unknown>): void {
    this.#calls.push(call.catch((error: unknown) => this.#explain(error)));
  }

  #explain(error: unknown, ...more: string[]): void {
    const codes = ['WAL_FAILED', 'WAL_NO_SPACE', 'WAL_CLOSED', 'WAL_IO_ERROR', ...more];
    if (!codes.includes(this.#code(error) ?? '')) this.#unexpected ??= error;
  }

  #code(error: unknown): string | undefined {
    return this.#module.WalError.is(error) ? error.code : undefined;
  }

  #rethrow(): void {
    if (this.#unexpected !== undefined) throw this.#unexpected;
  }
}

function isMachineDown(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ((cause as { code?: unknown }).code === 'ESIMCRASH') return true;
  }
  return false;
}

/** Every record, by offset. */
export async function readAll(log: wal.Wal, from: number): Promise<Map<number, string>> {
  const texts = new Map<number, string>();
  for await (const batch of log.read({ from })) {
    for (const { offset, payload } of batch) {
      assert(!texts.has(offset), `record ${offset} was read twice`);
      texts.set(offset, Buffer.from(payload).toString());
    }
  }
  return texts;
}
