import type { StopCode } from './errors.ts';
import type { Ledger, LedgerLineage } from './ledger.ts';

/** Offsets from `first` to `last`, both included. */
export interface OffsetRange {
  readonly first: number;
  readonly last: number;
}

/** What the loaded metadata says about a topic. */
export interface TableFacts {
  readonly tableUuid: string;
  readonly ledger: Ledger | undefined | { readonly unsupported: string };
  /** Of `ledger`; not looked at when there is none. */
  readonly lineage: LedgerLineage;
  /** Whether main holds a row at `ledger.through`; undefined while nobody looked. */
  readonly rowAtThrough?: boolean;
}

/** What this log knows about the topic. */
export interface LogFacts {
  readonly logId: string;
  /** Of this opening of the log. */
  readonly epoch: number;
  readonly topicId: string;
  /** Lives of the topic that this log has ended (by deletion), and nothing else. */
  readonly earlierTopicIds: readonly string[];
  /** Whether this log has had its claim of `topicId` confirmed. */
  readonly claimed: boolean;
  /** The table the claim was made in. */
  readonly tableUuid: string | undefined;
  /** First offset the log still holds; `next` if it holds none. */
  readonly first: number;
  /** Next offset to be given out. */
  readonly next: number;
  /** Highest `through` a successful reply or a load ever confirmed; -1 if none. */
  readonly confirmed: number;
  /** Offsets that were never acknowledged and never will be, ascending. */
  readonly gaps: readonly OffsetRange[];
  /** The first offset this opening gave out or would have. */
  readonly openedAt: number;
  /** Snapshot ids of ledger commits this opening has sent for the topic. */
  readonly sent: ReadonlySet<bigint>;
}

/** What to do with a topic. */
export type Verdict =
  /** The ledger is ours and consistent. `lostTail`: the log had lost these offsets, go on above them. */
  | { readonly kind: 'ok'; readonly ledger: Ledger; readonly lostTail?: OffsetRange }
  /** Nobody owns it (or an ended life of ours does): claim it, above `through` of `previous`. */
  | { readonly kind: 'claim'; readonly previous: Ledger | undefined }
  /** Find out whether main holds a row of the topic at this offset, then ask again. */
  | { readonly kind: 'look-for-row'; readonly offset: number }
  | {
      readonly kind: 'stop';
      readonly code: StopCode;
      readonly message: string;
      readonly range?: OffsetRange;
    };

/**
 * The case table of the commit ledger: decides, from what a load or a commit reply says and what the log
 * knows, whether a topic may go on. Pure; run on every load and every reply, before "done" and before the log
 * forgets anything.
 */
export function judgeLedger(table: TableFacts, log: LogFacts): Verdict {
  const holds = log.claimed || log.first < log.next;
  if (log.tableUuid !== undefined && log.tableUuid !== table.tableUuid)
    return stop('TABLE_REPLACED', `the table is ${table.tableUuid}, the topic's was ${log.tableUuid}`);

  const { ledger } = table;
  if (ledger === undefined) {
    if (holds) return stop('LEDGER_LOST', 'the table has lost its ledger of the topic');
    return { kind: 'claim', previous: undefined };
  }
  if ('unsupported' in ledger)
    return stop('LEDGER_UNSUPPORTED', `the ledger cannot be read: ${ledger.unsupported}`);

  const pending = pendingRange(log);
  if (ledger.logId !== log.logId) {
    const message = `another log owns it: the table's ledger names log ${ledger.logId}, this is log ${log.logId}`;
    return holds ? stop('FENCED', message, pending) : stop('OWNED_ELSEWHERE', message);
  }
  if (ledger.topicId !== log.topicId) {
    if (log.earlierTopicIds.includes(ledger.topicId)) {
      // Our claim came after that life ended, so the table has gone back to before it.
      if (log.claimed)
        return stop('LEDGER_BEHIND_LOG', `the ledger names the ended life ${ledger.topicId}`, pending);
      return { kind: 'claim', previous: ledger };
    }
    const message = `the ledger names topic life ${ledger.topicId}, here it is ${log.topicId}`;
    return holds ? stop('FENCED', message, pending) : stop('OWNED_ELSEWHERE', message);
  }

  if (ledger.epoch > log.epoch)
    return stop(
      'LOG_COPIED',
      `a copy of this log was opened: the ledger was written by opening ${ledger.epoch}, this is ${log.epoch}`,
    );
  // The epoch was counted on disk before the log opened: whoever else writes it has a copy of the directory.
  // (An older ledger of our own, in a table that was set back, says less than was confirmed: see below.)
  if (ledger.epoch === log.epoch && ledger.through >= log.confirmed && !log.sent.has(ledger.snapshotId))
    return stop(
      'LOG_COPIED',
      `a copy of this log is in use: snapshot ${ledger.snapshotId} of opening ${log.epoch} is not from this process`,
    );
  // An earlier opening committed offsets that this one, not knowing, has given out again.
  if (ledger.epoch < log.epoch && ledger.through >= log.openedAt && log.next > log.openedAt)
    return stop(
      'FENCED',
      `offsets from ${log.openedAt} were given out again although the table had them through ${ledger.through}`,
      { first: log.openedAt, last: log.next - 1 },
    );

  const wanted = skipGaps(ledger.through + 1, log.gaps);
  if (wanted < log.first)
    return stop(
      'LEDGER_BEHIND_LOG',
      `the table ends at ${ledger.through} and the log begins at ${log.first}`,
      { first: wanted, last: log.first - 1 },
    );
  if (ledger.through < log.confirmed)
    return stop(
      'LEDGER_BEHIND_LOG',
      `the table ends at ${ledger.through} and had confirmed ${log.confirmed}`,
      { first: ledger.through + 1, last: log.confirmed },
    );

  const rolledBack = judgeLineage(table, ledger);
  if (rolledBack !== undefined) return rolledBack;
  if (ledger.through >= log.next)
    return { kind: 'ok', ledger, lostTail: { first: log.next, last: ledger.through } };
  return { kind: 'ok', ledger };
}

function judgeLineage(table: TableFacts, ledger: Ledger): Verdict | undefined {
  const message = `main lacks snapshot ${ledger.snapshotId}, which committed through ${ledger.through}`;
  switch (table.lineage) {
    case 'found':
      return undefined;
    case 'passed':
    case 'no-main':
      return stop('ROLLED_BACK', message);
    case 'ended':
      // Retention (or a fresh claim) left no row to look for.
      if (ledger.through < ledger.start || table.rowAtThrough === true) return undefined;
      if (table.rowAtThrough === undefined) return { kind: 'look-for-row', offset: ledger.through };
      return stop('ROLLED_BACK', `${message}, and no row at that offset`);
  }
}

/**
 * Whether the ledger proves that a commit through `through` happened: same table, topic life and log, and far
 * enough. Only together with an `ok` verdict on the same metadata.
 */
export function covers(
  table: { readonly tableUuid: string; readonly ledger: Ledger },
  wanted: {
    readonly tableUuid: string;
    readonly topicId: string;
    readonly logId: string;
    readonly through: number;
  },
): boolean {
  return (
    table.tableUuid === wanted.tableUuid &&
    table.ledger.topicId === wanted.topicId &&
    table.ledger.logId === wanted.logId &&
    table.ledger.through >= wanted.through
  );
}

/** The first offset from `offset` on that is in none of the gaps (ascending, disjoint). */
export function skipGaps(offset: number, gaps: readonly OffsetRange[]): number {
  let at = offset;
  for (const gap of gaps) if (gap.first <= at && at <= gap.last) at = gap.last + 1;
  return at;
}

/** Offsets acknowledged here that are not known to be in the table. */
function pendingRange(log: LogFacts): OffsetRange | undefined {
  const first = skipGaps(Math.max(log.first, log.confirmed + 1), log.gaps);
  return first < log.next ? { first, last: log.next - 1 } : undefined;
}

function stop(code: StopCode, message: string, range?: OffsetRange): Verdict {
  return { kind: 'stop', code, message, ...(range === undefined ? {} : { range }) };
}
