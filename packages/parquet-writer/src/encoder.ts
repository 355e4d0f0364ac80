import type { ColumnBatch } from './column-batch.ts';
import type { FileOptions } from './options.ts';

/**
 * Writes Parquet files. An interface so that another engine can take the place of the default one; what
 * it says about errors, order and memory binds every implementation.
 */
export interface ParquetEncoder {
  /**
   * Begins a file. Any number may be open at once and they may be written concurrently; their row groups
   * are encoded one after the other, in the order in which they filled up.
   *
   * @throws ParquetWriterError `INVALID_OPTIONS`, `INVALID_SCHEMA`, `UNSUPPORTED_TYPE`, `ENCODER_CLOSED`
   */
  open(options: FileOptions): ParquetFileWriter;
  stats(): EncoderStats;
  /** Ends the encoder and its threads. Open files are lost: their calls reject with `ENCODER_CLOSED`. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What an encoder holds at the moment. */
export interface EncoderStats {
  /** Files that a worker holds a part of. */
  readonly openFiles: number;
  /** Threads alive: one, and each retiring one that still has an open file. */
  readonly workers: number;
  readonly workersStarted: number;
  readonly workersCrashed: number;
  /** Wasm heaps of the live workers together, as of their last reply. */
  readonly wasmHeapBytes: number;
}

/** One file being written. */
export interface ParquetFileWriter {
  /** Rows taken so far. */
  readonly rowCount: number;
  /**
   * Appends rows. The whole batch is checked first, before the call returns its promise: a refused batch
   * leaves the file as it was. Values are copied; **the batch must stay unchanged until the promise
   * resolves**, then it is the caller's again. It resolves when the rows are copied and all but one of
   * the file's full row groups are encoded: awaiting it bounds memory. Calls are taken in call order.
   *
   * @throws ParquetWriterError `RAGGED_BATCH`, `WRONG_TYPE`, `REQUIRED_NULL`, `VALUE_OUT_OF_RANGE`,
   * `VALUE_TOO_LARGE` (the file goes on); `WRITER_CLOSED`, `ENCODER_CRASHED`, `ENCODER_FAILED`,
   * `ENCODER_CLOSED` (the file is lost)
   */
  write(batch: ColumnBatch): Promise<void>;
  /**
   * Completes the file. Resolves with its bytes after its own footer was parsed and agreed with what was
   * written. A file without rows is a valid file.
   *
   * @throws ParquetWriterError `FOOTER_MISMATCH` and those of {@link write} that lose the file
   */
  finish(): Promise<ParquetFile>;
  /** Gives the file up and frees what it holds. Never rejects; does nothing after `finish`. */
  abort(): Promise<void>;
  /** {@link abort}. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A finished file and the metrics its manifest entry needs, under the names of Iceberg's `DataFile`
 * (https://iceberg.apache.org/spec/#manifests). Maps are keyed by field id.
 */
export interface ParquetFile {
  /** The whole file, in an ArrayBuffer of its own, which is the caller's. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly recordCount: number;
  readonly fileSizeInBytes: number;
  /** Compressed bytes of each leaf column. */
  readonly columnSizes: ReadonlyMap<number, number>;
  /** Values, nulls and NaNs included; for map keys and values those of the Parquet column. Not for mode `none`. */
  readonly valueCounts: ReadonlyMap<number, number>;
  readonly nullValueCounts: ReadonlyMap<number, number>;
  /** Float and double columns only. */
  readonly nanValueCounts: ReadonlyMap<number, number>;
  /** Single-value binary form; for modes `truncate(N)` and `full`. Absent where every value is null or NaN. */
  readonly lowerBounds: ReadonlyMap<number, Uint8Array>;
  /** As {@link lowerBounds}; also absent where truncation leaves nothing that can be incremented. */
  readonly upperBounds: ReadonlyMap<number, Uint8Array>;
  /** Start of each row group in the file, ascending; the first is 4. Empty for a file without rows. */
  readonly splitOffsets: readonly number[];
}
