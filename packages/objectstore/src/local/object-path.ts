import { ObjectStoreError } from '../errors.ts';
import { parseKey } from '../key.ts';
import { TEMP_DIRECTORY } from './temp-files.ts';

const MAX_SEGMENT_BYTES = 255;

/** Where the file of an object is. */
export interface ObjectPath {
  /** The names of the directories from the root down. */
  readonly directories: readonly string[];
  /** The file's name in the last of them. */
  readonly name: string;
}

/**
 * The place of a key. Errors: `INVALID_PATH` for what is no key (see `parseKey`), for keys in the directory of
 * temporary files, and for segments longer than a file name can be.
 */
export function locate(key: string): ObjectPath {
  const segments = parseKey(key);
  if (segments[0] === TEMP_DIRECTORY) {
    throw new ObjectStoreError('INVALID_PATH', `"${TEMP_DIRECTORY}" is reserved`, { context: { key } });
  }
  if (segments.some((segment) => Buffer.byteLength(segment) > MAX_SEGMENT_BYTES)) {
    throw new ObjectStoreError('INVALID_PATH', `a segment is longer than ${MAX_SEGMENT_BYTES} bytes`, {
      context: { key, maxSegmentBytes: MAX_SEGMENT_BYTES },
    });
  }
  return { directories: segments.slice(0, -1), name: segments.at(-1) ?? '' };
}
