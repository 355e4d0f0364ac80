import { expect, test } from 'vitest';
import type { ContenderName } from '../peers/contenders.ts';
import { type Cell, formatReport, judge, summarize } from './wal-report.ts';

/** A cell of one second at 256 outstanding, 1 KiB, on disk, unless said otherwise. */
const cell = (contender: ContenderName, round: number, messages: number, more: Partial<Cell> = {}): Cell => ({
  medium: 'disk',
  bytes: 1024,
  outstanding: 256,
  round,
  contender,
  result: { messages, seconds: 1, cpuSeconds: 0.5, latencyUs: { p10: 1, p50: 1e6 / messages, p99: 9 } },
  ...more,
});
const failed = (contender: ContenderName, round: number): Cell => {
  const { result: _, ...rest } = cell(contender, round, 1);
  return { ...rest, error: 'did not start' };
};

test('a ratio pairs the rounds, whatever order the cells ran in', () => {
  const cells = [
    cell('danube', 0, 100),
    cell('lmdb', 0, 50),
    cell('lmdb', 1, 10),
    cell('danube', 1, 30),
    cell('danube', 2, 80),
    cell('lmdb', 2, 40),
  ];
  const lmdb = summarize(cells, ['lmdb', 'danube'])[0];
  expect(lmdb).toMatchObject({
    contender: 'lmdb',
    perSecond: { median: 40, min: 10, max: 50 },
    danubeTimes: { median: 2, min: 2, max: 3 },
  });
});

test('a round in which a contender failed counts for none of the two, and all failed is said', () => {
  const cells = [
    failed('danube', 0),
    cell('lmdb', 0, 10),
    failed('nats-always', 0),
    cell('danube', 1, 60),
    cell('lmdb', 1, 20),
    failed('nats-always', 1),
  ];
  const summary = summarize(cells, ['lmdb', 'nats-always', 'danube']);
  expect(summary[0]?.danubeTimes).toEqual({ median: 3, min: 3, max: 3 });
  expect(summary[1]?.perSecond).toBeUndefined();
  expect(formatReport(summary, judge(cells), cells)).toMatch(/nats-always +\| failed/);
});

test('targets are judged by the median, on disk only, each in its own direction', () => {
  const verdicts = judge([
    cell('danube', 0, 90),
    cell('go-group-commit', 0, 100),
    cell('lmdb', 0, 61),
    cell('danube', 0, 10, { medium: 'tmpfs' }),
    cell('go-group-commit', 0, 10, { medium: 'tmpfs' }),
    cell('danube', 0, 100, { outstanding: 1 }),
    cell('c-loop', 0, 149, { outstanding: 1 }),
  ]);
  expect(verdicts.map(({ what, outstanding, reached }) => [what, outstanding, reached])).toEqual([
    ['messages/s ÷ Go group commit', 256, true],
    ['messages/s ÷ lmdb-js', 256, false],
    ['CPU µs a record', 256, false],
    ['p50 ÷ C loop', 1, true],
  ]);
  expect(verdicts[2]?.measured.median).toBeCloseTo(5555.556);
});
