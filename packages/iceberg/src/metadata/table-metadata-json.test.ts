import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { IcebergError } from '../errors.ts';
import { parseJson, stringifyJson } from '../json/json.ts';
import { currentSchema, type TableMetadata } from './table-metadata.ts';
import { formatTableMetadata, parseTableMetadata } from './table-metadata-json.ts';

const folder = join(import.meta.dirname, '../../test/fixtures/metadata');
const fixture = (name: string): string => readFileSync(join(folder, `${name}.json`), 'utf8');
const read = (name: string): TableMetadata => parseTableMetadata(fixture(name), `${name}.json`);

/** A fixture with one member changed (or, with undefined, taken away); the path is dotted. */
function changed(name: string, path: string, value: unknown): string {
  const json = parseJson(fixture(name)) as Record<string, unknown>;
  const keys = path.split('.');
  const parent = keys.slice(0, -1).reduce((object, key) => object[key] as Record<string, unknown>, json);
  if (value === undefined) delete parent[keys.at(-1)!];
  else parent[keys.at(-1)!] = value;
  return stringifyJson(json);
}

function failure(text: string): IcebergError {
  try {
    parseTableMetadata(text, 's3://b/t/00001-x.metadata.json');
  } catch (error) {
    expect(IcebergError.is(error)).toBe(true);
    return error as IcebergError;
  }
  throw new Error('the metadata was read');
}

test('a v1 file with the least there can be is read as a table of today', () => {
  const metadata = read('v1-minimal');
  expect(metadata).toMatchObject({
    formatVersion: 1,
    tableUuid: '',
    lastSequenceNumber: 0n,
    currentSchemaId: 0,
    defaultSpecId: 0,
    lastPartitionId: 1001,
    sortOrders: [{ orderId: 0, fields: [] }],
    snapshots: [],
    refs: {},
  });
  expect(metadata.currentSnapshotId).toBeUndefined();
  expect(metadata.partitionSpecs).toEqual([
    {
      specId: 0,
      fields: [
        { sourceId: 2, fieldId: 1000, name: 'region', transform: 'identity' },
        { sourceId: 1, fieldId: 1001, name: 'id_bucket', transform: 'bucket[16]' },
      ],
    },
  ]);
  expect(currentSchema(metadata).fields[2]!.type).toBe('decimal(9,2)');
  expect(metadata.extra).toBeUndefined();
});

test('a v1 file of a later writer: the lists count, and snapshots may name their manifests', () => {
  const metadata = read('v1-full');
  expect(currentSchema(metadata).fields[0]!.type).toBe('long');
  expect(metadata.currentSnapshotId).toBe(7591105599309644717n);
  expect(metadata.refs).toEqual({ main: { snapshotId: 7591105599309644717n, type: 'branch' } });
  expect(metadata.snapshots[0]).toMatchObject({
    manifestList: '',
    manifests: ['s3://bucket/db/events/metadata/m0.avro', 's3://bucket/db/events/metadata/m1.avro'],
    summary: {},
    sequenceNumber: 0n,
  });
  expect(metadata.extra).toBeUndefined();
});

test('a v2 file with the least there can be has its main branch', () => {
  const metadata = read('v2-minimal');
  expect(metadata.refs).toEqual({ main: { snapshotId: 9223372036854775807n, type: 'branch' } });
  expect(metadata.properties).toEqual({});
  expect(parseTableMetadata(formatTableMetadata(metadata))).toEqual(metadata);
});

test('a v2 file with everything says what it says', () => {
  const metadata = read('v2-full');
  expect(metadata.lastSequenceNumber).toBe(9007199254740993n);
  expect(metadata.currentSnapshotId).toBe(7591105599309644717n);
  expect(metadata.snapshots[1]).toEqual({
    snapshotId: 7591105599309644717n,
    parentSnapshotId: 3055729675574597004n,
    sequenceNumber: 9007199254740993n,
    timestampMs: 1602638573590,
    manifestList: 's3://bucket/test/location/metadata/snap-7591105599309644717-1-b.avro',
    summary: { operation: 'overwrite', 'total-records': '12345678901234567890' },
    schemaId: 1,
  });
  expect(metadata.refs.main!.maxSnapshotAgeMs).toBe(Number.POSITIVE_INFINITY);
  expect(metadata.refs.audit).toEqual({
    snapshotId: 3055729675574597004n,
    type: 'branch',
    minSnapshotsToKeep: 10,
    maxSnapshotAgeMs: 86400000,
    maxRefAgeMs: 604800000,
  });
  expect(currentSchema(metadata).identifierFieldIds).toEqual([1, 2]);
  expect(currentSchema(metadata).fields[6]!.type).toMatchObject({
    type: 'map',
    keyId: 9,
    valueId: 10,
    valueRequired: false,
  });
  expect(metadata.partitionSpecs[1]!.fields[2]!.transform).toBe('zorder[7]');
  expect(metadata.statistics[0]!.blobMetadata[0]!.properties).toEqual({ ndv: '7' });
  expect(metadata.extra).toBeUndefined();
});

test.each(['v2-full'])('%s is written back as it was, member for member', (name) => {
  expect(parseJson(formatTableMetadata(read(name)))).toEqual(parseJson(fixture(name)));
});

test('a v3 file is read with row ids, keys, defaults and its types, and not written', () => {
  const metadata = read('v3-full');
  expect(metadata.nextRowId).toBe(9007199254740995n);
  expect(metadata.snapshots[0]).toMatchObject({ firstRowId: 9007199254740993n, addedRows: 2n, keyId: 'k1' });
  expect(metadata.encryptionKeys).toHaveLength(1);
  expect(currentSchema(metadata).fields.map((field) => field.type)).toEqual([
    'long',
    'timestamptz_ns',
    'variant',
    'unknown',
    'geometry(srid:3857)',
    'geography(srid:4326, spherical)',
  ]);
  expect(currentSchema(metadata).fields[0]!.initialDefault).toBe(9007199254740993n);
  expect(metadata.partitionSpecs[0]!.fields).toEqual([
    { sourceId: 1, fieldId: 1000, name: 'x_bucket', transform: 'bucket[4]' },
    { sourceId: 1, sourceIds: [1, 2], fieldId: 1001, name: 'both', transform: 'bucketV2[4]' },
  ]);
  expect(() => formatTableMetadata(metadata)).toThrow(/^UNSUPPORTED_FORMAT_VERSION/);
});

test('v1 tables are read, not written', () => {
  expect(() => formatTableMetadata(read('v1-full'))).toThrow(/^UNSUPPORTED_FORMAT_VERSION/);
});

test('members nobody here knows come back at every level, with their numbers digit by digit', () => {
  const text = fixture('v2-full')
    .replace('"schema-id": 1,\n', '"schema-id": 1, "x": 1,\n')
    .replaceAll('"required": true', '"required": true, "x": 9007199254740993')
    .replaceAll('"element-id": 7', '"element-id": 7, "x": 1.50')
    .replaceAll('"key-id": 9', '"key-id": 9, "x": {"y": [null, true, -0]}')
    .replace('"spec-id": 1', '"spec-id": 1, "x": "s"')
    .replaceAll('"field-id": 1001', '"field-id": 1001, "x": []')
    .replace('"order-id": 3', '"order-id": 3, "x": 1e400')
    .replaceAll('"direction"', '"x": {}, "direction"')
    .replaceAll('"sequence-number"', '"x": 18446744073709551616, "sequence-number"')
    .replaceAll('"type": "tag"', '"type": "tag", "x": 0.10')
    .replaceAll('"statistics-path"', '"x": 2, "statistics-path"')
    .replaceAll('"metadata-file"', '"x": 3, "metadata-file"')
    .replace('"format-version": 2', '"format-version": 2, "__proto__": {"x": 4}');
  expect(text.match(/"x"/g)!.length).toBeGreaterThan(15);
  const metadata = parseTableMetadata(text);
  expect(stringifyJson(sorted(parseJson(formatTableMetadata(metadata))))).toBe(
    stringifyJson(sorted(parseJson(text))),
  );
});

/** The same value with the members of every object in one order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null || 'rawJSON' in value) return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([key, member]) => [key, sorted(member)]));
}

test.each([
  ['current-snapshot-id', -1, 'main'],
  ['current-snapshot-id', 7, 'current-snapshot-id'],
  ['current-schema-id', 9, 'current-schema-id'],
  ['default-spec-id', 9, 'default-spec-id'],
  ['default-sort-order-id', 9, 'default-sort-order-id'],
  ['last-sequence-number', 5, 'snapshots[1].sequence-number'],
  ['refs.end-of-week.snapshot-id', 5, 'refs.end-of-week'],
  ['refs.end-of-week.type', 'label', 'refs.end-of-week.type'],
  ['snapshots.1.snapshot-id', '1', 'snapshots[1].snapshot-id'],
  ['snapshots.1.snapshot-id', 1.5, 'snapshots[1].snapshot-id'],
  ['snapshots.1.snapshot-id', 2n ** 63n, 'snapshots[1].snapshot-id'],
  ['snapshots.1.snapshot-id', 3055729675574597004n, 'snapshots[1].snapshot-id'],
  ['snapshots.1.manifest-list', undefined, 'snapshots[1].manifest-list'],
  ['snapshots.1.summary', undefined, 'snapshots[1].summary'],
  ['snapshots.1.summary.operation', 1, 'snapshots[1].summary.operation'],
  ['snapshots.1.timestamp-ms', 2n ** 60n, 'snapshots[1].timestamp-ms'],
  ['schemas.1.fields.0.type', 'varchar', 'schemas[1].fields[0].type'],
  ['schemas.1.fields.0.type', 'decimal(39,2)', 'schemas[1].fields[0].type'],
  ['schemas.1.fields.0.id', 2, 'schemas[1].fields'],
  ['schemas.1.fields.0.name', 'y', 'schemas[1].fields'],
  ['schemas.1.identifier-field-ids', [99], 'schemas[1].identifier-field-ids'],
  ['schemas.1.fields.5.type.element-id', 2 ** 31, 'schemas[1].fields[5].type.element-id'],
  ['schemas.1.schema-id', 0, 'schemas'],
  ['schemas', [], 'schemas'],
  ['schemas', undefined, 'schemas'],
  ['partition-specs', undefined, 'partition-specs'],
  ['sort-orders', {}, 'sort-orders'],
  ['sort-orders.1.fields.0.direction', 'up', 'sort-orders[1].fields[0].direction'],
  ['last-partition-id', undefined, 'last-partition-id'],
  ['last-sequence-number', undefined, 'last-sequence-number'],
  ['table-uuid', undefined, 'table-uuid'],
  ['location', 7, 'location'],
  ['properties', { a: 1 }, 'properties.a'],
  ['properties', [], 'properties'],
  ['format-version', undefined, 'format-version'],
  ['format-version', '2', 'format-version'],
  ['format-version', 0, 'format-version'],
])('a v2 file with %s = %s is INVALID_METADATA and names the file and %s', (path, value, field) => {
  const error = failure(changed('v2-full', path, value));
  expect(error.code).toBe('INVALID_METADATA');
  expect(error.message).toContain('s3://b/t/00001-x.metadata.json');
  expect(error.message).toContain(field);
});

test.each(['', '{', '[]', 'null', '"x"', '{"format-version": 2}', `${'['.repeat(100_000)}`])(
  'text %# that is no table metadata is INVALID_METADATA',
  (text) => {
    expect(failure(text).code).toBe('INVALID_METADATA');
  },
);

test.each([200, 2000, 20_000])('a type nested %i deep is INVALID_METADATA, not a crash', (depth) => {
  const list = '{"type":"list","element-id":1,"element-required":true,"element":';
  const text = fixture('v2-minimal').replace(
    '"type": "long"',
    `"type": ${list.repeat(depth)}"int"${'}'.repeat(depth)}`,
  );
  expect(failure(text).code).toBe('INVALID_METADATA');
});

test('a format version newer than v3 is UNSUPPORTED_FORMAT_VERSION', () => {
  expect(failure(changed('v2-full', 'format-version', 4)).code).toBe('UNSUPPORTED_FORMAT_VERSION');
});

test('v3 needs next-row-id', () => {
  expect(failure(changed('v3-full', 'next-row-id', undefined)).message).toContain('next-row-id');
});
