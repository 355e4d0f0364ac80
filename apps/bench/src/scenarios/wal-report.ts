import type { ContenderName } from '../peers/contenders.ts';
import type { DriverResult } from '../peers/driver.ts';
import { ratioOfRounds, round, type Spread, spread } from '../statistics.ts';

/** What all contenders of one comparison share. */
export interface Group {
  readonly medium: string;
  readonly bytes: number;
  readonly outstanding: number;
}

/** One driver's run; without a result it failed, and `error` says how. */
export interface Cell extends Group {
  readonly round: number;
  readonly contender: ContenderName;
  readonly result?: DriverResult;
  readonly error?: string;
}

type Figure = (result: DriverResult) => number;
export const perSecond: Figure = ({ messages, seconds }) => messages / seconds;
export const p50Us: Figure = ({ latencyUs }) => latencyUs.p50;
export const cpuUsPerMessage: Figure = ({ cpuSeconds, messages }) => (cpuSeconds * 1e6) / messages;

/** One contender's figure in each round, in the order of the rounds. */
function figures(cells: readonly Cell[], group: Group, contender: ContenderName, figure: Figure) {
  return cells
    .filter(
      (cell) =>
        cell.contender === contender &&
        cell.medium === group.medium &&
        cell.bytes === group.bytes &&
        cell.outstanding === group.outstanding,
    )
    .sort((a, b) => a.round - b.round)
    .map(({ result }) => result && figure(result));
}

const rounded = ({ median, min, max }: Spread, digits = 3): Spread => ({
  median: round(median, digits),
  min: round(min, digits),
  max: round(max, digits),
});

function spreadOf(values: readonly (number | undefined)[], digits: number): Spread | undefined {
  const present = values.filter((value) => value !== undefined);
  return present.length === 0 ? undefined : rounded(spread(present), digits);
}

export interface SummaryRow extends Group {
  readonly contender: ContenderName;
  readonly perSecond: Spread | undefined;
  readonly p50Us: Spread | undefined;
  readonly cpuUsPerMessage: Spread | undefined;
  /** How many times this contender's messages a second @danube/wal (mode `always`) reaches, round by round. */
  readonly danubeTimes: Spread | undefined;
}

/** Medians with minimum and maximum, a row for every group and contender, in the order in which they first ran. */
export function summarize(cells: readonly Cell[], contenders: readonly ContenderName[]): SummaryRow[] {
  const ran = (group: Group, contender: ContenderName) =>
    figures(cells, group, contender, perSecond).length > 0;
  return groupsOf(cells).flatMap((group) =>
    contenders
      .filter((contender) => ran(group, contender))
      .map((contender) => {
        const of = (figure: Figure) => figures(cells, group, contender, figure);
        const times = ratioOfRounds(figures(cells, group, 'danube', perSecond), of(perSecond));
        return {
          ...group,
          contender,
          perSecond: spreadOf(of(perSecond), 0),
          p50Us: spreadOf(of(p50Us), 1),
          cpuUsPerMessage: spreadOf(of(cpuUsPerMessage), 2),
          danubeTimes: times && rounded(times),
        };
      }),
  );
}

function groupsOf(cells: readonly Cell[]): Group[] {
  const groups = new Map<string, Group>();
  for (const { medium, bytes, outstanding } of cells)
    groups.set(`${medium}/${bytes}/${outstanding}`, { medium, bytes, outstanding });
  return [...groups.values()];
}

interface Target {
  readonly what: string;
  readonly outstanding: number;
  readonly figure: Figure;
  /** The figure is divided by this contender's; without one it stands for itself. */
  readonly peer?: ContenderName;
  readonly limit: number;
  readonly better: 'less' | 'more';
  /** Only at this size; without it at every one. */
  readonly bytes?: number;
}

const targets: readonly Target[] = [
  {
    what: 'p50 ÷ C loop',
    outstanding: 1,
    figure: p50Us,
    peer: 'c-loop',
    limit: 1.5,
    better: 'less',
  },
  {
    what: 'p50 ÷ C loop over a file made before',
    outstanding: 1,
    figure: p50Us,
    peer: 'c-loop-over',
    limit: 1.5,
    better: 'less',
  },
  ...[16, 256].map(
    (outstanding): Target => ({
      what: 'messages/s ÷ Go group commit',
      outstanding,
      figure: perSecond,
      peer: 'go-group-commit',
      limit: 0.9,
      better: 'more',
    }),
  ),
  {
    what: 'messages/s ÷ NATS sync always',
    outstanding: 256,
    figure: perSecond,
    peer: 'nats-always',
    limit: 50,
    better: 'more',
  },
  {
    what: 'messages/s ÷ lmdb-js',
    outstanding: 256,
    figure: perSecond,
    peer: 'lmdb',
    limit: 1.5,
    better: 'more',
  },
  {
    what: 'CPU µs a record',
    outstanding: 256,
    figure: cpuUsPerMessage,
    limit: 3.5,
    better: 'less',
    bytes: 1024,
  },
];

export interface Verdict extends Group {
  readonly what: string;
  readonly target: string;
  readonly measured: Spread;
  /** By the median. */
  readonly reached: boolean;
}

/** Every target that the cells allow to judge, on disk, at every size that ran. */
export function judge(cells: readonly Cell[]): Verdict[] {
  return groupsOf(cells)
    .filter(({ medium }) => medium === 'disk')
    .flatMap((group) =>
      targets
        .filter(
          ({ outstanding, bytes = group.bytes }) =>
            outstanding === group.outstanding && bytes === group.bytes,
        )
        .flatMap(({ what, figure, peer, limit, better }) => {
          const ours = figures(cells, group, 'danube', figure);
          const measured = ratioOfRounds(
            ours,
            peer ? figures(cells, group, peer, figure) : ours.map(() => 1),
          );
          if (measured === undefined) return [];
          const reached = better === 'less' ? measured.median <= limit : measured.median >= limit;
          const target = `${better === 'less' ? '≤' : '≥'} ${limit}`;
          return [{ ...group, what, target, measured: rounded(measured), reached }];
        }),
    );
}

/** Three significant digits, thousands as k: columns of rates from 400 to 400,000 stay narrow. */
function short(value: number): string {
  if (value >= 100_000) return `${Math.round(value / 1000)}k`;
  if (value >= 1000) return `${Number((value / 1000).toPrecision(3))}k`;
  return `${Number(value.toPrecision(3))}`;
}

const shortSpread = (value: Spread | undefined) =>
  value ? `${short(value.median)} (${short(value.min)}–${short(value.max)})` : 'failed';

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    `| ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** Tables in Markdown: rates and latencies for every medium and size, then the targets. */
export function formatReport(
  summary: readonly SummaryRow[],
  verdicts: readonly Verdict[],
  cells: readonly Cell[],
): string {
  const sections = new Map<string, SummaryRow[]>();
  for (const row of summary) {
    const title = `${row.medium}, ${row.bytes} B`;
    sections.set(title, [...(sections.get(title) ?? []), row]);
  }
  const parts = ['Median (min–max) over the rounds. `×`: @danube/wal has so many times these messages/s.'];
  for (const [title, rows] of sections) {
    const outstanding = [...new Set(rows.map((row) => row.outstanding))];
    const contenders = [...new Set(rows.map((row) => row.contender))];
    const grid = (text: (row: SummaryRow) => string) =>
      contenders.map((contender) => [
        contender,
        ...outstanding.map((count) => {
          const row = rows.find((one) => one.contender === contender && one.outstanding === count);
          return row ? text(row) : '';
        }),
      ]);
    const times = ({ contender, danubeTimes }: SummaryRow) =>
      danubeTimes && contender !== 'danube' ? ` ${short(danubeTimes.median)}×` : '';
    const head = (figure: string) => [figure, ...outstanding.map((count) => `${count} outstanding`)];
    parts.push(
      `## ${title}`,
      table(
        head('messages/s'),
        grid((row) => shortSpread(row.perSecond) + times(row)),
      ),
      table(
        head('p50 µs'),
        grid((row) => shortSpread(row.p50Us)),
      ),
    );
  }
  parts.push(
    '## Targets, on disk',
    table(
      ['target', 'outstanding', 'bytes', 'wanted', 'measured', ''],
      verdicts.map(({ what, outstanding, bytes, target, measured, reached }) => [
        what,
        String(outstanding),
        String(bytes),
        target,
        `${measured.median} (${measured.min}–${measured.max})`,
        reached ? 'reached' : 'missed',
      ]),
    ),
    busyLoop(cells),
  );
  return parts.filter((part) => part !== '').join('\n\n');
}

/** A loop that waited for the disk itself would be busy all the time. */
function busyLoop(cells: readonly Cell[]): string {
  const busy = cells.flatMap(({ contender, medium, outstanding, result }) =>
    contender === 'danube' && medium === 'disk' && outstanding === 1 && result?.eventLoop
      ? [result.eventLoop]
      : [],
  );
  if (busy.length === 0) return '';
  const percent = rounded(spread(busy.map(({ utilization }) => utilization * 100)), 0);
  const delay = spread(busy.map(({ maxDelayMs }) => maxDelayMs));
  return (
    `Event loop of @danube/wal at 1 outstanding on disk: busy ${percent.median} (${percent.min}–${percent.max}) % ` +
    `of the time, longest delay ${delay.median} (${delay.min}–${delay.max}) ms, of which 10 ms are the sampling.`
  );
}
