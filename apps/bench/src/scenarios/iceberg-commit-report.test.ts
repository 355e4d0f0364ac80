import { expect, test } from 'vitest';
import {
  type CommitCell,
  type CommitContender,
  formatCommits,
  summarizeCommits,
} from './iceberg-commit-report.ts';

/** A window of commits 1–50. */
const cell = (
  contender: CommitContender,
  round: number,
  cpuMsPerCommit: number,
  firstCommit = 1,
): CommitCell => ({
  ...{ contender, round, cpuMsPerCommit, firstCommit, lastCommit: firstCommit + 49 },
  expiryCpuMsPerCommit: 1,
  wallMsPerCommit: 20,
});

test('the ratio to PyIceberg is taken within a round and a window, whatever order the cells ran in', () => {
  const rows = summarizeCommits([
    cell('pyiceberg-fast', 1, 100),
    cell('danube-fast', 0, 10),
    cell('danube-fast', 1, 50),
    cell('danube-fast', 0, 8, 51),
    cell('pyiceberg-fast', 0, 40),
    cell('pyiceberg-fast', 0, 80, 51),
  ]);
  const of = (contender: CommitContender, first: number) =>
    rows.find((row) => row.contender === contender && row.firstCommit === first);
  expect(of('danube-fast', 1)?.ofPeer).toEqual({ median: 0.25, min: 0.25, max: 0.5 });
  expect(of('danube-fast', 51)?.ofPeer).toEqual({ median: 0.1, min: 0.1, max: 0.1 });
  expect(of('pyiceberg-fast', 1)).not.toHaveProperty('ofPeer');
  expect(of('pyiceberg-fast', 1)?.cpuMsPerCommit).toEqual({ median: 40, min: 40, max: 100 });
});

test('a round that a contender missed counts for no ratio, and a contender that never ran has no row', () => {
  const rows = summarizeCommits([
    cell('danube-merge', 1, 30),
    cell('pyiceberg-fast', 0, 10),
    cell('pyiceberg-fast', 1, 20),
  ]);
  expect(rows.map((row) => row.contender)).toEqual(['danube-merge', 'pyiceberg-fast']);
  expect(rows[0]?.ofPeer).toEqual({ median: 1.5, min: 1.5, max: 1.5 });
});

test('the tables have a line for each contender and a column for each window', () => {
  const text = formatCommits(summarizeCommits([cell('danube-fast', 0, 10), cell('danube-fast', 0, 12, 51)]));
  expect(text).toContain('| CPU ms a commit | 1–50 | 51–100 |');
  expect(text).toContain('| danube-fast | 10 (10–10) | 12 (12–12) |');
  expect(text).not.toContain('pyiceberg-fast');
});
