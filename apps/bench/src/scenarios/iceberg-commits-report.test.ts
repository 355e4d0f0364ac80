import { expect, test } from 'vitest';
import type { CommitWindow } from '../peers/iceberg-commit-loop.ts';
import { type CommitRun, summarizeCommitRun } from './iceberg-commits-report.ts';

const window = (firstCommit: number, cpuMsPerCommit: number, bytes = 1000): CommitWindow => ({
  ...{ firstCommit, lastCommit: firstCommit + 49, cpuMsPerCommit, bytesWrittenPerCommit: bytes },
  ...{ expiryCpuMsPerCommit: 1, wallMsPerCommit: 50 },
});
const run = (pairs: readonly [young: number, old: number][]): CommitRun => ({
  variant: 'fast',
  windows: [window(1, 99), window(51, 10), window(101, 30), window(151, 15)],
  pairs: pairs.map(([young, old]) => ({ young: window(51, young, 1000), old: window(201, old, 3000) })),
  heapMiB: { 200: 12 },
  peakRssMiB: 100,
});

test('growth is taken within each pair, and judged by the median', () => {
  const loud: [number, number][] = [
    [10, 12],
    [40, 44],
    [20, 30],
  ];
  expect(summarizeCommitRun(run(loud))).toMatchObject({
    growth: { median: 1.2, min: 1.1, max: 1.5 },
    reached: true,
    youngCpuMs: { median: 20, min: 10, max: 40 },
    bytesWrittenPerCommit: { young: 1000, old: 3000 },
  });
  expect(summarizeCommitRun(run([[10, 12.1]])).reached).toBe(false);
});

test("the run's own growth is that of its last window over its second", () => {
  expect(summarizeCommitRun(run([[1, 1]])).growthOfRun).toBe(1.5);
});
