import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { IcebergError, type IcebergErrorCode } from '../errors.ts';
import { isRawJson, type JsonObject, type JsonValue, parseJson } from '../json/json.ts';
import { formatTableMetadata, parseTableMetadata } from './table-metadata-json.ts';

/** Metadata files of other projects' test suites; test/fixtures/README.md says whose and of which commit. */
const folder = join(import.meta.dirname, '../../test/fixtures/metadata');
const files = ['java', 'rust'].flatMap((source) =>
  readdirSync(join(folder, source)).map((name) => `${source}/${name}`),
);
const textOf = (file: string) => readFileSync(join(folder, file), 'utf8');

/** Files that must be refused, and what has to be said of them. */
const refused: Readonly<Record<string, readonly [code: IcebergErrorCode, problem: string]>> = {
  'java/TableMetadataUnsupportedVersion.json': ['UNSUPPORTED_FORMAT_VERSION', 'format version 42'],
  'java/TableMetadataV2CurrentSchemaNotFound.json': ['INVALID_METADATA', 'last-partition-id: is missing'],
  'java/TableMetadataV2MissingLastPartitionId.json': ['INVALID_METADATA', 'last-partition-id: is missing'],
  'java/TableMetadataV2MissingPartitionSpecs.json': ['INVALID_METADATA', 'partition-specs: is missing'],
  'java/TableMetadataV2MissingSchemas.json': ['INVALID_METADATA', 'schemas: is missing'],
  'java/TableMetadataV2MissingSortOrder.json': ['INVALID_METADATA', 'sort-orders: is missing'],
  // Its authors read no v3 yet; it is no valid v3 file either.
  'rust/TableMetadataUnsupportedVersion.json': ['INVALID_METADATA', 'schemas: is missing'],
  'rust/TableMetadataV1NoValidSchema.json': ['INVALID_METADATA', 'current-schema-id: is missing'],
  // iceberg-rust takes the highest spec; Java refuses, and so do we: nothing says which spec it is.
  'rust/TableMetadataV1PartitionSpecsWithoutDefaultId.json': ['INVALID_METADATA', 'default-spec-id'],
  'rust/TableMetadataV2CurrentSchemaNotFound.json': [
    'INVALID_METADATA',
    'current-schema-id: there is no entry with id 2',
  ],
};

/**
 * Paths of members that `now` has lost or changed. Members that say nothing may be gone: null, and -1 for no
 * current snapshot.
 */
function losses(before: JsonValue, now: JsonValue | undefined, path = ''): string[] {
  if (path === '.current-snapshot-id' && (before === -1 || before === -1n)) return [];
  if (before === null && now === undefined) return [];
  if (Array.isArray(before)) {
    if (!Array.isArray(now) || now.length !== before.length) return [path];
    return before.flatMap((item, at) => losses(item, now[at], `${path}[${at}]`));
  }
  if (typeof before === 'object' && before !== null && !isRawJson(before)) {
    if (typeof now !== 'object' || now === null || Array.isArray(now)) return [path];
    const members = now as JsonObject;
    return Object.entries(before).flatMap(([key, value]) => losses(value, members[key], `${path}.${key}`));
  }
  const same =
    typeof before === 'number' || typeof before === 'bigint'
      ? String(before) === String(now)
      : before === now;
  return same ? [] : [path];
}

describe('metadata files of other projects', () => {
  const valid = files.filter((file) => !(file in refused));

  test('all of them are here, and each is judged', () => {
    expect(files).toHaveLength(24);
    expect(valid).toHaveLength(14);
  });

  test.each(valid)('%s is read as it says', (file) => {
    const json = parseJson(textOf(file)) as JsonObject;
    const metadata = parseTableMetadata(textOf(file), file);
    expect(metadata.formatVersion).toBe(json['format-version']);
    expect(metadata.tableUuid).toBe(json['table-uuid']);
    expect(metadata.location).toBe(json['location']);
    expect(metadata.lastColumnId).toBe(json['last-column-id']);
    const schemas = (json['schemas'] ?? [json['schema']]) as { fields: { name: string; id: number }[] }[];
    expect(metadata.schemas.map(({ fields }) => fields.map(({ id, name }) => [id, name]))).toEqual(
      schemas.map(({ fields }) => fields.map(({ id, name }) => [id, name])),
    );
    const snapshots = (json['snapshots'] ?? []) as JsonObject[];
    expect(metadata.snapshots.map(({ snapshotId }) => String(snapshotId))).toEqual(
      snapshots.map((snapshot) => String(snapshot['snapshot-id'])),
    );
  });

  const writable = valid.filter((file) => parseTableMetadata(textOf(file), file).formatVersion === 2);

  test.each(writable)('%s comes through reading and writing without loss', (file) => {
    const metadata = parseTableMetadata(textOf(file), file);
    const written = formatTableMetadata(metadata);
    expect(parseTableMetadata(written, file)).toEqual(metadata);
    expect(losses(parseJson(textOf(file)), parseJson(written))).toEqual([]);
  });

  test.each(Object.entries(refused))('%s is refused', (file, [code, problem]) => {
    let thrown: unknown;
    try {
      parseTableMetadata(textOf(file), `s3://bucket/${file}`);
    } catch (error) {
      thrown = error;
    }
    expect(IcebergError.is(thrown, code)).toBe(true);
    expect((thrown as Error).message).toContain(`s3://bucket/${file}`);
    expect((thrown as Error).message).toContain(problem);
  });
});
