import { parentPort, workerData } from 'node:worker_threads';
import { type RepairModule, repairFlips, repairInterrupted, repairWholeFiles } from './repair-driver.ts';

/** Runs the suites over one copy of the source; answers with what noticed a bug, or undefined. */
const module = (await import(workerData as string)) as RepairModule;

async function run(): Promise<string | undefined> {
  try {
    await repairWholeFiles(module);
    await repairFlips(module, true);
    await repairInterrupted(module);
  } catch (error) {
    return String(error);
  }
  return undefined;
}

parentPort!.postMessage(await run());
