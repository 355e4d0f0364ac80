import { IcebergError } from '../errors.ts';
import { UnsupportedCodecError } from './parquet-compression.ts';

/** `DATA_FILE_CORRUPT` for a file, with what is wrong with it. */
export function corruptDataFile(location: string, problem: string, cause?: unknown): IcebergError {
  return new IcebergError('DATA_FILE_CORRUPT', `${location}: ${problem}`, {
    context: { location },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** `UNSUPPORTED_FEATURE` for a file that is sound but beyond this release. */
export function unsupportedDataFile(location: string, problem: string, cause?: unknown): IcebergError {
  return new IcebergError('UNSUPPORTED_FEATURE', `${location}: ${problem}`, {
    context: { location },
    ...(cause === undefined ? {} : { cause }),
  });
}

/**
 * Runs code that decodes a file's bytes; whatever it throws (a length that makes no sense, a `RangeError`, a
 * decompressor's complaint) becomes a typed error that names the file and the place. Errors that are typed
 * already pass.
 */
export function decoding<T>(location: string, what: string, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    if (IcebergError.is(cause)) throw cause;
    const problem = `${what}: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw cause instanceof UnsupportedCodecError
      ? unsupportedDataFile(location, problem, cause)
      : corruptDataFile(location, problem, cause);
  }
}
