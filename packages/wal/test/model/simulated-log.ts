import { strict as assert } from 'node:assert';
import { Random, SimDisk } from '../../src/testing/index.ts';
import type { RunStatistics } from '../crash/crash-driver.ts';
import { damaged, examine, flipped, judge, type Specimen } from '../crash/damage-driver.ts';
import { segmentPaths, verdictOnFlip } from '../crash/log-layout.ts';
import { isMachineDown, LogModel, type Lost, readAll, type WalModule } from '../crash/log-model.ts';
import { LOG_DIR, type LogSettings, ObservedLog } from '../crash/observed-log.ts';

/** Everything a run depends on besides its commands. */
export interface RunSettings extends LogSettings {
  readonly seed: number;
  readonly shortWrites: number;
  readonly writeBack: number;
  readonly latencyTurns: number;
  readonly slowOperations: number;
}

/** The log under test on its disk: always open between two commands. */
export class SimulatedLog {
  readonly model = new LogModel();
  readonly disk: SimDisk;
  readonly statistics: RunStatistics;
  readonly #module: WalModule;
  readonly #settings: RunSettings;
  readonly #random: Random;
  #life!: ObservedLog;

  private constructor(module: WalModule, settings: RunSettings, statistics: RunStatistics) {
    this.#module = module;
    this.#settings = settings;
    this.statistics = statistics;
    this.#random = new Random(settings.seed);
    this.disk = new SimDisk(settings);
  }

  static async open(
    module: WalModule,
    settings: RunSettings,
    statistics: RunStatistics,
  ): Promise<SimulatedLog> {
    const log = new SimulatedLog(module, settings, statistics);
    await log.#open('nothing');
    return log;
  }

  /** The life that is running. */
  get life(): ObservedLog {
    return this.#life;
  }

  /** Closes, then opens and checks. */
  async reopen(): Promise<void> {
    const lost = await this.#life.close();
    assert.equal(lost, 'nothing', 'the log failed without a fault');
    await this.#open(lost);
  }

  /**
   * Power fails `after` operations from now, while what was asked for is still under way, and then `openings.length`
   * times more while opening, each after so many operations.
   */
  async powerLoss(after: number, openings: readonly number[]): Promise<void> {
    if (after > 0) {
      this.disk.crashAfter(after);
      await this.#life.settle();
    }
    this.disk.crash();
    await this.#life.abandon();
    for (const operations of openings) {
      this.disk.crashAfter(operations);
      try {
        await this.#open('power');
        this.disk.crash();
        await this.#life.abandon();
      } catch (error) {
        if (!isMachineDown(error)) throw error;
      }
    }
    await this.#open('power');
  }

  /** The process dies `turns` turns of the microtask queue from now; then opens and checks. */
  async kill(turns: number): Promise<void> {
    await this.#die(turns);
    await this.#open('process');
  }

  /**
   * The log ends; a copy of its files with one bit flipped is opened: what happens is what the format demands. Then the
   * log itself, in which the flip never was, is opened whole.
   */
  async flip(ending: 'close' | 'kill', place: number, bit: number): Promise<void> {
    let lost: Lost = 'process';
    if (ending === 'kill') await this.#die(0);
    else lost = await this.#life.close();
    const files = new Map(this.disk.paths().map((path) => [path, this.disk.contents(path)]));
    const specimen = await this.#specimenOf(files);
    const [path, byte] = pickByte(files, place);
    const bytes = files.get(path)!;
    await judge(
      this.#module,
      specimen,
      damaged(specimen, [[path, flipped(bytes, byte, bit)]]),
      verdictOnFlip(files, path, byte),
      { path, byte },
    );
    await this.#open(lost);
  }

  async end(): Promise<void> {
    await this.reopen();
    await this.#life.close();
  }

  async #die(turns: number): Promise<void> {
    for (let turn = 0; turn < turns; turn++) await undefined;
    this.disk.kill();
    await this.#life.abandon();
  }

  async #open(lost: Lost): Promise<void> {
    const life = await ObservedLog.open(
      this.#module,
      this.disk,
      (length) => this.#random.bytes(length),
      this.model,
      this.#settings,
      this.statistics,
    );
    await life.check(lost);
    this.#life = life;
    const { log } = life;
    const rounds = this.statistics.rounds[this.#settings.sync.kind];
    if (lost === 'power') rounds.powerLosses++;
    if (lost === 'process') rounds.kills++;
    this.statistics.opens++;
    if (log.recovery.tornTail) this.statistics.tornTails++;
    if (log.recovery.rewrittenBytes > 0) this.statistics.rewrites++;
  }

  /** What the undamaged files hold, found by opening a copy of them. */
  async #specimenOf(files: ReadonlyMap<string, Buffer>): Promise<Specimen> {
    const copy = new SimDisk({ seed: 1 });
    for (const [path, bytes] of files) copy.plant(path, bytes);
    copy.crashAfter(10_000); // an endless loop ends
    const log = await this.#module.openWal({ dir: LOG_DIR, fs: copy.mount() });
    const texts = await readAll(log, log.firstOffset);
    const { firstOffset } = log;
    await log.close();
    const specimen = { files, firstOffset, texts, segments: segmentPaths(files) };
    await examine(this.#module, specimen, files);
    return specimen;
  }
}

/** The byte that `place` falls on: segments weigh as much as all other files, which would drown them. */
function pickByte(files: ReadonlyMap<string, Buffer>, place: number): [string, number] {
  const paths = [...files.keys()].filter((path) => files.get(path)!.length > 0 && !path.endsWith('.tmp'));
  const segments = paths.filter((path) => path.endsWith('.wal'));
  const others = paths.filter((path) => !path.endsWith('.wal'));
  let chosen = place % 8 === 0 ? others : segments;
  if (chosen.length === 0) chosen = paths;
  const total = chosen.reduce((sum, path) => sum + files.get(path)!.length, 0);
  let byte = Math.floor(place / 8) % total;
  for (const path of chosen) {
    const { length } = files.get(path)!;
    if (byte < length) return [path, byte];
    byte -= length;
  }
  throw new Error('unreachable');
}
