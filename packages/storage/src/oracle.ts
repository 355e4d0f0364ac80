import { type FileIO, scanRows, type TableMetadata } from '@danube/iceberg';
import type { OffsetRange } from './ledger-case.ts';

/** What is known of a topic from the producers' side, and where its table is. */
export interface OracleInput {
  readonly metadata: TableMetadata;
  readonly io: FileIO;
  readonly topic: string;
  /** Payload acknowledged as durable at each offset. */
  readonly acked: ReadonlyMap<number, Uint8Array>;
  /** Whether such a payload was ever sent to the topic. */
  readonly wasSent: (payload: Uint8Array) => boolean;
  /** Offsets that need not be in the table: what FENCED listed and nobody recovered yet. */
  readonly exempt?: readonly OffsetRange[];
  /** Whether the table must hold nothing but what was acknowledged (a run without crashes). Default false. */
  readonly clean?: boolean;
}

/** What the oracle found. */
export interface OracleReport {
  readonly rows: number;
  readonly first: number;
  readonly last: number;
  /** Empty if every promise holds; else one sentence each, at most 50. */
  readonly violations: readonly string[];
}

/**
 * The judge of every crash and fault test, by a fresh scan of the table: durably acknowledged ⊆ table ⊆ sent;
 * count(*) = count(distinct offset) = last − first + 1; at each acknowledged offset the payload that was
 * acknowledged there. It trusts no counter of the writer.
 */
export async function judgeTable(input: OracleInput): Promise<OracleReport> {
  const violations: string[] = [];
  const blame = (violation: string) => {
    if (violations.length < 50) violations.push(violation);
  };
  const rows = new Map<number, Uint8Array>();
  let count = 0;
  if (input.metadata.currentSnapshotId !== undefined) {
    const columns = ['topic_name', 'segment_offset', 'payload'];
    for await (const row of scanRows(input.metadata, input.io, { columns })) {
      if (row['topic_name'] !== input.topic) continue;
      count += 1;
      const offset = Number(row['segment_offset']);
      const payload = row['payload'] as Uint8Array;
      if (rows.has(offset)) blame(`offset ${offset} is in the table twice`);
      rows.set(offset, payload);
      if (!input.wasSent(payload)) blame(`offset ${offset} holds a payload that nobody sent`);
    }
  }
  let first = Number.POSITIVE_INFINITY;
  let last = -1;
  for (const offset of rows.keys()) {
    first = Math.min(first, offset);
    last = Math.max(last, offset);
  }
  if (rows.size > 0 && (count !== rows.size || count !== last - first + 1))
    blame(`${count} rows, ${rows.size} offsets, from ${first} to ${last}`);
  const exempt = (offset: number) =>
    input.exempt?.some((range) => range.first <= offset && offset <= range.last) ?? false;
  for (const [offset, payload] of input.acked) {
    if (exempt(offset)) continue;
    const stored = rows.get(offset);
    if (stored === undefined) blame(`offset ${offset} was acknowledged and is not in the table`);
    else if (Buffer.compare(stored, payload) !== 0)
      blame(`offset ${offset} holds another payload than acknowledged`);
  }
  if (input.clean === true && count !== input.acked.size)
    blame(`${count} rows, ${input.acked.size} acknowledged, in a run without crashes`);
  return { rows: count, first: rows.size === 0 ? 0 : first, last, violations };
}
