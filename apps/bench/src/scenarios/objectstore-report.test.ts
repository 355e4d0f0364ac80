import { expect, test } from 'vitest';
import type { S3Contender } from '../peers/s3-cell.ts';
import { compareS3, formatS3, type S3BenchCell, type S3Group, summarizeS3 } from './objectstore-report.ts';

const putOfMiB: S3Group = { operation: 'put', bytes: 2 ** 20, outstanding: 16 };

/** 100 requests. */
const cell = (
  contender: S3Contender,
  round: number,
  seconds: number,
  more: Partial<S3BenchCell> = {},
): S3BenchCell => ({
  ...{ ...putOfMiB, contender, round },
  result: { requests: 100, seconds, cpuSeconds: seconds / 2, latencyMs: { p50: seconds, p99: 9 } },
  ...more,
});
const failed = { result: undefined as never, error: 'down' };

test('the ratio is ours to the bare SDK’s, taken within a round, whatever order the cells ran in', () => {
  const [comparison, ...others] = compareS3([
    cell('sdk', 1, 3),
    cell('danube', 0, 2),
    cell('danube', 1, 4),
    cell('sdk', 0, 1),
    cell('sdk', 2, 10),
    cell('danube', 2, 5),
  ]);
  expect(others).toEqual([]);
  expect(comparison).toMatchObject({
    ...putOfMiB,
    throughput: { median: 0.75, min: 0.5, max: 2 },
    cpu: { median: 1.333, min: 0.5, max: 2 },
    reached: false,
  });
});

test('0.9 is enough, a hair less is not', () => {
  const reached = (ours: number) => compareS3([cell('danube', 0, ours), cell('sdk', 0, 9)])[0]?.reached;
  expect([reached(10), reached(10.02)]).toEqual([true, false]);
});

test('a round in which one of the two failed counts for no ratio; a group without any has none', () => {
  const cells = [
    cell('danube', 0, 1, failed),
    cell('sdk', 0, 9),
    cell('danube', 1, 2),
    cell('sdk', 1, 1),
    cell('danube', 0, 1, { operation: 'get' }),
    cell('sdk', 0, 1, { ...failed, operation: 'get' }),
  ];
  expect(compareS3(cells).map(({ operation, throughput }) => [operation, throughput.median])).toEqual([
    ['put', 0.5],
  ]);
  expect(summarizeS3(cells).map(({ operation, contender }) => `${operation} ${contender}`)).toEqual([
    ...['put danube', 'put sdk', 'get danube'],
  ]);
});

test('figures are of one request, and groups are kept apart', () => {
  const rows = summarizeS3([
    cell('danube', 0, 2),
    cell('danube', 1, 4),
    cell('danube', 0, 1, { bytes: 1024 }),
    cell('danube', 0, 1, { outstanding: 1 }),
  ]);
  expect(rows).toHaveLength(3);
  expect(rows[0]).toEqual({
    ...putOfMiB,
    contender: 'danube',
    perSecond: { median: 25, min: 25, max: 50 },
    mibPerSecond: { median: 25, min: 25, max: 50 },
    p50Ms: { median: 2, min: 2, max: 4 },
    cpuMsPerRequest: { median: 10, min: 10, max: 20 },
  });
});

test('the table has a line for each comparison, with what was missed', () => {
  const cells = [
    ...[cell('danube', 0, 2), cell('sdk', 0, 1)],
    ...[cell('danube', 0, 1, { bytes: 1024 }), cell('sdk', 0, 1, { bytes: 1024 })],
  ];
  const text = formatS3(summarizeS3(cells), compareS3(cells));
  expect(text).toMatch(/^\| put \| 1 MiB \| 16 \| 50 .*\| 0.5 \(0.5–0.5\) \| missed ≥ 0.9 \|/m);
  expect(text).toMatch(/^\| put \| 1 KiB \| 16 \| .*\| reached \|/m);
});
