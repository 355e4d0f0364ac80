import { IcebergError } from '../errors.ts';
import type { FileIO } from './file-io.ts';

/** Reads a file, its failure as `IO_ERROR`. */
export async function readWholeFile(io: FileIO, location: string): Promise<Uint8Array> {
  return translated('read', location, () => io.readFile(location));
}

/** Writes a file that must not exist yet, its failure as `IO_ERROR`. */
export async function writeNewFile(io: FileIO, location: string, data: Uint8Array): Promise<void> {
  return translated('write', location, () => io.writeFile(location, data, { ifAbsent: true }));
}

/** Runs a FileIO call; what it throws becomes the cause of an `IO_ERROR` that says what and where. */
export async function translated<T>(what: string, location: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    throw asIoError(what, location, cause);
  }
}

/** What a FileIO call threw as the cause of an `IO_ERROR` that says what and where; an error of ours as it is. */
export function asIoError(what: string, location: string, cause: unknown): IcebergError {
  if (IcebergError.is(cause)) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new IcebergError('IO_ERROR', `cannot ${what} ${location}: ${reason}`, {
    cause,
    context: { location },
    retryable: (cause as { retryable?: unknown } | null)?.retryable === true,
  });
}
