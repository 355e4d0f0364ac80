// 100,000 crash/recover rounds, one thread a core: random lives of a log (crash-driver.ts) and, for every fourth piece,
// sequences of commands (test/model). Each piece has a seed of its own, printed and kept in the result file with what it
// did; a piece that breaks a promise ends the run and is kept too. The argument is the number of rounds.
import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { countRounds, type RunStatistics } from './crash-driver.ts';
import { SoakResult, soakSize } from './soak-result.ts';
import { runApart } from './suites.ts';

const ROUNDS = 100_000;
/** Logs or command sequences of a piece: about 10,000 rounds, a minute or two. */
const PIECE = 5000;

interface Piece {
  readonly suite: 'crash' | 'model';
  readonly seed: number;
  readonly runs: number;
  readonly seconds: number;
  readonly did?: RunStatistics;
  readonly broken?: string;
}

const size = soakSize(ROUNDS);
const runs = Math.min(PIECE, Math.ceil(size / 8));
const result = new SoakResult<Piece>('wal-crash', size, ROUNDS);
const roundsOf = (pieces: readonly Piece[]) =>
  pieces.reduce((sum, { did }) => sum + (did ? countRounds(did) : 0), 0);
const broken = () => result.pieces.filter((piece) => piece.broken !== undefined);
const began = Date.now();
let begun = result.pieces.length;

function summarize(pieces: readonly Piece[]) {
  const modes: Record<string, { powerLosses: number; kills: number }> = {};
  for (const { did } of pieces) {
    for (const [mode, { powerLosses, kills }] of Object.entries(did?.rounds ?? {})) {
      const sum = modes[mode] ?? { powerLosses: 0, kills: 0 };
      modes[mode] = { powerLosses: sum.powerLosses + powerLosses, kills: sum.kills + kills };
    }
  }
  const seconds = pieces.reduce((sum, piece) => sum + piece.seconds, 0);
  return { rounds: roundsOf(pieces), modes, broken: broken().length, threadSeconds: seconds };
}

async function runPiece(suite: Piece['suite'], seed: number): Promise<Piece> {
  const start = Date.now();
  const seconds = () => Math.round((Date.now() - start) / 1000);
  try {
    const did =
      suite === 'crash'
        ? await runApart('crash', { firstSeed: seed, seeds: runs })
        : await runApart('model', { seed, numRuns: runs });
    return { suite, seed, runs, seconds: seconds(), did };
  } catch (error) {
    return { suite, seed, runs, seconds: seconds(), broken: String(error) };
  }
}

async function work(): Promise<void> {
  while (roundsOf(result.pieces) < size && broken().length === 0) {
    const suite = begun++ % 4 === 3 ? 'model' : 'crash';
    const seed = randomInt(2 ** 31 - PIECE);
    console.error(`piece ${begun}: ${runs} runs of ${suite} from seed ${seed}`);
    result.add(await runPiece(suite, seed), summarize);
    console.error(`  ${roundsOf(result.pieces)} of ${size} rounds`);
  }
}

await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, work));
for (const { suite, seed, broken: what } of broken()) console.log(`${suite} from seed ${seed}: ${what}`);
console.log(
  `${roundsOf(result.pieces)} crash/recover rounds, ${broken().length} broken promises, ` +
    `${Math.round((Date.now() - began) / 1000)} s this time; ${result.file}`,
);
process.exit(broken().length === 0 ? 0 : 1);
