import { and, eq, type FileIO, type LoadedTable, scanRows, type TableMetadata } from '@danube/iceberg';
import { ledgerLineage, ledgerOf } from './ledger.ts';
import { judgeLedger, type LogFacts, type TableFacts, type Verdict } from './ledger-case.ts';

/** A verdict that needs nothing more. */
export type SettledVerdict = Exclude<Verdict, { kind: 'look-for-row' }>;

/**
 * Runs the case table on loaded metadata, looking into the table for the row at `through` if the case table
 * asks for it (only when the ledger's snapshot has expired).
 */
export async function checkLedger(
  table: LoadedTable,
  io: FileIO,
  topic: string,
  log: LogFacts,
): Promise<SettledVerdict> {
  const facts = tableFacts(table.metadata, topic);
  const verdict = judgeLedger(facts, log);
  if (verdict.kind !== 'look-for-row') return verdict;
  const rowAtThrough = await holdsRow(table.metadata, io, topic, verdict.offset);
  return judgeLedger({ ...facts, rowAtThrough }, log) as SettledVerdict;
}

/** What the case table needs to know of a table. */
export function tableFacts(metadata: TableMetadata, topic: string): TableFacts {
  const ledger = ledgerOf(metadata, topic);
  const lineage = ledger === undefined || 'unsupported' in ledger ? 'found' : ledgerLineage(metadata, ledger);
  return { tableUuid: metadata.tableUuid, ledger, lineage };
}

async function holdsRow(
  metadata: TableMetadata,
  io: FileIO,
  topic: string,
  offset: number,
): Promise<boolean> {
  if (metadata.currentSnapshotId === undefined) return false;
  const filter = and(eq('topic_name', topic), eq('segment_offset', BigInt(offset)));
  for await (const _row of scanRows(metadata, io, { filter, columns: ['segment_offset'] })) return true;
  return false;
}

/** Highest offset of the topic's rows on main, -1 if there are none. Reads the topic's offsets: only for claims over rows without a ledger. */
export async function highestOffset(metadata: TableMetadata, io: FileIO, topic: string): Promise<number> {
  if (metadata.currentSnapshotId === undefined) return -1;
  let highest = -1n;
  const rows = scanRows(metadata, io, { filter: eq('topic_name', topic), columns: ['segment_offset'] });
  for await (const row of rows) {
    const offset = row['segment_offset'];
    if (typeof offset === 'bigint' && offset > highest) highest = offset;
  }
  return Number(highest);
}
