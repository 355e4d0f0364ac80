import type { WireError } from './errors.ts';
import type { FlatColumn } from './flat-column.ts';
import type { ResolvedMode } from './metrics-mode.ts';
import type { ColumnPlan } from './schema.ts';

/** Settings of one file as the worker needs them. Plain data. */
export interface WireFileOptions {
  readonly compression: 'zstd' | 'snappy' | 'none';
  readonly pageBytes: number;
  readonly keyValueMetadata: Readonly<Record<string, string>>;
  /** One per column plan. */
  readonly modes: readonly ResolvedMode[];
}

/** Facts about a finished file; see {@link ParquetFile}. */
export interface WireFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly recordCount: number;
  readonly columnSizes: ReadonlyMap<number, number>;
  readonly valueCounts: ReadonlyMap<number, number>;
  readonly nullValueCounts: ReadonlyMap<number, number>;
  readonly nanValueCounts: ReadonlyMap<number, number>;
  readonly lowerBounds: ReadonlyMap<number, Uint8Array>;
  readonly upperBounds: ReadonlyMap<number, Uint8Array>;
  readonly splitOffsets: readonly number[];
}

/**
 * To the worker. Handled strictly one after the other, whatever file they are for: at most one row group
 * is being encoded. Each but `open` is answered by exactly one {@link WorkerReply} for its file.
 */
export type WorkerRequest =
  | {
      readonly kind: 'open';
      readonly file: number;
      readonly plans: readonly ColumnPlan[];
      readonly options: WireFileOptions;
    }
  | {
      readonly kind: 'rowGroup';
      readonly file: number;
      readonly rowCount: number;
      readonly rawBytes: number;
      /** Transferred: the sender's buffers are detached. */
      readonly columns: readonly FlatColumn[];
    }
  | { readonly kind: 'finish'; readonly file: number }
  | { readonly kind: 'abort'; readonly file: number };

/** From the worker. After `finished`, `failed` or an answered `abort` the worker has forgotten the file. */
export type WorkerReply = { readonly file: number; readonly heapBytes: number } & (
  | { readonly kind: 'done' }
  | { readonly kind: 'finished'; readonly result: WireFile }
  | { readonly kind: 'failed'; readonly error: WireError }
);
