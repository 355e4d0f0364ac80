import type { Expression } from '../expression/expression.ts';
import { bindExpression } from '../expression/expression-binding.ts';
import { projectToPartition } from '../expression/expression-projection.ts';
import { mayMatch } from '../expression/expression-stats.ts';
import { summaryStats } from '../expression/manifest-stats.ts';
import type { DataFile, ManifestEntry, ManifestFile } from '../manifest/data-file.ts';
import { type FilePartition, partitionKey } from '../manifest/partition-key.ts';
import { currentSchema, partitionSpecById, type TableMetadata } from '../metadata/table-metadata.ts';
import { createFileMatcher, type FileMatch } from '../scan/file-match.ts';
import { manifestMayHold } from './manifest-partitions.ts';

/** What is to be taken out of a table. Each part may be absent; a file goes if one of them says so. */
export interface FileRemoval {
  /** Files by location, whatever their partition. */
  readonly paths?: readonly string[];
  /** Files by location, looked for only where their partition may be. */
  readonly files?: readonly DataFile[];
  /** Every file of these partitions. */
  readonly partitions?: readonly FilePartition[];
  /** Every file of which all rows match. */
  readonly filter?: Expression;
}

/** Whether a file goes: `some` when only a part of its rows is to be removed, for all one knows. */
export type RemovalMatch = 'all' | 'some' | 'none';

/** A removal as it applies to one state of a table. */
export interface RemovalTest {
  /** False only if none of the manifest's files is to be removed; known without reading it. */
  mayHold(manifest: ManifestFile): boolean;
  match(entry: ManifestEntry): RemovalMatch;
}

/** Whether anything is asked to be removed at all. */
export function isRemoving({ paths = [], files = [], partitions = [], filter }: FileRemoval): boolean {
  return paths.length + files.length + partitions.length > 0 || filter !== undefined;
}

/** The files that are named: they must be there to be removed. */
export function namedFiles({ paths = [], files = [] }: FileRemoval): readonly string[] {
  return [...paths, ...files.map((file) => file.filePath)];
}

/** The test for data files; `INVALID_ARGUMENT` when the filter does not fit the current schema. */
export function dataFileRemoval(removal: FileRemoval, metadata: TableMetadata): RemovalTest {
  return removalTest(removal, metadata, (file) => file);
}

/**
 * The test for delete files: as for data files, and those that are too old to concern any live data file.
 *
 * @param minSequenceNumber the least data sequence number of live data files
 */
export function deleteFileRemoval(
  removal: FileRemoval,
  metadata: TableMetadata,
  minSequenceNumber: bigint,
): RemovalTest {
  const test = removalTest(removal, metadata, describedRows);
  // 0 in tables that were v1, where it says nothing.
  const isOld = (number: bigint): boolean => number > 0n && number < minSequenceNumber;
  return {
    mayHold: (manifest) => isOld(manifest.minSequenceNumber) || test.mayHold(manifest),
    match: (entry) => {
      if (isOld(entry.sequenceNumber)) return 'all';
      // It may still concern rows that stay.
      return test.match(entry) === 'all' ? 'all' : 'none';
    },
  };
}

/**
 * A delete file with only those metrics that are true of the rows it deletes: position deletes have metrics of
 * paths, equality deletes may carry columns that they do not compare.
 */
export function describedRows(file: DataFile): DataFile {
  const { valueCounts, nullValueCounts, nanValueCounts, lowerBounds, upperBounds } = file;
  const { content, equalityIds = [] } = file;
  const compared = new Set(content === 'equality-deletes' ? equalityIds : []);
  const only = <V>(map: ReadonlyMap<number, V> = new Map()): ReadonlyMap<number, V> =>
    new Map([...map].filter(([id]) => compared.has(id)));
  return {
    ...file,
    valueCounts: only(valueCounts),
    nullValueCounts: only(nullValueCounts),
    nanValueCounts: only(nanValueCounts),
    lowerBounds: only(lowerBounds),
    upperBounds: only(upperBounds),
  };
}

function removalTest(
  removal: FileRemoval,
  metadata: TableMetadata,
  rowsOf: (file: DataFile) => DataFile,
): RemovalTest {
  const { paths = [], files = [], partitions = [], filter } = removal;
  const named = new Set(namedFiles(removal));
  const dropped = new Set(partitions.map(partitionKey));
  const sought = [...files, ...partitions];
  const inFilter = filter === undefined ? undefined : filterTest(filter, metadata);
  return {
    mayHold: (manifest) =>
      paths.length > 0 || manifestMayHold(manifest, sought, metadata) || inFilter?.mayHold(manifest) === true,
    match: ({ dataFile }) => {
      if (named.has(dataFile.filePath)) return 'all';
      if (dropped.size > 0 && dropped.has(partitionKey(dataFile))) return 'all';
      const match: FileMatch = inFilter?.match(rowsOf(dataFile)) ?? 'none';
      return match === 'maybe-some' ? 'some' : match;
    },
  };
}

interface FilterTest {
  mayHold(manifest: ManifestFile): boolean;
  match(file: DataFile): FileMatch;
}

/** A row filter put to manifests and files. */
export function filterTest(filter: Expression, metadata: TableMetadata): FilterTest {
  const schema = currentSchema(metadata);
  const bound = bindExpression(schema, filter);
  return {
    match: createFileMatcher(filter, schema, metadata.partitionSpecs),
    mayHold: ({ partitions, partitionSpecId }) =>
      partitions === undefined ||
      mayMatch(
        projectToPartition(schema, partitionSpecById(metadata, partitionSpecId), bound),
        summaryStats(partitions),
      ),
  };
}
