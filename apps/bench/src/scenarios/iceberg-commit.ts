// What a commit costs, as a table grows from nothing to 250 commits, next to PyIceberg: every contender a process of its
// own with a fresh warehouse, one directly after the other, round after round.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { CommitSettings, CommitWindow } from '../peers/iceberg-commit-loop.ts';
import { describeTable } from '../peers/iceberg-table-json.ts';
import { judgesPython } from '../peers/python.ts';
import { resultsDir, writeResult } from '../results.ts';
import {
  type CommitCell,
  type CommitContender,
  commitContenders,
  formatCommits,
  peer,
  summarizeCommits,
} from './iceberg-commit-report.ts';

const exec = promisify(execFile);

const common: Omit<CommitSettings, 'append' | 'cache'> = {
  commits: 250,
  warmUp: 50,
  commitsPerWindow: 50,
  commitsPerExpiry: 50,
  retained: 100,
};
const ours: Readonly<
  Record<Exclude<CommitContender, typeof peer>, Pick<CommitSettings, 'append' | 'cache'>>
> = {
  'danube-fast': { append: 'fast', cache: true },
  'danube-fast-no-cache': { append: 'fast', cache: false },
  'danube-merge': { append: 'merge', cache: true },
};

/** PyIceberg's driver says its versions, too. */
interface PeerResult {
  readonly version: string;
  readonly python: string;
  readonly windows: readonly CommitWindow[];
}

export async function icebergCommit(options: { rounds: number }): Promise<void> {
  const python = await judgesPython();
  await mkdir(resultsDir, { recursive: true });
  const workDir = await mkdtemp(join(resultsDir, '.work-'));
  const table = join(workDir, 'table.json');
  const cells: CommitCell[] = [];
  const versions: Record<string, string> = { node: process.version };
  const loadAverageBefore = loadavg();
  const run = async (contender: CommitContender): Promise<readonly CommitWindow[]> => {
    const root = join(workDir, contender);
    await mkdir(root);
    try {
      if (contender !== peer) {
        const driver = fileURLToPath(new URL('./iceberg-commit-driver.js', import.meta.url));
        const settings = JSON.stringify({ ...common, ...ours[contender] });
        const { stdout } = await exec(process.execPath, [
          '--disable-warning=ExperimentalWarning',
          driver,
          root,
          settings,
        ]);
        return JSON.parse(stdout) as CommitWindow[];
      }
      const driver = fileURLToPath(new URL('../src/peers/iceberg_commit.py', import.meta.url));
      const { stdout } = await exec(python, [driver, root, JSON.stringify({ ...common, table })]);
      const result = JSON.parse(stdout) as PeerResult;
      Object.assign(versions, { pyiceberg: result.version, python: result.python });
      return result.windows;
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  };
  try {
    await writeFile(table, JSON.stringify(describeTable(common.commits)));
    for (let round = 0; round < options.rounds; round += 1) {
      // Each round begins with another contender, so that a noisy minute does not always hit the same one.
      const first = round % commitContenders.length;
      for (const contender of [...commitContenders.slice(first), ...commitContenders.slice(0, first)])
        cells.push(...(await run(contender)).map((window) => ({ round, contender, ...window })));
      console.error(`round ${round + 1} of ${options.rounds} done`);
    }
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
  const summary = summarizeCommits(cells);
  console.log(formatCommits(summary));
  const loadAverage = { before: loadAverageBefore, after: loadavg() };
  const file = await writeResult('iceberg-commit', {
    ...{ ...options, settings: common, versions, loadAverage, summary, cells },
  });
  console.log(`raw figures: ${file}`);
}
