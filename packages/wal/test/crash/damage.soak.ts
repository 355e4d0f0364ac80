// A log of three segments and 16 KiB: every single-bit flip of every file, every truncation point, zeros from every byte
// on, wiped and spliced ranges; closed and killed, in all modes. The argument is the size of the log in bytes.
import { availableParallelism } from 'node:os';
import type { OutcomeCounts, SpecimenSettings } from './damage-driver.ts';
import { SoakResult, soakSize } from './soak-result.ts';
import { runApart } from './suites.ts';

const BYTES = 16 * 1024;

interface Piece {
  readonly what: string;
  readonly seconds: number;
  readonly counts?: OutcomeCounts;
  readonly broken?: string;
}

const maxBytes = soakSize(BYTES);
const result = new SoakResult<Piece>('wal-damage', maxBytes, BYTES);
const bits = 'every bit';
const log = (sync: SpecimenSettings['sync'], closed: boolean) => ({ sync, closed, maxBytes });
const logs: [string, SpecimenSettings][] = [
  ['killed, always', log('always', false)],
  ['killed, periodic', log('periodic', false)],
  ['killed, none', log('none', false)],
  ['closed', log('always', true)],
];
const jobs: [string, () => Promise<OutcomeCounts>][] = logs.flatMap(
  ([name, settings]): [string, () => Promise<OutcomeCounts>][] => [
    [`every single-bit flip of the segments: ${name}`, () => runApart('flips', { ...settings, bits })],
    [`every cut and zeros to the end: ${name}`, () => runApart('cuts', settings)],
    [`512 bytes wiped: ${name}`, () => runApart('wipes', { ...settings, length: 512 })],
    [`4096 bytes wiped: ${name}`, () => runApart('wipes', { ...settings, length: 4096 })],
  ],
);
jobs.push(
  [
    'every single-bit flip of VERSION and state: killed',
    () => runApart('other flips', { ...log('always', false), bits }),
  ],
  [
    'every single-bit flip of VERSION and state: closed',
    () => runApart('other flips', { ...log('always', true), bits }),
  ],
  ['every cut of VERSION and state: killed', () => runApart('other cuts', log('always', false))],
  ['every cut of VERSION and state: closed', () => runApart('other cuts', log('always', true))],
  ['bytes cut out or repeated: closed', () => runApart('splices', log('always', true))],
);

function summarize(pieces: readonly Piece[]) {
  const counts: Record<string, number> = {};
  for (const piece of pieces) {
    for (const [outcome, count] of Object.entries(piece.counts ?? {})) {
      counts[outcome] = (counts[outcome] ?? 0) + count;
    }
  }
  const cases = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return { cases, counts, broken: pieces.filter((piece) => piece.broken !== undefined).length };
}

const waiting = jobs.filter(([what]) => !result.pieces.some((piece) => piece.what === what));

async function work(): Promise<void> {
  for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
    const [what, run] = job;
    const start = Date.now();
    const seconds = () => Math.round((Date.now() - start) / 1000);
    try {
      const counts = await run();
      result.add({ what, seconds: seconds(), counts }, summarize);
    } catch (error) {
      result.add({ what, seconds: seconds(), broken: String(error) }, summarize);
    }
    const done = result.pieces.at(-1)!;
    console.error(`${what}: ${done.broken ?? JSON.stringify(done.counts)}, ${done.seconds} s`);
  }
}

await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, work));
const { cases, counts, broken } = summarize(result.pieces);
console.log(
  `${cases} damaged logs: ${JSON.stringify(counts)}, ${broken} jobs met a broken promise; ${result.file}`,
);
process.exit(broken === 0 ? 0 : 1);
