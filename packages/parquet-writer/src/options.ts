import { ParquetWriterError } from './errors.ts';
import {
  DEFAULT_MAX_WASM_HEAP_BYTES,
  DEFAULT_PAGE_BYTES,
  DEFAULT_ROW_GROUP_BYTES,
  MAX_ROW_GROUP_BYTES,
} from './limits.ts';
import { type MetricsConfig, resolveModes } from './metrics-mode.ts';
import { type ColumnPlan, planColumns, type WriterField } from './schema.ts';
import type { WireFileOptions } from './worker-protocol.ts';

/** Settings of an encoder. */
export interface EncoderOptions {
  /**
   * The wasm heap, in bytes, beyond which a worker takes no new file and ends with its last open one.
   * The heap never shrinks by itself. Default 256 MiB, at least 64 MiB. Lower saves memory; each
   * replacement costs the start of a thread and the compilation of the engine (about 0.1 s of CPU).
   */
  readonly maxWasmHeapBytes?: number;
}

/** Settings of one file. */
export interface FileOptions {
  /** The columns, in file order. An Iceberg schema's `fields` fit as they are. */
  readonly fields: readonly WriterField[];
  /** Default `zstd` (at the engine's default level). `snappy` costs about half the CPU and a larger file. */
  readonly compression?: 'zstd' | 'snappy' | 'none';
  /**
   * The most raw (unencoded, uncompressed) bytes of a row group, 4 KiB … 32 MiB, default 16 MiB. What a
   * reader holds to read one, and what a file holds twice on the caller's side while it is written. A
   * larger single row gets a row group of its own.
   */
  readonly rowGroupBytes?: number;
  /**
   * About where a data page ends, in bytes, 4 KiB … 16 MiB, default 1 MiB: what a seek to one row reads
   * of each column. Pages of large rows end at the first row beyond it.
   */
  readonly pageBytes?: number;
  /** What the manifest and the footer say about each column. Default `truncate(16)`. */
  readonly metrics?: MetricsConfig;
  /** Key-value pairs for the footer. The engine adds `ARROW:schema`. */
  readonly keyValueMetadata?: Readonly<Record<string, string>>;
}

/** @throws ParquetWriterError `INVALID_OPTIONS` */
export function resolveEncoderOptions(options: EncoderOptions): Required<EncoderOptions> {
  refuseUnknown(options, ['maxWasmHeapBytes'], 'encoder');
  const { maxWasmHeapBytes = DEFAULT_MAX_WASM_HEAP_BYTES } = options;
  expectInteger('maxWasmHeapBytes', maxWasmHeapBytes, 64 * 1024 * 1024, 4 * 1024 * 1024 * 1024);
  return { maxWasmHeapBytes };
}

/** {@link FileOptions} with everything checked and filled in. */
export interface ResolvedFileOptions {
  readonly plans: readonly ColumnPlan[];
  readonly rowGroupBytes: number;
  readonly wire: WireFileOptions;
}

/** @throws ParquetWriterError `INVALID_OPTIONS`, `INVALID_SCHEMA`, `UNSUPPORTED_TYPE` */
export function resolveFileOptions(options: FileOptions): ResolvedFileOptions {
  const known = ['fields', 'compression', 'rowGroupBytes', 'pageBytes', 'metrics', 'keyValueMetadata'];
  refuseUnknown(options, known, 'file');
  const plans = planColumns(options.fields);
  const {
    compression = 'zstd',
    rowGroupBytes = DEFAULT_ROW_GROUP_BYTES,
    pageBytes = DEFAULT_PAGE_BYTES,
  } = options;
  if (!['zstd', 'snappy', 'none'].includes(compression)) {
    throw new ParquetWriterError(
      'INVALID_OPTIONS',
      `compression ${String(compression)} is not zstd, snappy or none`,
    );
  }
  expectInteger('rowGroupBytes', rowGroupBytes, 4 * 1024, MAX_ROW_GROUP_BYTES);
  expectInteger('pageBytes', pageBytes, 4 * 1024, 16 * 1024 * 1024);
  const keyValueMetadata = { ...options.keyValueMetadata };
  for (const [key, value] of Object.entries(keyValueMetadata)) {
    if (typeof value !== 'string' || key === 'ARROW:schema') {
      throw new ParquetWriterError(
        'INVALID_OPTIONS',
        `keyValueMetadata "${key}" is reserved or not a string`,
      );
    }
  }
  const modes = resolveModes(plans, options.metrics);
  return { plans, rowGroupBytes, wire: { compression, pageBytes, keyValueMetadata, modes } };
}

function refuseUnknown(options: object, known: readonly string[], what: string): void {
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw new ParquetWriterError('INVALID_OPTIONS', `${what} option "${unknown}" is unknown`, {
    context: { option: unknown },
  });
}

function expectInteger(name: string, value: number, minimum: number, maximum: number): void {
  if (Number.isSafeInteger(value) && value >= minimum && value <= maximum) return;
  throw new ParquetWriterError(
    'INVALID_OPTIONS',
    `${name} is ${String(value)}, not in ${minimum} … ${maximum}`,
    {
      context: { option: name },
    },
  );
}
