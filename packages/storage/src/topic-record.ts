import type { TableIdentifier } from '@danube/iceberg';
import { StorageError } from './errors.ts';
import type { OffsetRange } from './ledger-case.ts';

/** A line of the topic dictionary: what the log knows about a topic beside its messages. */
export interface TopicRecord {
  readonly topicId: string;
  readonly name: string;
  /** Only reliable topics are in the log. */
  readonly kind: 'reliable';
  /** Where its rows go; with a uuid once the claim was confirmed. */
  readonly table: { readonly identifier: TableIdentifier; readonly uuid: string } | undefined;
  /** No offset below it will be given out. */
  readonly next: number;
  /** Highest `through` ever confirmed, -1 if none. */
  readonly confirmed: number;
  /** Whether the claim was confirmed; nothing is acknowledged before. */
  readonly claimed: boolean;
  /** Offsets above `confirmed` that were never acknowledged and never will be. */
  readonly gaps: readonly OffsetRange[];
  /** Ids of lives of the topic that this log has ended. */
  readonly earlier: readonly string[];
}

/** A deleted topic whose table may still name one of its lives. */
export interface TopicDeletedRecord {
  readonly name: string;
  /** The life that ended. */
  readonly topicId: string;
  /** All ended lives that a kept table may name, that one included; empty if the table was dropped. */
  readonly earlier: readonly string[];
}

/** A jump of a topic's next offset, for people who read the log. The dictionary record after it has the effect. */
export interface OffsetJumpRecord {
  readonly topicId: string;
  readonly name: string;
  readonly first: number;
  readonly last: number;
  readonly reason: 'ledger' | 'cursor';
}

/** UTF-8 JSON with a version, one object a record. */
export function encodeControl(record: TopicRecord | TopicDeletedRecord | OffsetJumpRecord): Uint8Array {
  return Buffer.from(JSON.stringify({ v: 1, ...record }));
}

/** `LOG_INVALID` if it is not what {@link encodeControl} writes. */
export function decodeTopic(payload: Uint8Array): TopicRecord {
  const value = decodeControl(payload);
  const { topicId, name, kind, next, confirmed, claimed, gaps, earlier } = value;
  const table = value['table'] as { identifier: TableIdentifier; uuid: string } | undefined;
  if (
    typeof topicId !== 'string' ||
    typeof name !== 'string' ||
    kind !== 'reliable' ||
    !Number.isSafeInteger(next) ||
    !Number.isSafeInteger(confirmed) ||
    typeof claimed !== 'boolean' ||
    !Array.isArray(gaps) ||
    !Array.isArray(earlier) ||
    (table !== undefined && (typeof table.uuid !== 'string' || !Array.isArray(table.identifier?.namespace)))
  )
    throw invalid(payload);
  return {
    topicId,
    name,
    kind,
    table,
    next: next as number,
    confirmed: confirmed as number,
    claimed,
    gaps: gaps as OffsetRange[],
    earlier: earlier as string[],
  };
}

/** `LOG_INVALID` if it is not what {@link encodeControl} writes. */
export function decodeTopicDeleted(payload: Uint8Array): TopicDeletedRecord {
  const { name, topicId, earlier } = decodeControl(payload);
  if (typeof topicId !== 'string' || typeof name !== 'string' || !Array.isArray(earlier))
    throw invalid(payload);
  return { name, topicId, earlier: earlier as string[] };
}

function decodeControl(payload: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString());
  } catch {
    throw invalid(payload);
  }
  if (typeof value !== 'object' || value === null || (value as { v?: unknown }).v !== 1)
    throw invalid(payload);
  return value as Record<string, unknown>;
}

function invalid(payload: Uint8Array): StorageError {
  return new StorageError('LOG_INVALID', 'a topic record is not of version 1', {
    context: { bytes: payload.byteLength },
  });
}
