import type { DeleteFileCache } from '../deletes/delete-file-cache.ts';
import type { Expression } from '../expression/expression.ts';
import type { ManifestListCache } from '../manifest/manifest-list-cache.ts';
import { checkOptions, type OptionKeys } from '../options.ts';
import { type AppendRange, rangeKeys } from './append-range.ts';
import { type SnapshotSelection, selectionKeys } from './snapshot-selection.ts';

/** What to plan, whatever the snapshots. */
export interface PlanOptions {
  /** Rows wanted. Default all. */
  readonly filter?: Expression;
  /** Manifest lists read before, to save reading them again. */
  readonly cache?: ManifestListCache;
}

/** What to plan of one snapshot. */
export interface PlanFilesOptions extends PlanOptions, SnapshotSelection {}

/** What to plan of what several snapshots appended. */
export interface PlanAppendsOptions extends PlanOptions, AppendRange {}

/** How to read the rows of a task. */
export interface ReadTaskOptions {
  /** Names of top-level columns, in the order wanted. Default all of the schema. */
  readonly columns?: readonly string[];
  /** About how many bytes of values a batch holds. Default 8 MiB; see `ReadBatchesOptions`. */
  readonly batchBytes?: number;
  /**
   * What was read of delete files before. Default a new one of 64 MiB for each scan, and for each `readTask`: give the
   * tasks of one table one to share, or every task reads its delete files anew.
   */
  readonly deleteCache?: DeleteFileCache;
}

/** What to scan. */
export interface ScanOptions extends PlanFilesOptions, ReadTaskOptions {}

/** What to scan of the rows that several snapshots appended. */
export interface ScanAppendsOptions extends PlanAppendsOptions, ReadTaskOptions {}

const commonKeys: OptionKeys<PlanOptions & ReadTaskOptions> = {
  filter: true,
  cache: true,
  columns: true,
  batchBytes: true,
  deleteCache: true,
};

/**
 * Of every function that plans or reads a snapshot: whoever plans and reads apart may give both the same options.
 *
 * @throws IcebergError `INVALID_ARGUMENT` for a key that a scan does not have
 */
export function checkScanOptions(of: string, options: ScanOptions): void {
  checkOptions(of, options, { ...commonKeys, ...selectionKeys });
}

/** As {@link checkScanOptions}, of what several snapshots appended. */
export function checkAppendOptions(of: string, options: ScanAppendsOptions): void {
  checkOptions(of, options, { ...commonKeys, ...rangeKeys });
}

/** As {@link checkScanOptions}, of a task of either. */
export function checkReadOptions(of: string, options: ReadTaskOptions): void {
  checkOptions<ScanOptions & ScanAppendsOptions>(of, options, {
    ...commonKeys,
    ...selectionKeys,
    ...rangeKeys,
  });
}
