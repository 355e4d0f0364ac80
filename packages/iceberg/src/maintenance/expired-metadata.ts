import type { TableUpdate } from '../catalog/table-update.ts';
import type { FileIO } from '../io/file-io.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';
import { collectManifests } from './reachable-files.ts';

const concurrency = 8;

/**
 * Removes the partition specs that no manifest of the snapshots that stay was written with, and the schemas that none
 * of them was made under; the default spec and the current schema stay. Reads the manifest lists of those snapshots.
 */
export async function removeUnusedMetadata(
  io: FileIO,
  metadata: TableMetadata,
  retainedIds: ReadonlySet<bigint>,
): Promise<readonly TableUpdate[]> {
  const retained = metadata.snapshots.filter((snapshot) => retainedIds.has(snapshot.snapshotId));
  const manifests = await collectManifests(io, retained, concurrency);
  const specs = new Set([metadata.defaultSpecId]);
  for (const manifest of manifests.values()) specs.add(manifest.partitionSpecId);
  const schemas = new Set<number | undefined>([metadata.currentSchemaId]);
  for (const snapshot of retained) schemas.add(snapshot.schemaId);
  const specIds = metadata.partitionSpecs.map((spec) => spec.specId).filter((id) => !specs.has(id));
  const schemaIds = metadata.schemas.map((schema) => schema.schemaId).filter((id) => !schemas.has(id));
  return [
    ...(specIds.length === 0 ? [] : [{ action: 'remove-partition-specs', specIds } as const]),
    ...(schemaIds.length === 0 ? [] : [{ action: 'remove-schemas', schemaIds } as const]),
  ];
}
