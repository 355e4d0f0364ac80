// `npm run verify:cloud -- s3 --bucket NAME`: runs the conformance suite against a bucket of yours, below a fresh prefix
// that is removed again.
import { cloudArguments, usage } from './cloud-arguments.ts';
import { verifyBucket } from './verify-bucket.ts';

const say = (line: string) => process.stdout.write(`${line}\n`);

const parsed = cloudArguments(process.argv.slice(2));
if (typeof parsed === 'string') {
  say(`${parsed}\n\n${usage}`);
  process.exit(2);
}

/** A signal that comes twice at once, to us and through whoever started us, is one. */
const ONE_SIGNAL_MS = 1000;
const interruption = new AbortController();
let exitCode = 0;
let firstSignalMs = 0;
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.on(signal, () => {
    if (interruption.signal.aborted && performance.now() - firstSignalMs > ONE_SIGNAL_MS) process.exit(code);
    if (interruption.signal.aborted) return;
    firstSignalMs = performance.now();
    exitCode = code;
    interruption.abort();
    say('Interrupted: the case under way ends, then what was put is removed. Once more leaves it there.');
  });
}

const kept = await verifyBucket(parsed, interruption.signal, say);
process.exit(exitCode || (kept ? 0 : 1));
