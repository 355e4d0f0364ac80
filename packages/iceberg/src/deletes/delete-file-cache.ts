import { IcebergError } from '../errors.ts';
import { checkOptions } from '../options.ts';

/** Something read from a delete file, and about how much memory it takes. */
export interface CachedDeletes<T> {
  readonly value: T;
  readonly sizeBytes: number;
}

/**
 * Keeps what was read of delete files by location, so that one that concerns many data files is read once. Delete
 * files never change, so a cache cannot be stale; it may be shared by any number of scans, at once too.
 */
export interface DeleteFileCache {
  /** The most it keeps beyond what scans have in use. */
  readonly maxBytes: number;
  /** Gives what is kept under the key, or reads it; those who ask meanwhile wait for the same reading. */
  load<T>(key: string, read: () => Promise<CachedDeletes<T>>): Promise<T>;
}

const defaultMaxBytes = 64 * 1024 * 1024;

/**
 * A cache of what was used last.
 *
 * @param options.maxBytes default 64 MiB. Less than the delete files of one partition means that they are read anew
 *   for each of its data files; 0 keeps nothing.
 * @throws IcebergError `INVALID_ARGUMENT` when it is no size, or for another option
 */
export function createDeleteFileCache(options: { readonly maxBytes?: number } = {}): DeleteFileCache {
  checkOptions('createDeleteFileCache', options, { maxBytes: true });
  const { maxBytes = defaultMaxBytes } = options;
  if (maxBytes >= 0) return new RecentDeletes(maxBytes);
  throw new IcebergError('INVALID_ARGUMENT', `a cache cannot hold ${maxBytes} bytes`, {
    context: { maxBytes },
  });
}

class RecentDeletes implements DeleteFileCache {
  readonly maxBytes: number;
  /** Least recently used first. */
  readonly #kept = new Map<string, CachedDeletes<unknown>>();
  readonly #reading = new Map<string, Promise<unknown>>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  async load<T>(key: string, read: () => Promise<CachedDeletes<T>>): Promise<T> {
    const kept = this.#kept.get(key);
    if (kept) {
      this.#kept.delete(key);
      this.#kept.set(key, kept);
      return kept.value as T;
    }
    const reading = this.#reading.get(key) ?? this.#read(key, read);
    return reading as Promise<T>;
  }

  #read<T>(key: string, read: () => Promise<CachedDeletes<T>>): Promise<T> {
    const reading = read()
      .then((deletes) => {
        this.#keep(key, deletes);
        return deletes.value;
      })
      // A failure is for those who wait for it; the next one reads again.
      .finally(() => this.#reading.delete(key));
    this.#reading.set(key, reading);
    return reading;
  }

  #keep(key: string, deletes: CachedDeletes<unknown>): void {
    if (deletes.sizeBytes > this.maxBytes) return;
    this.#kept.set(key, deletes);
    this.#bytes += deletes.sizeBytes;
    for (const [oldest, { sizeBytes }] of this.#kept) {
      if (this.#bytes <= this.maxBytes) return;
      this.#kept.delete(oldest);
      this.#bytes -= sizeBytes;
    }
  }
}
