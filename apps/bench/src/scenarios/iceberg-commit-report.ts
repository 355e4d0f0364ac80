import type { CommitWindow } from '../peers/iceberg-commit-loop.ts';
import { ratioOfRounds, round, type Spread, spread } from '../statistics.ts';

export const commitContenders = [
  'danube-fast',
  'danube-fast-no-cache',
  'danube-merge',
  'pyiceberg-fast',
] as const;
export type CommitContender = (typeof commitContenders)[number];

/** All others are compared with it. */
export const peer = 'pyiceberg-fast' satisfies CommitContender;

/** One window of one contender in one round. */
export interface CommitCell extends CommitWindow {
  readonly round: number;
  readonly contender: CommitContender;
}

export interface CommitRow {
  readonly firstCommit: number;
  readonly lastCommit: number;
  readonly contender: CommitContender;
  readonly cpuMsPerCommit: Spread;
  readonly expiryCpuMsPerCommit: Spread;
  readonly wallMsPerCommit: Spread;
  /** CPU of a commit ÷ PyIceberg's in the same window of the same round; absent for PyIceberg itself. */
  readonly ofPeer?: Spread;
}

const rounded = ({ median, min, max }: Spread): Spread => ({
  median: round(median),
  min: round(min),
  max: round(max),
});

/** Medians with minimum and maximum over the rounds: a row for every window and contender, in the order of both. */
export function summarizeCommits(cells: readonly CommitCell[]): CommitRow[] {
  const windows = [...new Map(cells.map((cell) => [cell.firstCommit, cell.lastCommit]))];
  return windows
    .sort(([left], [right]) => left - right)
    .flatMap(([firstCommit, lastCommit]) =>
      commitContenders.flatMap((contender) => {
        const own = figures(cells, firstCommit, contender);
        if (own.length === 0) return [];
        const spreadOf = (figure: (cell: CommitWindow) => number) =>
          rounded(spread(own.flatMap((cell) => (cell === undefined ? [] : [figure(cell)]))));
        const cpu = (cell: CommitWindow | undefined) => cell?.cpuMsPerCommit;
        const ratio = ratioOfRounds(own.map(cpu), figures(cells, firstCommit, peer).map(cpu));
        return [
          {
            ...{ firstCommit, lastCommit, contender },
            cpuMsPerCommit: spreadOf((cell) => cell.cpuMsPerCommit),
            expiryCpuMsPerCommit: spreadOf((cell) => cell.expiryCpuMsPerCommit),
            wallMsPerCommit: spreadOf((cell) => cell.wallMsPerCommit),
            ...(contender !== peer && ratio !== undefined && { ofPeer: rounded(ratio) }),
          },
        ];
      }),
    );
}

/** One contender's windows from this commit on, by round; undefined where a round lacks it. */
function figures(cells: readonly CommitCell[], firstCommit: number, contender: CommitContender) {
  const found = cells.filter((cell) => cell.contender === contender && cell.firstCommit === firstCommit);
  const rounds = Math.max(-1, ...found.map((cell) => cell.round)) + 1;
  return Array.from({ length: rounds }, (_, index) => found.find((cell) => cell.round === index));
}

/** A table in Markdown: a line a contender, a column a window. */
export function formatCommits(rows: readonly CommitRow[]): string {
  const windows = [...new Set(rows.map((row) => `${row.firstCommit}–${row.lastCommit}`))];
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const table = (title: string, text: (row: CommitRow) => string) => [
    line([title, ...windows]),
    line(['---', ...windows.map(() => '---')]),
    ...commitContenders
      .map((contender) => rows.filter((row) => row.contender === contender))
      .filter((own) => own.some((row) => text(row) !== ''))
      .map((own) => line([own[0]!.contender, ...own.map(text)])),
    '',
  ];
  const shown = ({ median, min, max }: Spread, digits: number) =>
    `${round(median, digits)} (${round(min, digits)}–${round(max, digits)})`;
  return [
    ...table('CPU ms a commit', (row) => shown(row.cpuMsPerCommit, 1)),
    ...table('of it expiry', (row) => shown(row.expiryCpuMsPerCommit, 1)),
    ...table('wall ms a commit', (row) => shown(row.wallMsPerCommit, 1)),
    ...table('CPU ÷ PyIceberg’s', (row) => (row.ofPeer === undefined ? '' : shown(row.ofPeer, 3))),
  ].join('\n');
}
