import { parentPort, workerData } from 'node:worker_threads';
import type { WalModule } from './log-model.ts';
import { type SuiteOrder, type SuiteReport, suites } from './suites.ts';

const { suite, args, url, cases } = workerData as SuiteOrder;
const module = (await import(url)) as WalModule;

async function run(): Promise<SuiteReport> {
  // A mutant may break a promise nobody awaits.
  let stray: unknown;
  process.on('unhandledRejection', (error) => {
    stray ??= error;
  });
  const progress = () => {
    Atomics.add(cases, 0, 1);
    if (stray !== undefined) throw stray;
  };
  try {
    // Each suite takes its own arguments: the order pairs them.
    const answer = await (suites[suite] as (m: WalModule, a: unknown, p: () => void) => Promise<never>)(
      module,
      args,
      progress,
    );
    progress();
    return { answer };
  } catch (error) {
    return { broken: inFull(error) };
  }
}

/** fast-check keeps what went wrong in `cause`; the others put it into the message as well. */
function inFull(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  return cause instanceof Error && !message.includes(cause.message)
    ? `${message}\n${inFull(cause)}`
    : message;
}

parentPort!.postMessage(await run());
