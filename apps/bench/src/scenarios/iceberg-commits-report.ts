import type { CommitWindow } from '../peers/iceberg-commit-loop.ts';
import { ratioOfRounds, round, type Spread, spread } from '../statistics.ts';

/** What a commit of an old table may cost, as a multiple of one of a young table. */
export const MAX_GROWTH = 1.2;

/** How the table is appended to; `merge-128k` joins manifests up to 128 KiB instead of 8 MiB. */
export type CommitVariant = 'fast' | 'merge' | 'merge-128k';

/** One kind of append: a table from its first commit on, then windows of young tables and of this one in turn. */
export interface CommitRun {
  readonly variant: CommitVariant;
  /** Every window of the table on its way. */
  readonly windows: readonly CommitWindow[];
  /** Commits from the 51st on of a new table, and directly after them as many of the old table. */
  readonly pairs: readonly { readonly young: CommitWindow; readonly old: CommitWindow }[];
  /** In use after a collection, by number of commits. */
  readonly heapMiB: Readonly<Record<string, number>>;
  readonly peakRssMiB: number;
}

export interface CommitRunSummary {
  readonly variant: CommitVariant;
  readonly youngCpuMs: Spread;
  readonly oldCpuMs: Spread;
  readonly oldExpiryCpuMs: Spread;
  /** Of CPU, pair by pair: what neighbours on the machine cost hits both alike. */
  readonly growth: Spread;
  /** By the median. */
  readonly reached: boolean;
  /** Of the run itself: its last window ÷ its second one. Minutes lie between the two. */
  readonly growthOfRun: number;
  readonly bytesWrittenPerCommit: { readonly young: number; readonly old: number };
  readonly heapMiB: Readonly<Record<string, number>>;
}

const rounded = ({ median, min, max }: Spread): Spread => ({
  median: round(median),
  min: round(min),
  max: round(max),
});

export function summarizeCommitRun({ variant, windows, pairs, heapMiB }: CommitRun): CommitRunSummary {
  const young = pairs.map((pair) => pair.young);
  const old = pairs.map((pair) => pair.old);
  const cpu = ({ cpuMsPerCommit }: CommitWindow) => cpuMsPerCommit;
  const bytes = ({ bytesWrittenPerCommit = 0 }: CommitWindow) => bytesWrittenPerCommit;
  const growth = rounded(ratioOfRounds(old.map(cpu), young.map(cpu))!);
  return {
    variant,
    youngCpuMs: rounded(spread(young.map(cpu))),
    oldCpuMs: rounded(spread(old.map(cpu))),
    oldExpiryCpuMs: rounded(spread(old.map((window) => window.expiryCpuMsPerCommit))),
    growth,
    reached: growth.median <= MAX_GROWTH,
    growthOfRun: round(cpu(windows.at(-1)!) / cpu(windows[1]!)),
    bytesWrittenPerCommit: { young: spread(young.map(bytes)).median, old: spread(old.map(bytes)).median },
    heapMiB,
  };
}
