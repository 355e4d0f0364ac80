import { IcebergError } from '../errors.ts';
import { type JsonValue, parseJson, stringifyJson } from '../json/json.ts';
import { JsonFields } from '../json/json-fields.ts';
import { firstPartitionFieldId, type PartitionSpec } from './partition-spec.ts';
import { partitionSpecToJson, readPartitionFields, readPartitionSpec } from './partition-spec-json.ts';
import type { Schema } from './schema.ts';
import { readSchema, schemaToJson } from './schema-json.ts';
import { mainBranch, type SnapshotRef } from './snapshot.ts';
import { readSnapshot, readSnapshotRef, snapshotRefToJson, snapshotToJson } from './snapshot-json.ts';
import { type SortOrder, unsortedOrder } from './sort-order.ts';
import { readSortOrder, sortOrderToJson } from './sort-order-json.ts';
import {
  partitionStatisticsFileToJson,
  readPartitionStatisticsFile,
  readStatisticsFile,
  statisticsFileToJson,
} from './statistics-json.ts';
import type { EncryptedKey, MetadataLogEntry, SnapshotLogEntry, TableMetadata } from './table-metadata.ts';

/** The newest format version this release reads. */
export const maxReadableFormatVersion = 3;
/** The format version this release writes. */
export const writableFormatVersion = 2;

/**
 * Reads the text of a metadata file, formats v1 to v3. `file` is named in errors.
 * `INVALID_METADATA` names the field; a newer format is `UNSUPPORTED_FORMAT_VERSION`.
 * Spec: https://iceberg.apache.org/spec/#table-metadata-and-snapshots
 */
export function parseTableMetadata(text: string, file = 'table metadata'): TableMetadata {
  let json: JsonValue;
  try {
    json = parseJson(text);
  } catch (cause) {
    throw new IcebergError('INVALID_METADATA', `${file}: not JSON (${(cause as Error).message})`, {
      cause,
      context: { file },
    });
  }
  return tableMetadataFromJson(json, file);
}

/** Writes the text of a metadata file; format v2 only (`UNSUPPORTED_FORMAT_VERSION`). */
export function formatTableMetadata(metadata: TableMetadata): string {
  const lists = new Map([
    ['snapshots', listText(metadata.snapshots, snapshotText)],
    ['snapshot-log', listText(metadata.snapshotLog, snapshotLogText)],
    ['metadata-log', listText(metadata.metadataLog, metadataLogText)],
  ]);
  const json = tableMetadataToJson({ ...metadata, snapshots: [], snapshotLog: [], metadataLog: [] });
  const members = Object.entries(json)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${JSON.stringify(key)}:${lists.get(key) ?? stringifyJson(value)}`);
  return `{${joined(members)}}`;
}

/**
 * The text of each element is made once: from one state to the next nearly all stay the same objects, and a commit
 * should not cost more the more there are.
 */
function rememberedText<T extends object>(toJson: (element: T) => object): (element: T) => string {
  const texts = new WeakMap<T, string>();
  return (element) => {
    const text = texts.get(element) ?? stringifyJson(toJson(element));
    texts.set(element, text);
    return text;
  };
}

function listText<T>(elements: readonly T[], text: (element: T) => string): string {
  return `[${joined(elements.map(text))}]`;
}

/** As `join(',')`, which would copy the text once for every level it is called on: strings added up are copied once. */
function joined(texts: readonly string[]): string {
  let all = '';
  for (const text of texts) all = all === '' ? text : `${all},${text}`;
  return all;
}

const snapshotText = rememberedText(snapshotToJson);
const snapshotLogText = rememberedText(snapshotLogEntryToJson);
const metadataLogText = rememberedText(metadataLogEntryToJson);

/** Reads metadata that came as parsed JSON (of {@link parseJson}, to keep 64-bit ids whole). */
export function tableMetadataFromJson(value: JsonValue, file = 'table metadata'): TableMetadata {
  const json = new JsonFields(value, file);
  const formatVersion = json.int('format-version');
  if (formatVersion < 1) throw json.error(`expected 1 to ${maxReadableFormatVersion}`, 'format-version');
  if (formatVersion > maxReadableFormatVersion) {
    throw new IcebergError(
      'UNSUPPORTED_FORMAT_VERSION',
      `${file}: format version ${formatVersion} is newer than this release reads (${maxReadableFormatVersion})`,
      { context: { file, formatVersion } },
    );
  }
  const v1 = formatVersion === 1;

  const schemas = readSchemas(json, v1);
  // A v1 file may do without it: then `schema` is the current one, and it is the last of `schemas`.
  const currentSchemaId =
    v1 && (json.has('schema') || !json.has('schemas'))
      ? (json.optionalInt('current-schema-id') ?? schemas.at(-1)!.schemaId)
      : json.int('current-schema-id');
  const partitionSpecs = readSpecs(json, v1);
  const sortOrders = readOrders(json, v1);
  // Java wrote -1 for "none" in v1 and v2 files.
  const currentId = json.optionalLong('current-snapshot-id');
  const currentSnapshotId = currentId === -1n ? undefined : currentId;
  const nextRowId = formatVersion >= 3 ? json.long('next-row-id') : undefined;
  const encryptionKeys = formatVersion >= 3 ? readEncryptionKeys(json) : undefined;

  const metadata: TableMetadata = {
    formatVersion: formatVersion as TableMetadata['formatVersion'],
    tableUuid: v1 ? (json.optionalString('table-uuid') ?? '') : json.string('table-uuid'),
    location: json.string('location'),
    lastSequenceNumber: v1
      ? (json.optionalLong('last-sequence-number') ?? 0n)
      : json.long('last-sequence-number'),
    lastUpdatedMs: json.safeLong('last-updated-ms'),
    lastColumnId: json.int('last-column-id'),
    schemas,
    currentSchemaId,
    partitionSpecs,
    defaultSpecId: v1 ? (json.optionalInt('default-spec-id') ?? 0) : json.int('default-spec-id'),
    lastPartitionId: v1
      ? (json.optionalInt('last-partition-id') ?? highestPartitionId(partitionSpecs))
      : json.int('last-partition-id'),
    sortOrders,
    defaultSortOrderId: v1
      ? (json.optionalInt('default-sort-order-id') ?? sortOrders[0]!.orderId)
      : json.int('default-sort-order-id'),
    properties: json.stringMap('properties'),
    ...(currentSnapshotId !== undefined && { currentSnapshotId }),
    snapshots: json.optionalObjects('snapshots', (snapshot) => readSnapshot(snapshot, formatVersion)) ?? [],
    snapshotLog:
      json.optionalObjects('snapshot-log', (entry) => ({
        timestampMs: entry.safeLong('timestamp-ms'),
        snapshotId: entry.long('snapshot-id'),
        ...entry.extra(),
      })) ?? [],
    metadataLog:
      json.optionalObjects('metadata-log', (entry) => ({
        timestampMs: entry.safeLong('timestamp-ms'),
        metadataFile: entry.string('metadata-file'),
        ...entry.extra(),
      })) ?? [],
    refs: readRefs(json, currentSnapshotId),
    statistics: json.optionalObjects('statistics', readStatisticsFile) ?? [],
    partitionStatistics: json.optionalObjects('partition-statistics', readPartitionStatisticsFile) ?? [],
    ...(nextRowId !== undefined && { nextRowId }),
    ...(encryptionKeys !== undefined && { encryptionKeys }),
    ...json.extra(),
  };
  checkReferences(metadata, json);
  return metadata;
}

/** The JSON form; 64-bit values are bigints, so print it with {@link stringifyJson}. */
export function tableMetadataToJson(metadata: TableMetadata): object {
  if (metadata.formatVersion !== writableFormatVersion) {
    throw new IcebergError(
      'UNSUPPORTED_FORMAT_VERSION',
      `cannot write table metadata of format version ${metadata.formatVersion} (this release writes ${writableFormatVersion})`,
      { context: { formatVersion: metadata.formatVersion, location: metadata.location } },
    );
  }
  return {
    'format-version': metadata.formatVersion,
    'table-uuid': metadata.tableUuid,
    location: metadata.location,
    'last-sequence-number': metadata.lastSequenceNumber,
    'last-updated-ms': metadata.lastUpdatedMs,
    'last-column-id': metadata.lastColumnId,
    'current-schema-id': metadata.currentSchemaId,
    schemas: metadata.schemas.map(schemaToJson),
    'default-spec-id': metadata.defaultSpecId,
    'partition-specs': metadata.partitionSpecs.map(partitionSpecToJson),
    'last-partition-id': metadata.lastPartitionId,
    'default-sort-order-id': metadata.defaultSortOrderId,
    'sort-orders': metadata.sortOrders.map(sortOrderToJson),
    properties: metadata.properties,
    // Absent would be legal too, but readers in the field look for Java's null or -1; null is the format's own.
    'current-snapshot-id': metadata.currentSnapshotId ?? null,
    refs: Object.fromEntries(
      Object.entries(metadata.refs).map(([name, ref]) => [name, snapshotRefToJson(ref)]),
    ),
    snapshots: metadata.snapshots.map(snapshotToJson),
    statistics: metadata.statistics.map(statisticsFileToJson),
    'partition-statistics': metadata.partitionStatistics.map(partitionStatisticsFileToJson),
    'snapshot-log': metadata.snapshotLog.map(snapshotLogEntryToJson),
    'metadata-log': metadata.metadataLog.map(metadataLogEntryToJson),
    ...metadata.extra,
  };
}

function snapshotLogEntryToJson({ timestampMs, snapshotId, extra }: SnapshotLogEntry): object {
  return { 'timestamp-ms': timestampMs, 'snapshot-id': snapshotId, ...extra };
}

function metadataLogEntryToJson({ timestampMs, metadataFile, extra }: MetadataLogEntry): object {
  return { 'timestamp-ms': timestampMs, 'metadata-file': metadataFile, ...extra };
}

function readSchemas(json: JsonFields, v1: boolean): Schema[] {
  // v1 files have `schema`, newer v1 files `schemas` too; v2 files should not have `schema`, which says nothing then.
  const only =
    v1 && !json.has('schemas') ? json.object('schema', (schema) => readSchema(schema, 0)) : undefined;
  json.raw('schema');
  const schemas = only === undefined ? json.objects('schemas', (schema) => readSchema(schema)) : [only];
  if (schemas.length === 0) throw json.error('is empty', 'schemas');
  return schemas;
}

function readSpecs(json: JsonFields, v1: boolean): PartitionSpec[] {
  const only = v1 && !json.has('partition-specs') ? readPartitionFields(json, 'partition-spec') : undefined;
  json.raw('partition-spec');
  return only === undefined
    ? json.objects('partition-specs', readPartitionSpec)
    : [{ specId: 0, fields: only }];
}

function readOrders(json: JsonFields, v1: boolean): SortOrder[] {
  return v1 && !json.has('sort-orders') ? [unsortedOrder] : json.objects('sort-orders', readSortOrder);
}

function readRefs(json: JsonFields, currentSnapshotId: bigint | undefined): Record<string, SnapshotRef> {
  const refs = json.objectMap('refs', readSnapshotRef);
  const main = Object.hasOwn(refs, mainBranch) ? refs[mainBranch]!.snapshotId : undefined;
  if (main === undefined && currentSnapshotId !== undefined) {
    return { ...refs, [mainBranch]: { snapshotId: currentSnapshotId, type: 'branch' } };
  }
  if (main !== currentSnapshotId) {
    throw json.error(
      `${currentSnapshotId ?? 'none'} does not match the main branch (${main})`,
      'current-snapshot-id',
    );
  }
  return refs;
}

function readEncryptionKeys(json: JsonFields): EncryptedKey[] | undefined {
  return json.optionalObjects('encryption-keys', (key) => {
    const encryptedById = key.optionalString('encrypted-by-id');
    const properties = key.optionalStringMap('properties');
    return {
      keyId: key.string('key-id'),
      encryptedKeyMetadata: key.string('encrypted-key-metadata'),
      ...(encryptedById !== undefined && { encryptedById }),
      ...(properties !== undefined && { properties }),
      ...key.extra(),
    };
  });
}

function highestPartitionId(specs: readonly PartitionSpec[]): number {
  return Math.max(
    firstPartitionFieldId - 1,
    ...specs.flatMap((spec) => spec.fields.map((field) => field.fieldId)),
  );
}

/** Whatever an id points at must be there, and no snapshot may be newer than the table's last sequence number. */
function checkReferences(metadata: TableMetadata, json: JsonFields): void {
  const { schemas, partitionSpecs, sortOrders, snapshots } = metadata;
  checkIds(
    json,
    'schemas',
    'current-schema-id',
    metadata.currentSchemaId,
    schemas.map((s) => s.schemaId),
  );
  checkIds(
    json,
    'partition-specs',
    'default-spec-id',
    metadata.defaultSpecId,
    partitionSpecs.map((s) => s.specId),
  );
  checkIds(
    json,
    'sort-orders',
    'default-sort-order-id',
    metadata.defaultSortOrderId,
    sortOrders.map((s) => s.orderId),
  );
  const snapshotIds = new Set<bigint>();
  for (const [index, snapshot] of snapshots.entries()) {
    if (snapshotIds.has(snapshot.snapshotId)) {
      throw json.error(`two snapshots have the id ${snapshot.snapshotId}`, `snapshots[${index}].snapshot-id`);
    }
    snapshotIds.add(snapshot.snapshotId);
    if (snapshot.sequenceNumber > metadata.lastSequenceNumber) {
      throw json.error(
        `${snapshot.sequenceNumber} is higher than last-sequence-number ${metadata.lastSequenceNumber}`,
        `snapshots[${index}].sequence-number`,
      );
    }
  }
  for (const [name, ref] of Object.entries(metadata.refs)) {
    if (!snapshotIds.has(ref.snapshotId)) {
      const key = name === mainBranch ? 'current-snapshot-id' : `refs.${name}`;
      throw json.error(`there is no snapshot with id ${ref.snapshotId}`, key);
    }
  }
}

function checkIds(json: JsonFields, list: string, key: string, id: number, ids: readonly number[]): void {
  if (new Set(ids).size !== ids.length) throw json.error('two entries have the same id', list);
  if (!ids.includes(id)) throw json.error(`there is no entry with id ${id} in ${list}`, key);
}

/**
 * `INVALID_ARGUMENT` for metadata that could not be read again once it is written: types do not keep a caller from
 * giving a schema whose column has no `required`, say. Costs a writing and a reading of all of it.
 */
export function checkReadable(metadata: TableMetadata): void {
  try {
    parseTableMetadata(formatTableMetadata(metadata), metadata.location);
  } catch (cause) {
    if (!IcebergError.is(cause)) throw cause;
    throw new IcebergError('INVALID_ARGUMENT', `such a table could not be read: ${cause.message}`, {
      cause,
      context: { location: metadata.location },
    });
  }
}
