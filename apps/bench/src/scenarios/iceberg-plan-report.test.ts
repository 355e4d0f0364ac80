import { expect, test } from 'vitest';
import {
  findPlanFailures,
  formatPlans,
  type PlanCell,
  type PlanContender,
  summarizePlans,
} from './iceberg-plan-report.ts';

/** A plan of all of 100 files, unless said otherwise. */
const cell = (
  contender: PlanContender,
  round: number,
  cpuMs: number[],
  more: Partial<PlanCell> = {},
): PlanCell => ({
  ...{ round, shape: 'manifests_1', query: 'all', contender },
  result: {
    ...{ files: 100, cpuMs, wallMs: cpuMs, peakRssBytes: 100 * 2 ** 20 },
    ...(contender === 'danube' && { peakHeapBytes: 20 * 2 ** 20 }),
  },
  ...more,
});

test('the first plan of a process counts apart, the ratio pairs the rounds', () => {
  const rows = summarizePlans(
    [
      cell('pyiceberg', 1, [900, 80, 60, 70]),
      cell('danube', 0, [50, 10, 20, 15]),
      cell('pyiceberg', 0, [500, 30, 30, 30]),
      cell('danube', 1, [70, 10, 10, 10]),
    ],
    100,
  );
  const ours = rows.find(({ contender }) => contender === 'danube');
  expect(ours).toMatchObject({
    cpuMs: { median: 10, min: 10, max: 15 },
    firstCpuMs: { median: 50, min: 50, max: 70 },
    tableFilesPerCpuSecond: { median: 6667, min: 6667, max: 10_000 },
    peakHeapMiB: { median: 20 },
    pyicebergTimes: { median: 2, min: 2, max: 7 },
  });
  expect(rows.find(({ contender }) => contender === 'pyiceberg')).not.toHaveProperty('peakHeapMiB');
});

test('a process that ran out of heap and a plan with too few files are failures by name', () => {
  const dead: PlanCell = {
    ...{ round: 1, shape: 'manifests_1', query: 'offset', contender: 'danube' },
    error: 'ended with 134',
  };
  const failures = findPlanFailures([cell('danube', 0, [1]), cell('pyiceberg', 0, [1]), dead], (query) =>
    query === 'all' ? 101 : 1,
  );
  expect(failures).toEqual([
    'round 1, manifests_1, all, danube: 100 files instead of 101',
    'round 1, manifests_1, all, pyiceberg: 100 files instead of 101',
    'round 2, manifests_1, offset, danube: ended with 134',
  ]);
  expect(summarizePlans([dead], 100)).toEqual([]);
});

test('the table has a line for each row, with nothing where a contender has no figure', () => {
  const text = formatPlans(summarizePlans([cell('pyiceberg', 0, [5])], 100));
  expect(text.split('\n')).toHaveLength(3);
  expect(text).toContain(
    '| manifests_1 | all | pyiceberg | 100 | 5 (5–5) | 5 (5–5) | 20000 (20000–20000) |  |',
  );
});
