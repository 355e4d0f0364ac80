import type { PlanResult } from '../peers/iceberg-plan-driver.ts';
import type { QueryName, Shape } from '../peers/iceberg-plan-queries.ts';
import { ratioOfRounds, round, type Spread, spread } from '../statistics.ts';

export const planContenders = ['danube', 'pyiceberg'] as const;
export type PlanContender = (typeof planContenders)[number];

/** One process: a query planned several times. Without a result it failed, and `error` says how. */
export interface PlanCell {
  readonly round: number;
  readonly shape: Shape;
  readonly query: QueryName;
  readonly contender: PlanContender;
  readonly result?: PlanResult;
  readonly error?: string;
}

export interface PlanRow {
  readonly shape: Shape;
  readonly query: QueryName;
  readonly contender: PlanContender;
  /** In the plan. */
  readonly files: number;
  /** Of one plan once the process is warm. */
  readonly cpuMs: Spread;
  readonly wallMs: Spread;
  /** Of the first plan of a process. */
  readonly firstCpuMs: Spread;
  /** Data files of the table for each second of CPU. */
  readonly tableFilesPerCpuSecond: Spread;
  readonly peakRssMiB: Spread;
  readonly peakHeapMiB?: Spread;
  /** PyIceberg's CPU ÷ ours, round by round; on our rows. */
  readonly pyicebergTimes?: Spread;
}

const MIB = 2 ** 20;
const rounded = ({ median, min, max }: Spread, digits: number): Spread => ({
  median: round(median, digits),
  min: round(min, digits),
  max: round(max, digits),
});

/** The middle one of the plans after the first, which pays for compilation and cold caches. */
const warm = (times: readonly number[]) => spread(times.length > 1 ? times.slice(1) : times).median;
const warmCpu = (cell: PlanCell | undefined) => cell?.result && warm(cell.result.cpuMs);

/** Medians with minimum and maximum over the rounds; contenders that failed in all of them have no row. */
export function summarizePlans(cells: readonly PlanCell[], tableFiles: number): PlanRow[] {
  const groups = new Map(cells.map(({ shape, query }) => [`${shape} ${query}`, { shape, query }]));
  return [...groups.values()].flatMap(({ shape, query }) =>
    planContenders.flatMap((contender) => {
      const byRound = (of: PlanContender) =>
        cells
          .filter((cell) => cell.shape === shape && cell.query === query && cell.contender === of)
          .sort((left, right) => left.round - right.round);
      const own = byRound(contender);
      const results = own.flatMap(({ result }) => (result === undefined ? [] : [result]));
      if (results.length === 0) return [];
      const spreadOf = (figure: (result: PlanResult) => number, digits: number) =>
        rounded(spread(results.map(figure)), digits);
      const times = ratioOfRounds(byRound('pyiceberg').map(warmCpu), own.map(warmCpu));
      return [
        {
          ...{ shape, query, contender, files: results[0]!.files },
          cpuMs: spreadOf(({ cpuMs }) => warm(cpuMs), 1),
          wallMs: spreadOf(({ wallMs }) => warm(wallMs), 1),
          firstCpuMs: spreadOf(({ cpuMs }) => cpuMs[0]!, 1),
          tableFilesPerCpuSecond: spreadOf(({ cpuMs }) => (tableFiles * 1000) / warm(cpuMs), 0),
          peakRssMiB: spreadOf(({ peakRssBytes }) => peakRssBytes / MIB, 0),
          ...(results[0]!.peakHeapBytes !== undefined && {
            peakHeapMiB: spreadOf(({ peakHeapBytes = 0 }) => peakHeapBytes / MIB, 1),
          }),
          ...(contender === 'danube' && times !== undefined && { pyicebergTimes: rounded(times, 2) }),
        },
      ];
    }),
  );
}

/** What makes a run one that failed: processes that ended badly (out of heap, for one) and plans that are wrong. */
export function findPlanFailures(
  cells: readonly PlanCell[],
  expected: (query: QueryName) => number,
): readonly string[] {
  return cells.flatMap(({ round: index, shape, query, contender, result, error }) => {
    const what = `round ${index + 1}, ${shape}, ${query}, ${contender}`;
    if (result === undefined) return [`${what}: ${error ?? 'no result'}`];
    if (result.files === expected(query)) return [];
    return [`${what}: ${result.files} files instead of ${expected(query)}`];
  });
}

/** A table in Markdown. */
export function formatPlans(rows: readonly PlanRow[]): string {
  const shown = (value: Spread | undefined) => (value ? `${value.median} (${value.min}–${value.max})` : '');
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const head = ['table', 'query', 'contender', 'files', 'CPU ms', 'first CPU ms', 'table files/CPU s'];
  const memory = ['peak heap MiB', 'peak RSS MiB', 'PyIceberg CPU ÷ ours'];
  return [
    line([...head, ...memory]),
    line([...head, ...memory].map(() => '---')),
    ...rows.map((row) =>
      line([
        ...[row.shape, row.query, row.contender, String(row.files), shown(row.cpuMs), shown(row.firstCpuMs)],
        ...[shown(row.tableFilesPerCpuSecond), shown(row.peakHeapMiB), shown(row.peakRssMiB)],
        shown(row.pyicebergTimes),
      ]),
    ),
  ].join('\n');
}
