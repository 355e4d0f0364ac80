import type { TableMetadata } from '@danube/iceberg';

/** Tag that every ledger commit asserts and moves, so that a rollback of `main` cannot bring a base back. */
export const LEDGER_TAG = 'danube.ledger';

/** The table property that holds a topic's ledger. */
export function ledgerKey(topic: string): string {
  return `danube.ledger.${topic}`;
}

/** What a table says about a topic: who owns it and how far it is committed. */
export interface Ledger {
  /** This life of the topic under one owner: a uuid. */
  readonly topicId: string;
  /** The log directory that owns the topic. */
  readonly logId: string;
  /** How often that log had been opened when it wrote this. */
  readonly epoch: number;
  /** First offset that retention has left (or that the claim began with). */
  readonly start: number;
  /** Last committed offset; `start - 1` after a claim. */
  readonly through: number;
  /** The snapshot that set this ledger. */
  readonly snapshotId: bigint;
  /** The sequence number of that snapshot. */
  readonly seq: bigint;
}

/** JSON v1, one line, members in this order; 64-bit ids as strings because JSON numbers lose them in most readers. */
export function formatLedger(ledger: Ledger): string {
  return JSON.stringify({
    v: 1,
    topicId: ledger.topicId,
    logId: ledger.logId,
    epoch: ledger.epoch,
    start: ledger.start,
    through: ledger.through,
    snapshotId: ledger.snapshotId.toString(),
    seq: ledger.seq.toString(),
  });
}

/** The topic's ledger in the table, undefined if there is none, or why it cannot be read. */
export function ledgerOf(
  metadata: Pick<TableMetadata, 'properties'>,
  topic: string,
): Ledger | undefined | { readonly unsupported: string } {
  const key = ledgerKey(topic);
  const text = Object.hasOwn(metadata.properties, key) ? metadata.properties[key] : undefined;
  return text === undefined ? undefined : parseLedger(text);
}

/** Reads JSON v1; anything else (another version, damage) is unsupported, never guessed at. */
export function parseLedger(text: string): Ledger | { readonly unsupported: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { unsupported: 'it is not JSON' };
  }
  if (typeof value !== 'object' || value === null) return { unsupported: 'it is not a JSON object' };
  const { v, topicId, logId, epoch, start, through, snapshotId, seq } = value as Record<string, unknown>;
  if (v !== 1) return { unsupported: `its version is ${JSON.stringify(v)}, this release knows 1` };
  if (typeof topicId !== 'string' || typeof logId !== 'string')
    return { unsupported: 'topicId or logId is not text' };
  if (!isCount(epoch) || !isCount(start) || !(isCount(through) || through === -1))
    return { unsupported: 'epoch, start or through is not a whole number' };
  if (!isId(snapshotId) || !isId(seq)) return { unsupported: 'snapshotId or seq is not a decimal text' };
  return {
    topicId,
    logId,
    epoch,
    start,
    through: through as number,
    snapshotId: BigInt(snapshotId),
    seq: BigInt(seq),
  };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9]{1,19}$/.test(value);
}

/**
 * Where the ledger's snapshot is, seen from `main`:
 * `found` on main's chain; `passed`: a snapshot with a sequence number not above it was met first, so main was
 * set back or aside; `ended`: the chain ends above it (expired), the rows must be looked at; `no-main`: the
 * table has no current snapshot although a ledger commit had made one.
 */
export type LedgerLineage = 'found' | 'passed' | 'ended' | 'no-main';

/** Walks main's parents as far as needed. */
export function ledgerLineage(metadata: TableMetadata, ledger: Ledger): LedgerLineage {
  if (metadata.currentSnapshotId === undefined) return 'no-main';
  if (metadata.currentSnapshotId === ledger.snapshotId) return 'found';
  const byId = new Map(metadata.snapshots.map((snapshot) => [snapshot.snapshotId, snapshot]));
  const seen = new Set<bigint>();
  let id: bigint | undefined = metadata.currentSnapshotId;
  while (id !== undefined && !seen.has(id)) {
    if (id === ledger.snapshotId) return 'found';
    seen.add(id);
    const snapshot = byId.get(id);
    if (snapshot === undefined) return 'ended';
    if (snapshot.sequenceNumber <= ledger.seq) return 'passed';
    id = snapshot.parentSnapshotId;
  }
  return 'ended';
}
