import { strict as assert } from 'node:assert';
import type { SyncMode } from '../../src/index.ts';
import { Random, SimDisk } from '../../src/testing/index.ts';
import { isMachineDown, LogModel, type Lost, type WalModule } from './log-model.ts';
import { type CallCounts, type LogSettings, ObservedLog } from './observed-log.ts';

/** How many runs `npm test` makes; the planted bugs must be caught by the same. */
export const SEEDS = 1200;

/** Crashes that were followed by a recovery and a check of every promise. */
export interface Rounds {
  powerLosses: number;
  kills: number;
}

/** What a run did: so that a test can assert that it was worth running. */
export interface RunStatistics extends CallCounts {
  opens: number;
  tornTails: number;
  rewrites: number;
  poisonings: number;
  readonly rounds: Readonly<Record<SyncMode['kind'], Rounds>>;
}

export function emptyStatistics(): RunStatistics {
  return {
    opens: 0,
    records: 0,
    acked: 0,
    tornTails: 0,
    rewrites: 0,
    truncations: 0,
    poisonings: 0,
    noSpace: 0,
    rounds: {
      always: { powerLosses: 0, kills: 0 },
      periodic: { powerLosses: 0, kills: 0 },
      none: { powerLosses: 0, kills: 0 },
    },
  };
}

/** Crash/recover rounds of all modes. */
export function countRounds({ rounds }: RunStatistics): number {
  return Object.values(rounds).reduce((sum, { powerLosses, kills }) => sum + powerLosses + kills, 0);
}

type Ending = 'crash soon' | 'crash' | 'kill' | 'close' | 'fault' | 'full disk';

const ENDINGS: readonly Ending[] = ['crash soon', 'crash', 'kill', 'close', 'fault', 'fault', 'full disk'];

const FAULTS = [
  'write',
  'sync',
  'sync',
  'rename',
  'syncDirectory',
  'open',
  'read',
  'remove',
  'truncate',
] as const;

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
    slowOperations: random.pick([0, 0.5]),
  });
  const settings: LogSettings = {
    sync: random.pick<SyncMode>([
      { kind: 'always' },
      { kind: 'always' },
      { kind: 'periodic', intervalMs: 1 },
      { kind: 'none' },
    ]),
    maxFileSizeBytes: random.pick([256, 1024, 3000, 20_000]),
    preallocateBytes: random.pick([0, 600, 2000, 8000]),
    prelude: random.chance(0.5),
  };
  const run = new CrashRun(module, disk, random, settings, statistics);
  for (let lives = random.integer(2, 6); lives > 0; lives--) await run.live(random.pick(ENDINGS));
  // So that what the last life left is checked too.
  await run.live('close');
}

class CrashRun {
  readonly #module: WalModule;
  readonly #disk: SimDisk;
  readonly #random: Random;
  readonly #settings: LogSettings;
  readonly #statistics: RunStatistics;
  readonly #model = new LogModel();
  #lost: Lost = 'nothing';

  constructor(
    module: WalModule,
    disk: SimDisk,
    random: Random,
    settings: LogSettings,
    statistics: RunStatistics,
  ) {
    this.#module = module;
    this.#disk = disk;
    this.#random = random;
    this.#settings = settings;
    this.#statistics = statistics;
  }

  async live(ending: Ending): Promise<void> {
    const life = await this.#begin(ending);
    if (!life) return;
    const random = this.#random;
    const disk = this.#disk;
    if (ending === 'crash') disk.crashAfter(random.integer(1, 300));
    if (ending === 'fault') this.#plantFault();
    if (ending === 'full disk') disk.setCapacity(disk.usedBytes + random.integer(0, 4000));
    if (random.chance(0.5)) life.follow(random.integer(life.log.firstOffset, life.log.nextOffset));
    await this.#work(life);
    disk.setCapacity(Number.POSITIVE_INFINITY);
    await this.#end(life, ending);
  }

  /** Opens the log and checks every promise; undefined when a crash or a fault came in between. */
  async #begin(ending: Ending): Promise<ObservedLog | undefined> {
    const random = this.#random;
    const disk = this.#disk;
    // A crash may come while opening: then the next life opens again under the same promises.
    if (ending === 'crash soon') disk.crashAfter(random.integer(1, 60));
    disk.clearFaults();
    const failsToOpen = ending === 'fault' && random.chance(0.3);
    if (failsToOpen) this.#plantFault();
    let life: ObservedLog;
    try {
      life = await ObservedLog.open(
        this.#module,
        disk,
        (length) => random.bytes(length),
        this.#model,
        this.#settings,
        this.#statistics,
      );
      disk.clearFaults();
      await life.check(this.#lost);
    } catch (error) {
      const codes = ['WAL_IO_ERROR', 'WAL_NO_SPACE'];
      const failed = this.#module.WalError.is(error) && codes.includes(error.code);
      if (failsToOpen && failed) return undefined; // nothing changed: try again
      if (ending !== 'crash soon' || !isMachineDown(error)) throw error;
      this.#lost = 'power';
      return undefined;
    }
    this.#count(life);
    return life;
  }

  #count({ log }: ObservedLog): void {
    const rounds = this.#statistics.rounds[this.#settings.sync.kind];
    if (this.#lost === 'power') rounds.powerLosses++;
    if (this.#lost === 'process') rounds.kills++;
    this.#statistics.opens++;
    if (log.recovery.tornTail) this.#statistics.tornTails++;
    if (log.recovery.rewrittenBytes > 0) this.#statistics.rewrites++;
  }

  async #end(life: ObservedLog, ending: Ending): Promise<void> {
    const closes =
      ending === 'close' || ending === 'full disk' || (ending === 'fault' && this.#random.chance(0.7));
    if (closes) {
      this.#lost = await life.close();
      if (this.#lost === 'failure') this.#statistics.poisonings++;
      return;
    }
    this.#lost = ending === 'kill' ? 'process' : 'power';
    if (ending === 'kill') this.#disk.kill();
    else this.#disk.crash();
    await life.abandon();
  }

  #plantFault(): void {
    const random = this.#random;
    const operation = random.pick(FAULTS);
    // A disk can be found full by a sync as well, when it is too late to take the write back.
    const code = random.pick(['EIO', 'EIO', 'ENOSPC']);
    this.#disk.failOnce(operation, code, { after: random.integer(0, 12) });
  }

  async #work(life: ObservedLog): Promise<void> {
    const random = this.#random;
    const { log } = life;
    for (let steps = random.integer(1, 25); steps > 0; steps--) {
      const action = random.next();
      if (action < 0.5) {
        for (let n = random.integer(1, 6); n > 0; n--) life.append(random.pick([0, 3, 40, 200, 900]));
      } else if (action < 0.65) {
        life.appendBatch(Array.from({ length: random.integer(2, 5) }, () => random.pick([0, 100, 500])));
      } else if (action < 0.75) life.sync();
      else if (action < 0.8) life.rotate();
      else if (action < 0.88) {
        life.truncateBefore(
          random.chance(0.4) ? log.nextOffset : random.integer(log.firstOffset, log.nextOffset),
        );
      }
      if (random.chance(0.5)) await life.settle();
      else for (let turns = random.integer(0, 8); turns > 0; turns--) await undefined;
      life.noteDurable();
      if (random.chance(0.2)) life.fireTimers();
    }
  }
}

/** Fails unless it ran into every kind of trouble often, in every mode. */
export function assertWorthRunning(statistics: RunStatistics): void {
  const { rounds, ...counts } = statistics;
  for (const [what, count] of Object.entries(counts)) assert(count >= 20, `only ${count} ${what}`);
  const all = countRounds(statistics);
  for (const [mode, { powerLosses, kills }] of Object.entries(rounds)) {
    const seen = `${powerLosses} power losses and ${kills} kills of ${all} rounds in mode ${mode}`;
    assert(powerLosses > all / 10 && kills > all / 25, seen);
  }
}
