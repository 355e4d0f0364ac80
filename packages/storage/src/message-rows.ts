import type { ColumnBatch } from '@danube/parquet-writer';
import { StorageError } from './errors.ts';
import type { StoredMessage } from './message.ts';

/** A row as the Iceberg reader gives it. */
export type MessageRow = Readonly<Record<string, unknown>>;

/** Turns messages into columns, only those named in `columns` (what the table has). */
export function messagesToBatch(
  messages: readonly StoredMessage[],
  columns: ReadonlySet<string>,
): ColumnBatch {
  const count = messages.length;
  const requestId = new BigInt64Array(count);
  const producerId = new BigInt64Array(count);
  const offset = new BigInt64Array(count);
  const publishTime = new BigInt64Array(count);
  const appendTime = new BigInt64Array(count);
  for (let row = 0; row < count; row += 1) {
    const message = messages[row] as StoredMessage;
    // A typed array keeps the low 64 bits: unsigned ids keep theirs as signed longs.
    requestId[row] = message.requestId;
    producerId[row] = message.producerId;
    offset[row] = BigInt(message.offset);
    publishTime[row] = BigInt(message.publishTimeMs) * 1000n;
    appendTime[row] = BigInt(message.appendTimeMs) * 1000n;
  }
  const all: Record<string, ColumnBatch['columns'][string]> = {
    request_id: requestId,
    producer_id: producerId,
    topic_name: messages.map((message) => message.topic),
    broker_addr: messages.map((message) => message.brokerAddr),
    segment_offset: offset,
    payload: messages.map((message) => message.payload),
    publish_time: publishTime,
    producer_name: messages.map((message) => message.producerName),
    subscription_name: messages.map((message) => message.subscriptionName ?? null),
    attributes: messages.map((message) => message.attributes ?? null),
    schema_id: messages.map((message) =>
      message.schemaId === undefined ? null : BigInt.asIntN(64, message.schemaId),
    ),
    schema_version: messages.map((message) =>
      message.schemaVersion === undefined ? null : BigInt(message.schemaVersion),
    ),
    routing_key: messages.map((message) => message.routingKey ?? null),
    append_time: appendTime,
  };
  return {
    rowCount: count,
    columns: Object.fromEntries(Object.entries(all).filter(([name]) => columns.has(name))),
  };
}

/** Turns a table row back into the message it was made from. `UNREADABLE` if a column has an unexpected value. */
export function rowToMessage(row: MessageRow): StoredMessage {
  const subscriptionName = optional(row, 'subscription_name', isText);
  const attributes = optional(row, 'attributes', isTextMap);
  const schemaId = optional(row, 'schema_id', isLong);
  const schemaVersion = optional(row, 'schema_version', isLong);
  const routingKey = optional(row, 'routing_key', isText);
  return {
    topic: required(row, 'topic_name', isText),
    offset: Number(required(row, 'segment_offset', isLong)),
    requestId: BigInt.asUintN(64, required(row, 'request_id', isLong)),
    producerId: BigInt.asUintN(64, required(row, 'producer_id', isLong)),
    producerName: required(row, 'producer_name', isText),
    brokerAddr: required(row, 'broker_addr', isText),
    payload: required(row, 'payload', isBytes),
    publishTimeMs: Number(required(row, 'publish_time', isLong) / 1000n),
    appendTimeMs: Number(required(row, 'append_time', isLong) / 1000n),
    ...(subscriptionName === undefined ? {} : { subscriptionName }),
    ...(attributes === undefined ? {} : { attributes }),
    ...(schemaId === undefined ? {} : { schemaId: BigInt.asUintN(64, schemaId) }),
    ...(schemaVersion === undefined ? {} : { schemaVersion: Number(schemaVersion) }),
    ...(routingKey === undefined ? {} : { routingKey }),
  };
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isLong = (value: unknown): value is bigint => typeof value === 'bigint';
const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array;
const isTextMap = (value: unknown): value is ReadonlyMap<string, string> => value instanceof Map;

function required<T>(row: MessageRow, column: string, is: (value: unknown) => value is T): T {
  const value = optional(row, column, is);
  if (value === undefined) throw new StorageError('UNREADABLE', `a row has no ${column}`);
  return value;
}

function optional<T>(row: MessageRow, column: string, is: (value: unknown) => value is T): T | undefined {
  const value = row[column];
  if (value === null || value === undefined) return undefined;
  if (is(value)) return value;
  throw new StorageError('UNREADABLE', `a row has a ${column} of an unexpected kind`);
}
