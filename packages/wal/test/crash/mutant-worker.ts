import { parentPort, workerData } from 'node:worker_threads';
import { crashRun, emptyStatistics, type WalModule } from './crash-driver.ts';
import { flipBits } from './damage-driver.ts';
import { frameOfAnEarlierLife, stateOnlyInTheCache } from './hazard-driver.ts';
import type { Mutant } from './mutants.ts';

/** Runs one suite over one mutant; answers with what noticed the bug, or undefined. */
const { url, suite, seeds } = workerData as { url: string; suite: Mutant['caughtBy']; seeds: number };
const module = (await import(url)) as WalModule;
// A mutant may break a promise nobody awaits.
let stray: unknown;
process.on('unhandledRejection', (error) => {
  stray ??= error;
});

async function run(): Promise<string | undefined> {
  if (suite !== 'crash') {
    try {
      if (suite === 'damage') await flipBits(module, false, false);
      else {
        await frameOfAnEarlierLife(module);
        await stateOnlyInTheCache(module);
      }
    } catch (error) {
      return String(error);
    }
    return undefined;
  }
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      await crashRun(module, seed, emptyStatistics());
    } catch (error) {
      return `seed ${seed}: ${String(error)}`;
    }
    if (stray !== undefined) return `seed ${seed}: ${String(stray)}`;
  }
  return undefined;
}

parentPort!.postMessage({ caught: await run() });
