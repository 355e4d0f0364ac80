import type { ValueStats } from '../expression/expression-stats.ts';
import { summaryStats } from '../expression/manifest-stats.ts';
import type { ManifestFile, PartitionValue } from '../manifest/data-file.ts';
import type { FilePartition } from '../manifest/partition-key.ts';
import { partitionTypes } from '../metadata/partition-spec-binding.ts';
import type { PrimitiveValue } from '../metadata/primitive-value.ts';
import type { PrimitiveType } from '../metadata/schema.ts';
import { compareValues } from '../metadata/single-value.ts';
import { currentSchema, partitionSpecById, type TableMetadata } from '../metadata/table-metadata.ts';

/** Whether some file of a manifest may be of one of these partitions, by what the manifest list says of it. */
export function manifestMayHold(
  manifest: ManifestFile,
  partitions: readonly FilePartition[],
  metadata: TableMetadata,
): boolean {
  const ofSpec = partitions.filter(({ specId }) => specId === manifest.partitionSpecId);
  if (ofSpec.length === 0) return false;
  if (manifest.partitions === undefined) return true;
  const spec = partitionSpecById(metadata, manifest.partitionSpecId);
  const types = partitionTypes(spec, [currentSchema(metadata), ...metadata.schemas.toReversed()]);
  const statsOf = summaryStats(manifest.partitions);
  const stats = types.map((type, position) => (type === undefined ? undefined : statsOf({ position, type })));
  return ofSpec.some(({ partition }) =>
    types.every((type, index) => {
      const known = stats[index];
      return type === undefined || known === undefined || mayBe(type, partition[index], known);
    }),
  );
}

function mayBe(type: PrimitiveType, value: PartitionValue | undefined, stats: ValueStats): boolean {
  if (value === undefined) return true;
  if (value === null) return stats.canBeNull;
  if (Number.isNaN(value)) return stats.canBeNaN;
  const { lower, upper, canBeValue } = stats;
  const wide = type === 'long' && typeof value === 'number' ? BigInt(value) : value;
  const notAbove = (left: PrimitiveValue | undefined, right: PrimitiveValue | undefined): boolean =>
    left === undefined || right === undefined || compareValues(type, left, right) <= 0;
  return canBeValue && notAbove(lower, wide) && notAbove(wide, upper);
}
