import { fork } from 'node:child_process';
import { checkModel, type PropertyParameters } from '../model/log-property.ts';
import { crashRun, emptyStatistics, type RunStatistics } from './crash-driver.ts';
import {
  type Bits,
  cutOtherFiles,
  cutSegments,
  flipOtherFiles,
  flipSegments,
  makeSpecimen,
  type OutcomeCounts,
  type Progress,
  type SpecimenSettings,
  spliceBytes,
  wipeRanges,
} from './damage-driver.ts';
import { frameOfAnEarlierLife, recordsOfAnEarlierFrame, stateOnlyInTheCache } from './hazard-driver.ts';
import type { WalModule } from './log-model.ts';

/** What each suite is given, and what it answers with when no promise was broken. */
interface SuiteTypes {
  crash: { args: { firstSeed: number; seeds: number }; answer: RunStatistics };
  model: { args: PropertyParameters; answer: RunStatistics };
  hazards: { args: null; answer: null };
  flips: { args: SpecimenSettings & { bits: Bits }; answer: OutcomeCounts };
  'other flips': { args: SpecimenSettings & { bits: Bits }; answer: OutcomeCounts };
  cuts: { args: SpecimenSettings; answer: OutcomeCounts };
  'other cuts': { args: SpecimenSettings; answer: OutcomeCounts };
  wipes: { args: SpecimenSettings & { length: number }; answer: OutcomeCounts };
  splices: { args: SpecimenSettings; answer: OutcomeCounts };
}

export type SuiteName = keyof SuiteTypes;
export type SuiteArgs<S extends SuiteName> = SuiteTypes[S]['args'];
export type SuiteAnswer<S extends SuiteName> = SuiteTypes[S]['answer'];

type Suites = {
  readonly [S in SuiteName]: (
    module: WalModule,
    args: SuiteArgs<S>,
    progress: Progress,
  ) => Promise<SuiteAnswer<S>>;
};

/** The suites, for any copy of the package: the tests give them the real one, the mutants theirs, the soak more of it. */
export const suites: Suites = {
  async crash(module, { firstSeed, seeds }, progress) {
    const statistics = emptyStatistics();
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
      progress();
      try {
        await crashRun(module, seed, statistics);
      } catch (error) {
        throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
      }
    }
    return statistics;
  },
  model: checkModel,
  async hazards(module, _, progress) {
    progress();
    await frameOfAnEarlierLife(module);
    await recordsOfAnEarlierFrame(module);
    await stateOnlyInTheCache(module, progress);
    return null;
  },
  async flips(module, { bits, ...settings }, progress) {
    return flipSegments(module, await makeSpecimen(module, settings), bits, progress);
  },
  async 'other flips'(module, { bits, ...settings }, progress) {
    return flipOtherFiles(module, await makeSpecimen(module, settings), bits, progress);
  },
  async cuts(module, settings, progress) {
    return cutSegments(module, await makeSpecimen(module, settings), progress);
  },
  async 'other cuts'(module, settings, progress) {
    return cutOtherFiles(module, await makeSpecimen(module, settings), progress);
  },
  async wipes(module, { length, ...settings }, progress) {
    return wipeRanges(module, await makeSpecimen(module, settings), length, progress);
  },
  async splices(module, settings, progress) {
    return spliceBytes(module, await makeSpecimen(module, settings), progress);
  },
};

/** What the process of a suite is started with, as JSON. */
export interface SuiteOrder<S extends SuiteName = SuiteName> {
  readonly suite: S;
  readonly args: SuiteArgs<S>;
  /** Where the copy of the package is. */
  readonly url: string;
}

/** What it answers with, after telling now and then how many cases it has begun. */
export type SuiteReport<S extends SuiteName = SuiteName> =
  | { readonly answer: SuiteAnswer<S> }
  | { readonly broken: string };

/**
 * Runs a suite in a process of its own, which a bug may hang or crash. Rejects with what was broken; with "endless" when
 * nothing is begun for `stallMs` (a case takes milliseconds).
 */
export async function runApart<S extends SuiteName>(
  suite: S,
  args: SuiteArgs<S>,
  { url = new URL('../../src/index.ts', import.meta.url).href, stallMs = 15_000 } = {},
): Promise<SuiteAnswer<S>> {
  const order: SuiteOrder<S> = { suite, args, url };
  const child = fork(new URL('./suite-process.ts', import.meta.url), [JSON.stringify(order)], {
    execArgv: [],
  });
  let [cases, seen] = [0, -1];
  let watch: NodeJS.Timeout | undefined;
  try {
    const report = await new Promise<SuiteReport<S>>((resolve, reject) => {
      child.on('message', (message: { readonly cases: number } | SuiteReport<S>) => {
        if ('cases' in message) cases = message.cases;
        else resolve(message);
      });
      child.once('error', reject);
      // Without an answer it ended because nothing was left to do, or crashed.
      child.once('exit', (_, signal) => resolve({ broken: signal ?? 'a call never settled' }));
      watch = setInterval(() => {
        if (cases === seen) resolve({ broken: `endless: case ${cases} of ${suite}` });
        seen = cases;
      }, stallMs);
    });
    if ('broken' in report) throw new Error(report.broken);
    return report.answer;
  } finally {
    clearInterval(watch);
    child.kill('SIGKILL');
  }
}
