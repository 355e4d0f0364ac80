// Whether a commit costs the same however many there were: 5,000 commits to one table with expiry on, by fast append, by
// merge append, and by merge append into smaller manifests. Then, since a machine is not the same after minutes, commits
// 51–100 of new tables and the next 50 of the old one in turn: the growth is taken pair by pair. (Merges come every 99
// commits; there it is commits 51–150 and the next 100, one merge in each.) Fails when the target is missed. Merge append
// as it comes is measured and not judged: by Java's rules a manifest is written anew with each merge until it has 8 MiB.
// The argument is the number of commits.
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type AppendSettings, type CommitBench, openCommitBench } from '../peers/iceberg-commit-loop.ts';
import { writeResult } from '../results.ts';
import {
  type CommitRun,
  type CommitVariant,
  MAX_GROWTH,
  summarizeCommitRun,
} from './iceberg-commits-report.ts';

const COMMITS = 5000;
const WINDOW = 50;
const WARM_UP = 300;
const PAIRS = 9;
const HEAP_EVERY = 500;
const MIB = 2 ** 20;

const commits = commitsWanted();
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function commitsWanted(): number {
  const given = Number(process.argv[2] ?? COMMITS);
  if (Number.isInteger(given) && given >= 4 * WINDOW && given % WINDOW === 0) return given;
  throw new Error(`the size is a multiple of ${WINDOW} from ${4 * WINDOW}, not ${process.argv[2]}`);
}

const variants: Readonly<Record<CommitVariant, Pick<AppendSettings, 'append' | 'properties'>>> = {
  fast: { append: 'fast' },
  'merge-128k': { append: 'merge', properties: { 'commit.manifest.target-size-bytes': String(128 * 1024) } },
  merge: { append: 'merge' },
};
const judged: readonly CommitVariant[] = ['fast', 'merge-128k'];

async function runOne(bench: CommitBench, variant: CommitVariant): Promise<CommitRun> {
  const settings: AppendSettings = {
    ...variants[variant],
    ...{ cache: true, commitsPerExpiry: 50, retained: 100 },
  };
  await (await bench.createTable(`${variant.replace('-', '_')}_warm_up`, settings)).window(WARM_UP);
  const table = await bench.createTable(`${variant.replace('-', '_')}_old`, settings);
  const run: { [K in 'windows' | 'pairs']: CommitRun[K][number][] } = { windows: [], pairs: [] };
  const heapMiB: Record<string, number> = {};
  const look = (at: number) => {
    collectGarbage();
    heapMiB[at] = Math.round((process.memoryUsage().heapUsed / MIB) * 10) / 10;
  };
  for (let done = 0; done < commits; ) {
    run.windows.push(await table.window(WINDOW));
    done += WINDOW;
    if (done % HEAP_EVERY !== 0) continue;
    look(done);
    console.error(`${variant}, ${done}: ${JSON.stringify(run.windows.at(-1))}, heap ${heapMiB[done]} MiB`);
  }
  const compared = variant === 'fast' ? WINDOW : 2 * WINDOW;
  for (let pair = 0; pair < PAIRS; pair += 1) {
    const fresh = await bench.createTable(`${variant.replace('-', '_')}_young_${pair}`, settings);
    await fresh.window(WINDOW);
    run.pairs.push({ young: await fresh.window(compared), old: await table.window(compared) });
  }
  return { variant, ...run, heapMiB, peakRssMiB: Math.round(process.resourceUsage().maxRSS / 1024) };
}

const loadAverageBefore = loadavg();
const runs: CommitRun[] = [];
for (const variant of Object.keys(variants) as CommitVariant[]) {
  const root = await mkdtemp(join(tmpdir(), 'iceberg-commits-'));
  try {
    const bench = await openCommitBench(root);
    runs.push(await runOne(bench, variant));
    await bench.close();
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
const summary = runs.map(summarizeCommitRun);
const fileSystems: Readonly<Record<number, string>> = { 61267: 'ext4', 1481003842: 'xfs', 16914836: 'tmpfs' };
const { type } = await statfs(tmpdir());
const result = {
  fileSystem: fileSystems[type] ?? `0x${type.toString(16)}`,
  ...{ commits, warmUp: WARM_UP, commitsPerWindow: WINDOW, commitsPerExpiry: 50, retained: 100 },
  ...{ target: `≤ ${MAX_GROWTH}`, judged, loadAverage: { before: loadAverageBefore, after: loadavg() } },
  ...{ summary, pairs: runs.flatMap(({ variant, pairs }) => pairs.map((pair) => ({ variant, ...pair }))) },
  windows: runs.flatMap(({ variant, windows }) => windows.map((window) => ({ variant, ...window }))),
};
for (const { variant, growth, reached, youngCpuMs, oldCpuMs } of summary)
  console.log(
    `${variant}: ${youngCpuMs.median} ms of CPU a commit of a young table, ${oldCpuMs.median} ms of the old one: ` +
      `× ${growth.median} (${growth.min}–${growth.max}), ${reached ? 'reached' : `missed ≤ ${MAX_GROWTH}`}`,
  );
console.log(
  commits < COMMITS ? 'A trial: no result is kept.' : await writeResult('soak-iceberg-commits', result),
);
process.exitCode = summary.every(({ variant, reached }) => reached || !judged.includes(variant)) ? 0 : 1;
