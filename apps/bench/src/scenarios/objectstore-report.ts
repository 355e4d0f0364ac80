import { type S3Contender, type S3Operation, type S3Result, s3Contenders } from '../peers/s3-cell.ts';
import { ratioOfRounds, round, type Spread, spread } from '../statistics.ts';

/** What our store must reach of the bare SDK's throughput. */
export const LEAST_OF_SDK = 0.9;

/** What both contenders of one comparison share. */
export interface S3Group {
  readonly operation: S3Operation;
  readonly bytes: number;
  readonly outstanding: number;
}

/** One contender's run; without a result it failed, and `error` says how. */
export interface S3BenchCell extends S3Group {
  readonly round: number;
  readonly contender: S3Contender;
  readonly result?: S3Result;
  readonly error?: string;
}

export interface S3Row extends S3Group {
  readonly contender: S3Contender;
  readonly perSecond: Spread;
  readonly mibPerSecond: Spread;
  readonly p50Ms: Spread;
  readonly cpuMsPerRequest: Spread;
}

export interface S3Comparison extends S3Group {
  /** Requests a second of our store ÷ those of the bare SDK, round by round. */
  readonly throughput: Spread;
  /** CPU a request, likewise. */
  readonly cpu: Spread;
  /** By the median. */
  readonly reached: boolean;
}

type Figure = (result: S3Result, group: S3Group) => number;
const perSecond: Figure = ({ requests, seconds }) => requests / seconds;
const mibPerSecond: Figure = (result, group) => (perSecond(result, group) * group.bytes) / 2 ** 20;
const p50Ms: Figure = ({ latencyMs }) => latencyMs.p50;
const cpuMsPerRequest: Figure = ({ cpuSeconds, requests }) => (cpuSeconds * 1000) / requests;

const rounded = ({ median, min, max }: Spread): Spread => ({
  median: round(median),
  min: round(min),
  max: round(max),
});

/** One contender's figure by round; undefined where a round lacks it. */
function figures(cells: readonly S3BenchCell[], group: S3Group, contender: S3Contender, figure: Figure) {
  const own = cells.filter((cell) => cell.contender === contender && keyOf(cell) === keyOf(group));
  const rounds = Math.max(-1, ...own.map((cell) => cell.round)) + 1;
  return Array.from({ length: rounds }, (_, index) => {
    const result = own.find((cell) => cell.round === index)?.result;
    return result && figure(result, group);
  });
}

const keyOf = ({ operation, bytes, outstanding }: S3Group) => `${operation}/${bytes}/${outstanding}`;

function groupsOf(cells: readonly S3BenchCell[]): S3Group[] {
  const groups = new Map<string, S3Group>();
  for (const { operation, bytes, outstanding } of cells)
    groups.set(keyOf({ operation, bytes, outstanding }), { operation, bytes, outstanding });
  return [...groups.values()];
}

/** Medians with minimum and maximum over the rounds, a row for every group and contender that had a result. */
export function summarizeS3(cells: readonly S3BenchCell[]): S3Row[] {
  return groupsOf(cells).flatMap((group) =>
    s3Contenders.flatMap((contender) => {
      const of = (figure: Figure) =>
        figures(cells, group, contender, figure).filter((value) => value !== undefined);
      if (of(perSecond).length === 0) return [];
      const spreadOf = (figure: Figure) => rounded(spread(of(figure)));
      return [
        {
          ...{ ...group, contender },
          perSecond: spreadOf(perSecond),
          mibPerSecond: spreadOf(mibPerSecond),
          p50Ms: spreadOf(p50Ms),
          cpuMsPerRequest: spreadOf(cpuMsPerRequest),
        },
      ];
    }),
  );
}

/** Our store next to the bare SDK, in every group in which a round has both. */
export function compareS3(cells: readonly S3BenchCell[]): S3Comparison[] {
  return groupsOf(cells).flatMap((group) => {
    const ratio = (figure: Figure) => {
      const found = ratioOfRounds(
        figures(cells, group, 'danube', figure),
        figures(cells, group, 'sdk', figure),
      );
      return found && rounded(found);
    };
    const [throughput, cpu] = [ratio(perSecond), ratio(cpuMsPerRequest)];
    if (throughput === undefined || cpu === undefined) return [];
    return [{ ...group, throughput, cpu, reached: throughput.median >= LEAST_OF_SDK }];
  });
}

const sizeOf = (bytes: number) =>
  bytes >= 2 ** 20 ? `${round(bytes / 2 ** 20, 1)} MiB` : `${round(bytes / 1024, 1)} KiB`;
const shown = ({ median, min, max }: Spread) => `${short(median)} (${short(min)}–${short(max)})`;
const short = (value: number) => (value >= 100 ? Math.round(value) : Number(value.toPrecision(3)));

/** A table in Markdown: a line for each comparison. */
export function formatS3(rows: readonly S3Row[], comparisons: readonly S3Comparison[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const head = [
    ...['operation', 'size', 'outstanding', 'requests/s, ours', 'the bare SDK', 'ratio', ''],
    ...['CPU ms a request, ours', 'the bare SDK', 'ratio'],
  ];
  return [
    line(head),
    line(head.map(() => '---')),
    ...comparisons.map((group) => {
      const row = (contender: S3Contender) =>
        rows.find((one) => one.contender === contender && keyOf(one) === keyOf(group))!;
      const [ours, sdk] = [row('danube'), row('sdk')];
      return line([
        ...[group.operation, sizeOf(group.bytes), String(group.outstanding)],
        ...[shown(ours.perSecond), shown(sdk.perSecond), shown(group.throughput)],
        group.reached ? 'reached' : `missed ≥ ${LEAST_OF_SDK}`,
        ...[shown(ours.cpuMsPerRequest), shown(sdk.cpuMsPerRequest), shown(group.cpu)],
      ]);
    }),
  ].join('\n');
}
