import {
  allDataFiles,
  allDeleteFiles,
  allFiles,
  dataFiles,
  deleteFiles,
  entries,
  files,
} from './file-tables.ts';
import { allManifests, manifests } from './manifest-tables.ts';
import { partitions } from './partition-table.ts';
import { history, metadataLogEntries, refs, snapshots } from './snapshot-tables.ts';

/**
 * A table's metadata as rows: Iceberg's metadata tables, with their columns in camelCase. Those that the table
 * metadata itself holds are arrays; those that need manifests are async iterables over a `FileIO`, which read as they
 * are taken, start anew each time they are iterated, and hold one manifest in memory:
 *
 * ```ts
 * metadataTables.history(metadata).at(-1)?.madeCurrentAtMs;
 * metadataTables.metadataLogEntries(metadata, metadataLocation).at(0)?.file;
 * for await (const file of metadataTables.files(metadata, io, { ref: 'audit' })) console.log(file.filePath);
 * for await (const { partition, fileCount } of metadataTables.partitions(metadata, io)) console.log(partition, fileCount);
 * ```
 *
 * `manifests`, `entries`, `files`, `dataFiles`, `deleteFiles` and `partitions` show the current snapshot, or the one
 * that `snapshotId`, `ref` or `asOfTimestampMs` selects; partitions and metrics have the names of the table's present
 * specs and schema.
 */
export const metadataTables = {
  history,
  snapshots,
  refs,
  metadataLogEntries,
  manifests,
  entries,
  files,
  dataFiles,
  deleteFiles,
  partitions,
  allManifests,
  allFiles,
  allDataFiles,
  allDeleteFiles,
} as const;
