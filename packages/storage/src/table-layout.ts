import {
  type CreateTableOptions,
  currentSchema,
  isPrimitiveType,
  type NestedField,
  type TableMetadata,
} from '@danube/iceberg';
import { StorageError } from './errors.ts';
import type { TableName } from './topic-name.ts';

/** Table property that says which topic (or partitioned topic) the table belongs to. */
export const OWNER_PROPERTY = 'danube.topic';

const ATTRIBUTES = {
  type: 'map',
  keyId: 16,
  key: 'string',
  valueId: 17,
  valueRequired: true,
  value: 'string',
} as const;

/** The columns of a topic's table. Ids are those we ask for; catalogs assign their own, see {@link columnsOf}. */
export const COLUMNS: readonly NestedField[] = [
  { id: 1, name: 'request_id', required: true, type: 'long' },
  { id: 2, name: 'producer_id', required: true, type: 'long' },
  { id: 3, name: 'topic_name', required: true, type: 'string' },
  { id: 4, name: 'broker_addr', required: true, type: 'string' },
  { id: 5, name: 'segment_id', required: false, type: 'long', doc: 'legacy, always null' },
  { id: 6, name: 'segment_offset', required: true, type: 'long', doc: 'offset in the topic' },
  { id: 7, name: 'payload', required: true, type: 'binary' },
  { id: 8, name: 'publish_time', required: true, type: 'timestamptz', doc: "the producer's clock" },
  { id: 9, name: 'producer_name', required: true, type: 'string' },
  { id: 10, name: 'subscription_name', required: false, type: 'string' },
  { id: 11, name: 'attributes', required: false, type: ATTRIBUTES },
  { id: 12, name: 'schema_id', required: false, type: 'long' },
  { id: 13, name: 'schema_version', required: false, type: 'long' },
  { id: 14, name: 'routing_key', required: false, type: 'string' },
  { id: 15, name: 'append_time', required: true, type: 'timestamptz', doc: "the broker's clock" },
];

/**
 * Metrics of data files: exact bounds for what offsets and times are found by (topic names that share their
 * first 16 characters would otherwise look alike), none for what nobody can prune by.
 */
export const METRICS = {
  default: 'counts',
  columns: { topic_name: 'full', segment_offset: 'full', publish_time: 'full', append_time: 'full' },
} as const;

/** How a topic's table is created: format v2, days of append_time, sorted by topic and offset. */
export function tableOptions(name: TableName): CreateTableOptions {
  return {
    schema: { fields: COLUMNS },
    partitionSpec: {
      fields: [
        ...(name.shared ? [{ sourceId: 3, name: 'topic_name', transform: 'identity' as const }] : []),
        { sourceId: 15, name: 'append_time_day', transform: 'day' },
      ],
    },
    sortOrder: {
      fields: [
        { transform: 'identity', sourceId: 3, direction: 'asc', nullOrder: 'nulls-first' },
        { transform: 'identity', sourceId: 6, direction: 'asc', nullOrder: 'nulls-first' },
      ],
    },
    properties: {
      [OWNER_PROPERTY]: name.owner,
      'write.format.default': 'parquet',
      'write.parquet.compression-codec': 'zstd',
      'write.metadata.delete-after-commit.enabled': 'true',
      'write.metadata.previous-versions-max': '100',
      'write.metadata.metrics.default': METRICS.default,
      'write.metadata.metrics.column.topic_name': 'full',
      'write.metadata.metrics.column.segment_offset': 'full',
      'write.metadata.metrics.column.publish_time': 'full',
      'write.metadata.metrics.column.append_time': 'full',
      'write.metadata.metrics.column.payload': 'none',
    },
  };
}

/**
 * The fields to write, with the ids of the loaded schema, found by name. Optional columns somebody dropped are
 * left out; columns somebody added stay null.
 *
 * @throws StorageError `TABLE_INCOMPATIBLE` if a column we need is missing or of another type, or if a
 *   required column is not ours
 */
export function columnsOf(metadata: TableMetadata): readonly NestedField[] {
  const schema = currentSchema(metadata);
  const fields: NestedField[] = [];
  for (const wanted of COLUMNS) {
    const found = schema.fields.find((field) => field.name === wanted.name);
    if (found === undefined) {
      if (wanted.required) throw incompatible(metadata, `has no column ${wanted.name}`);
      continue;
    }
    if (!sameType(found.type, wanted.type))
      throw incompatible(metadata, `has column ${wanted.name} of another type than ours`);
    fields.push(found);
  }
  for (const field of schema.fields)
    if (field.required && !COLUMNS.some((column) => column.name === field.name))
      throw incompatible(metadata, `requires column ${field.name}, which messages do not have`);
  return fields;
}

/** Refuses a table of another topic (`TOPIC_COLLISION`) or of an unsuitable shape (`TABLE_INCOMPATIBLE`). */
export function checkTable(metadata: TableMetadata, name: TableName, topic: string): void {
  const owner = Object.hasOwn(metadata.properties, OWNER_PROPERTY)
    ? metadata.properties[OWNER_PROPERTY]
    : undefined;
  if (owner !== name.owner)
    throw new StorageError(
      'TOPIC_COLLISION',
      owner === undefined
        ? `topic ${topic} would use a table that is not a topic's`
        : `topic ${topic} would use the table of ${owner}`,
      { context: { topic, location: metadata.location, owner } },
    );
  if (metadata.formatVersion === 1) throw incompatible(metadata, 'has format version 1');
  columnsOf(metadata);
}

function sameType(found: NestedField['type'], wanted: NestedField['type']): boolean {
  if (isPrimitiveType(found) || isPrimitiveType(wanted)) return found === wanted;
  return (
    found.type === 'map' && wanted.type === 'map' && found.key === wanted.key && found.value === wanted.value
  );
}

function incompatible(metadata: TableMetadata, what: string): StorageError {
  return new StorageError('TABLE_INCOMPATIBLE', `the table ${what}`, {
    context: { location: metadata.location },
  });
}
