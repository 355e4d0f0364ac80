import type { WalModule } from './log-model.ts';
import { type SuiteOrder, type SuiteReport, suites } from './suites.ts';

const { suite, args, url } = JSON.parse(process.argv[2]!) as SuiteOrder;
const module = (await import(url)) as WalModule;
/** How often the parent hears that something is begun. */
const TELL_EVERY_MS = 100;

async function run(): Promise<SuiteReport> {
  // A mutant may break a promise nobody awaits.
  let stray: unknown;
  process.on('unhandledRejection', (error) => {
    stray ??= error;
  });
  let cases = 0;
  let told = 0;
  const progress = () => {
    cases++;
    const now = Date.now();
    if (now - told >= TELL_EVERY_MS) {
      told = now;
      process.send!({ cases });
    }
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

// The channel alone must not keep a process alive in which a call never settles.
process.channel!.unref();
process.send!(await run(), undefined, undefined, () => process.exit());
