const BRAND = Symbol.for('@danube/parquet-writer/ParquetWriterError');

/**
 * Every way writing a file can fail. Codes are API; messages are for people and may change.
 *
 * | code | meaning | what to do |
 * |---|---|---|
 * | `INVALID_OPTIONS` | an option is unknown, of the wrong type or out of range | fix the call |
 * | `INVALID_SCHEMA` | no fields, a repeated name or field id, an id out of range | fix the schema |
 * | `UNSUPPORTED_TYPE` | the Iceberg type is valid but this encoder does not write it | use another column type |
 * | `RAGGED_BATCH` | a column's length differs from `rowCount`, or a column is unknown | fix the batch |
 * | `WRONG_TYPE` | a column or value is not what the field's type takes | fix the batch |
 * | `REQUIRED_NULL` | a required column is missing or holds a null | fix the batch |
 * | `VALUE_OUT_OF_RANGE` | a number, date or timestamp the type cannot hold | fix the value |
 * | `VALUE_TOO_LARGE` | one row is larger than the encoder takes | refuse the row upstream |
 * | `WRITER_CLOSED` | write or finish after finish, abort or a failure of the file | open a new file |
 * | `ENCODER_CLOSED` | the encoder was closed | create a new encoder |
 * | `ENCODER_CRASHED` | the worker thread died; its open files are lost | write the file again (retryable) |
 * | `ENCODER_FAILED` | the Parquet engine refused or did not finish a file | report it |
 * | `FOOTER_MISMATCH` | the finished file's footer contradicts what was written; the file was discarded | report it |
 */
export type ParquetWriterErrorCode =
  | 'INVALID_OPTIONS'
  | 'INVALID_SCHEMA'
  | 'UNSUPPORTED_TYPE'
  | 'RAGGED_BATCH'
  | 'WRONG_TYPE'
  | 'REQUIRED_NULL'
  | 'VALUE_OUT_OF_RANGE'
  | 'VALUE_TOO_LARGE'
  | 'WRITER_CLOSED'
  | 'ENCODER_CLOSED'
  | 'ENCODER_CRASHED'
  | 'ENCODER_FAILED'
  | 'FOOTER_MISMATCH';

/** Facts about a failure: column, row, value, limit, whatever helps to find it. Plain data. */
export type ParquetWriterErrorContext = Readonly<Record<string, string | number | boolean | undefined>>;

/** The one error class of this package. Recognise it with {@link ParquetWriterError.is}. */
export class ParquetWriterError extends Error {
  readonly code: ParquetWriterErrorCode;
  readonly context: ParquetWriterErrorContext;
  /** Whether doing the same again can succeed. Only true for `ENCODER_CRASHED`. */
  readonly retryable: boolean;

  constructor(
    code: ParquetWriterErrorCode,
    message: string,
    options: { context?: ParquetWriterErrorContext; cause?: unknown } = {},
  ) {
    super(`${code}: ${message}`, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'ParquetWriterError';
    this.code = code;
    this.context = options.context ?? {};
    this.retryable = code === 'ENCODER_CRASHED';
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** True for errors of this class, also those of another installed copy of the package. */
  static is(value: unknown): value is ParquetWriterError {
    return typeof value === 'object' && value !== null && BRAND in value;
  }
}

/** An error as plain data, so that it can cross from the worker; see {@link fromWire}. */
export interface WireError {
  readonly code: ParquetWriterErrorCode;
  readonly message: string;
  readonly context: ParquetWriterErrorContext;
  readonly stack: string | undefined;
}

/** Flattens any thrown value for `postMessage`; what is not ours becomes `ENCODER_FAILED`. */
export function toWire(error: unknown): WireError {
  if (ParquetWriterError.is(error)) {
    const message = error.message.slice(error.code.length + 2);
    return { code: error.code, message, context: error.context, stack: error.stack };
  }
  const message = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? error.stack : undefined;
  return { code: 'ENCODER_FAILED', message, context: {}, stack };
}

/** Rebuilds an error that came from the worker; the worker's stack is kept as the cause. */
export function fromWire(wire: WireError): ParquetWriterError {
  return new ParquetWriterError(wire.code, wire.message, { context: wire.context, cause: wire.stack });
}
