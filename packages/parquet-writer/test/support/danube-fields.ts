import type { FileOptions, WriterField } from '../../src/index.ts';

/** The columns of a topic's table: field ids 1 … 15, the attributes' key and value 16 and 17. */
export const DANUBE_FIELDS: readonly WriterField[] = [
  { id: 1, name: 'request_id', required: true, type: 'long' },
  { id: 2, name: 'producer_id', required: true, type: 'long' },
  { id: 3, name: 'topic_name', required: true, type: 'string' },
  { id: 4, name: 'broker_addr', required: true, type: 'string' },
  { id: 5, name: 'segment_id', required: false, type: 'long' },
  { id: 6, name: 'segment_offset', required: true, type: 'long' },
  { id: 7, name: 'payload', required: true, type: 'binary' },
  { id: 8, name: 'publish_time', required: true, type: 'timestamptz' },
  { id: 9, name: 'producer_name', required: true, type: 'string' },
  { id: 10, name: 'subscription_name', required: false, type: 'string' },
  {
    id: 11,
    name: 'attributes',
    required: false,
    type: { type: 'map', keyId: 16, key: 'string', valueId: 17, value: 'string', valueRequired: true },
  },
  { id: 12, name: 'schema_id', required: false, type: 'long' },
  { id: 13, name: 'schema_version', required: false, type: 'int' },
  { id: 14, name: 'routing_key', required: false, type: 'string' },
  { id: 15, name: 'append_time', required: true, type: 'timestamptz' },
];

/** As storage opens its files: exact bounds for the topic, offset and times, none for the payload. */
export const DANUBE_FILE: FileOptions = {
  fields: DANUBE_FIELDS,
  metrics: {
    columns: {
      topic_name: 'full',
      segment_offset: 'full',
      publish_time: 'full',
      append_time: 'full',
      payload: 'counts',
    },
  },
};

/** `count` rows with offsets from `first`, payloads of `payloadBytes` that are about 2:1 compressible. */
export function danubeRows(first: number, count: number, payloadBytes: number) {
  const at = (row: number) => 1_790_000_000_000_000n + BigInt(first + row) * 1000n;
  const each = <T>(value: (row: number) => T) => Array.from({ length: count }, (_, row) => value(row));
  return {
    rowCount: count,
    columns: {
      request_id: BigInt64Array.from(each((row) => BigInt(first + row) * 7n)),
      producer_id: BigInt64Array.from(each(() => -1n)),
      topic_name: each(() => '/default/orders'),
      broker_addr: each(() => '127.0.0.1:6650'),
      segment_offset: BigInt64Array.from(each((row) => BigInt(first + row))),
      payload: each((row) => payloadOf(first + row, payloadBytes)),
      publish_time: BigInt64Array.from(each(at)),
      producer_name: each((row) => `producer-${row % 3}`),
      subscription_name: each((row) => (row % 2 === 0 ? 'sub-ü' : null)),
      attributes: each<Record<string, string> | null>((row) =>
        row % 3 === 0 ? null : row % 3 === 1 ? {} : { region: 'eu', trace: `t${row}` },
      ),
      schema_version: each((row) => (row % 5 === 0 ? row : null)),
      routing_key: each((row) => (row % 4 === 0 ? `key-${row % 97}` : null)),
      append_time: BigInt64Array.from(each((row) => at(row) + 500n)),
    },
  };
}

/** The payload of an offset: every other byte of a small generator, so that it is not all alike. */
export function payloadOf(offset: number, payloadBytes: number): Uint8Array {
  const payload = new Uint8Array(payloadBytes);
  let state = (offset + 1) * 2654435761;
  for (let i = 0; i < payloadBytes; i += 2) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    payload[i] = state >>> 24;
  }
  return payload;
}
