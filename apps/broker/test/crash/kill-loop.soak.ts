// 200 kills in chunks of 20, each chunk with a data directory and seed of its own, judged by PyIceberg and DuckDB.
// A chunk in which a busy machine acknowledged fewer than 1,000 messages a second is judged and kept like any other,
// and one more is run.
// Finished chunks are kept in the result file, so that a run that was interrupted goes on where it stopped.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readTable } from '../interop/judges.ts';
import { runKillLoop, TOPIC } from './kill-loop.ts';
import { identify } from './message-stream.ts';
import { findViolations } from './oracle.ts';

const CHUNKS = 10;
const MAX_CHUNKS = 20;
const WANTED_PER_SECOND = 1000;
const ROUNDS = 20;
const RESULT = fileURLToPath(new URL('../../../bench/results/soak-kill-loop.json', import.meta.url));

interface Chunk {
  readonly seed: number;
  readonly acked: number;
  readonly sent: number;
  readonly rows: number;
  readonly ackedPerSecond: number;
  readonly hits: Readonly<Record<string, number>>;
  readonly readersAgree: boolean;
  readonly violations: readonly string[];
  readonly seconds: number;
}

interface Result {
  readonly part: 'kill-loop';
  readonly commit: string;
  readonly date: string;
  readonly node: string;
  readonly chunks: readonly Chunk[];
}

async function runChunk(seed: number): Promise<Chunk> {
  const dataDir = await mkdtemp(join(tmpdir(), 'danube-kill-'));
  const began = Date.now();
  const result = await runKillLoop({
    dataDir,
    rounds: ROUNDS,
    seed,
    onRound: (line) => console.error(`  ${line}`),
  });
  const { readers, rows } = await readTable(join(dataDir, 'data'), TOPIC);
  const table = rows.map(({ offset, payload }) => ({
    offset,
    id: identify(seed, Buffer.from(payload, 'base64')),
  }));
  const violations = [...result.violations, ...findViolations({ ...result, table })];
  // A broken run is kept for whoever looks into it.
  if (violations.length === 0) await rm(dataDir, { recursive: true });
  else console.error(`kept for inspection: ${dataDir}`);
  return {
    seed,
    acked: result.acked.size,
    sent: result.sent.size,
    rows: rows.length,
    ackedPerSecond: result.ackedPerSecond,
    hits: result.hits,
    readersAgree: new Set(Object.values(readers).map((seen) => JSON.stringify(seen))).size === 1,
    violations,
    seconds: Math.round((Date.now() - began) / 1000),
  };
}

const commit = execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim();
const before = existsSync(RESULT) ? (JSON.parse(await readFile(RESULT, 'utf8')) as Result) : undefined;
const chunks: Chunk[] = before?.commit === commit ? [...before.chunks] : [];
const atRate = () => chunks.filter(({ ackedPerSecond }) => ackedPerSecond >= WANTED_PER_SECOND).length;
while (atRate() < CHUNKS && chunks.length < MAX_CHUNKS) {
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.error(`chunk ${chunks.length + 1} (${atRate()} of ${CHUNKS} at the rate wanted), seed ${seed}`);
  chunks.push(await runChunk(seed));
  const result: Result = {
    part: 'kill-loop',
    commit,
    date: new Date().toISOString(),
    node: process.version,
    chunks,
  };
  await mkdir(dirname(RESULT), { recursive: true });
  await writeFile(RESULT, `${JSON.stringify(result, null, 2)}\n`);
}
const broken = chunks.filter(({ violations, readersAgree }) => violations.length > 0 || !readersAgree);
const kills = chunks.length * ROUNDS;
const acked = chunks.reduce((sum, chunk) => sum + chunk.acked, 0);
console.log(
  `${kills} kills (${atRate() * ROUNDS} at ≥ ${WANTED_PER_SECOND} messages a second), ${acked} messages ` +
    `acknowledged, ${broken.length} of ${chunks.length} chunks broke a promise`,
);
process.exit(broken.length === 0 && atRate() >= CHUNKS ? 0 : 1);
