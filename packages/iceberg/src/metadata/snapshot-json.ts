import type { JsonFields } from '../json/json-fields.ts';
import type { Snapshot, SnapshotRef } from './snapshot.ts';

/** Spec, appendix C: https://iceberg.apache.org/spec/#table-metadata-and-snapshots */
export function readSnapshot(json: JsonFields, formatVersion: number): Snapshot {
  const parentSnapshotId = json.optionalLong('parent-snapshot-id');
  const schemaId = json.optionalInt('schema-id');
  const firstRowId = json.optionalLong('first-row-id');
  const addedRows = json.optionalLong('added-rows');
  const keyId = json.optionalString('key-id');
  const v1 = formatVersion === 1;
  // Snapshots of a table that was v1 may name their manifests themselves, for as long as they live.
  const manifestList =
    v1 || json.has('manifests') ? json.optionalString('manifest-list') : json.string('manifest-list');
  if (!v1 && !json.has('summary')) throw json.error('is missing (expected an object)', 'summary');
  return {
    snapshotId: json.long('snapshot-id'),
    ...(parentSnapshotId !== undefined && { parentSnapshotId }),
    // Java leaves the 0 of a v1 snapshot out, also once the table was upgraded.
    sequenceNumber: json.optionalLong('sequence-number') ?? 0n,
    timestampMs: json.safeLong('timestamp-ms'),
    manifestList: manifestList ?? '',
    ...(manifestList === undefined && { manifests: json.stringArray('manifests') }),
    summary: json.stringMap('summary'),
    ...(schemaId !== undefined && { schemaId }),
    ...(firstRowId !== undefined && { firstRowId }),
    ...(addedRows !== undefined && { addedRows }),
    ...(keyId !== undefined && { keyId }),
    ...json.extra(),
  };
}

export function snapshotToJson(snapshot: Snapshot): object {
  return {
    'sequence-number': snapshot.sequenceNumber,
    'snapshot-id': snapshot.snapshotId,
    'parent-snapshot-id': snapshot.parentSnapshotId,
    'timestamp-ms': snapshot.timestampMs,
    summary: snapshot.summary,
    ...(snapshot.manifests === undefined
      ? { 'manifest-list': snapshot.manifestList }
      : { manifests: snapshot.manifests }),
    'schema-id': snapshot.schemaId,
    'first-row-id': snapshot.firstRowId,
    'added-rows': snapshot.addedRows,
    'key-id': snapshot.keyId,
    ...snapshot.extra,
  };
}

export function readSnapshotRef(json: JsonFields): SnapshotRef {
  const type = json.string('type').toLowerCase();
  if (type !== 'branch' && type !== 'tag') throw json.error(`expected branch or tag`, 'type');
  const minSnapshotsToKeep = json.optionalInt('min-snapshots-to-keep');
  const maxSnapshotAgeMs = readAge(json, 'max-snapshot-age-ms');
  const maxRefAgeMs = readAge(json, 'max-ref-age-ms');
  return {
    snapshotId: json.long('snapshot-id'),
    type,
    ...(minSnapshotsToKeep !== undefined && { minSnapshotsToKeep }),
    ...(maxSnapshotAgeMs !== undefined && { maxSnapshotAgeMs }),
    ...(maxRefAgeMs !== undefined && { maxRefAgeMs }),
    ...json.extra(),
  };
}

export function snapshotRefToJson(ref: SnapshotRef): object {
  return {
    'snapshot-id': ref.snapshotId,
    type: ref.type,
    'min-snapshots-to-keep': ref.minSnapshotsToKeep,
    'max-snapshot-age-ms': ageToJson(ref.maxSnapshotAgeMs),
    'max-ref-age-ms': ageToJson(ref.maxRefAgeMs),
    ...ref.extra,
  };
}

const javaForever = 2n ** 63n - 1n;

/** Engines write Long.MAX_VALUE for "for ever": whatever a number cannot hold is Infinity here. */
function readAge(json: JsonFields, key: string): number | undefined {
  const age = json.optionalLong(key);
  if (age === undefined) return undefined;
  return age > BigInt(Number.MAX_SAFE_INTEGER) ? Number.POSITIVE_INFINITY : Number(age);
}

function ageToJson(age: number | undefined): number | bigint | undefined {
  return age === Number.POSITIVE_INFINITY ? javaForever : age;
}
