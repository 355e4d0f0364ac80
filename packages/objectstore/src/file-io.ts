import { ObjectStoreError } from './errors.ts';
import { parseKey } from './key.ts';
import type { ObjectStore } from './object-store.ts';

/**
 * Whole files by full location. It has the shape of the `FileIO` of `@danube/iceberg` without depending on it; a type
 * test keeps the two together. Errors are `ObjectStoreError`s; `NOT_FOUND` and `ALREADY_EXISTS` mean what they say.
 */
export interface StoreFileIO {
  readFile(location: string): Promise<Uint8Array>;
  /** Exactly the bytes from `start` up to, not including, `endExclusive`; fewer is `INVALID_RANGE`. */
  readRange(location: string, start: number, endExclusive: number): Promise<Uint8Array>;
  fileSize(location: string): Promise<number>;
  /** Durable when it resolves, see `ObjectStore.put`. */
  writeFile(location: string, data: Uint8Array, options?: { ifAbsent?: boolean }): Promise<void>;
  /** Not an error if there is no such file. */
  deleteFile(location: string): Promise<void>;
  /**
   * Deletes many files with few requests, each as `deleteFile`. Resolves with those that could not be deleted and why,
   * one that is not below the base too; all others are gone. See `ObjectStore.deleteMany`.
   */
  deleteFiles(
    locations: readonly string[],
  ): Promise<readonly { readonly location: string; readonly error: unknown }[]>;
  /**
   * All files whose location starts with `prefix`: any text, so end it with a slash for a directory. Locations begin
   * with `prefix` as it is spelled; what comes behind it is literal. Pages are read as they are taken, see
   * `ObjectStore.list` for files that come or go meanwhile.
   */
  listFiles(prefix: string): AsyncIterable<ListedFile>;
}

/** A file of a listing. */
export interface ListedFile {
  readonly location: string;
  readonly sizeBytes: number;
  /** Milliseconds since the epoch, by the store's clock. */
  readonly lastModifiedMs: number;
}

export interface FileIOOptions {
  readonly store: ObjectStore;
  /**
   * The location of the store's root, such as `file:///var/lib/danube/warehouse` (see `localBaseUri`) or
   * `memory:///`. Locations that are not below it are refused.
   */
  readonly baseUri: string;
}

/**
 * Makes a store usable by full locations: a location is `baseUri` + `/` + key.
 *
 * **Text behind the base is taken literally**, percent signs included: that is what PyIceberg, Java's Hadoop paths and
 * DuckDB do, and engines write partition directories such as `topic=%2Fdefault%2Forders` whose names on disk contain
 * the percent signs. Decoding would open another file than they do. The base itself matches in its literal and in its
 * percent-encoded spelling (`/my data` and `/my%20data`), and `file:/p`, `file:///p` and `file://localhost/p` are
 * one.
 *
 * Errors: `INVALID_ARGUMENT` for a base that is no absolute URI and for locations outside it; else those of the store.
 */
export function createFileIO(options: FileIOOptions): StoreFileIO {
  const { store } = options;
  const base = parseLocation(options.baseUri);
  if (base === undefined)
    throw badLocation(options.baseUri, 'is not an absolute URI (scheme://…)', options.baseUri);
  // A base may be written with or without slashes at its end.
  const below = {
    ...base,
    segments: base.segments.slice(0, base.segments.findLastIndex((s) => s !== '') + 1),
  };
  const keyOf = (location: string) => keyBelow(below, location, options.baseUri);

  return {
    readFile: async (location) => (await store.get(keyOf(location))).bytes,

    async readRange(location, start, endExclusive) {
      const { bytes } = await store.get(keyOf(location), { range: { start, endExclusive } });
      if (bytes.byteLength === endExclusive - start) return bytes;
      const context = { location, start, endExclusive, gotBytes: bytes.byteLength };
      throw new ObjectStoreError('INVALID_RANGE', `[${start}, ${endExclusive}) ends behind ${location}`, {
        context,
      });
    },

    fileSize: async (location) => (await store.head(keyOf(location))).sizeBytes,

    async writeFile(location, data, writeOptions) {
      await store.put(keyOf(location), data, { ifAbsent: writeOptions?.ifAbsent ?? false });
    },

    deleteFile: async (location) => store.delete(keyOf(location)),

    async deleteFiles(locations) {
      const { keys, failed } = keysOf(locations, keyOf);
      const failures = await store.deleteMany([...new Set(keys.values())]);
      const errors = new Map(failures.map(({ key, error }) => [key, error]));
      for (const [location, key] of keys) if (errors.has(key)) failed.set(location, errors.get(key));
      return [...failed].map(([location, error]) => ({ location, error }));
    },

    async *listFiles(prefix) {
      const keyPrefix = prefixBelow(below, prefix, options.baseUri);
      for await (const { objects } of store.list(keyPrefix)) {
        for (const { key, sizeBytes, lastModifiedMs } of objects) {
          yield { location: prefix + key.slice(keyPrefix.length), sizeBytes, lastModifiedMs };
        }
      }
    },
  };
}

/** The key of each location, and the errors of those that have none: one of them must not keep the others. */
function keysOf(locations: readonly string[], keyOf: (location: string) => string) {
  const keys = new Map<string, string>();
  const failed = new Map<string, unknown>();
  for (const location of locations) {
    try {
      keys.set(location, keyOf(location));
    } catch (error) {
      failed.set(location, error);
    }
  }
  return { keys, failed };
}

/**
 * The base URI of a local root: `file://` + the absolute path, spelled literally. Percent-encoding it, as `URL` does,
 * would make other engines look for a directory with percent signs in its name.
 *
 * Errors: `INVALID_ARGUMENT` for a path that is not absolute.
 */
export function localBaseUri(root: string): string {
  if (!root.startsWith('/')) throw badLocation(root, 'is not an absolute path', root);
  return `file://${root.replace(/\/+$/, '')}`;
}

interface Location {
  /** Scheme and authority, comparable. */
  readonly origin: string;
  readonly segments: readonly string[];
}

function parseLocation(text: string): Location | undefined {
  const parts = /^([A-Za-z][A-Za-z0-9+.-]*):(?:\/\/([^/]*))?(?:\/(.*))?$/s.exec(text);
  if (parts === null) return undefined;
  const scheme = (parts[1] ?? '').toLowerCase();
  const authority = parts[2];
  const path = parts[3] ?? '';
  if (authority === undefined && scheme !== 'file') return undefined;
  const host = scheme === 'file' && (authority === undefined || authority === 'localhost') ? '' : authority;
  return { origin: `${scheme}://${host}`, segments: path === '' ? [] : path.split('/') };
}

function keyBelow(base: Location, text: string, baseUri: string): string {
  const key = prefixBelow(base, text, baseUri);
  parseKey(key);
  return key;
}

/** The part of a location behind the base: a key, or the beginning of one. */
function prefixBelow(base: Location, text: string, baseUri: string): string {
  const location = parseLocation(text);
  if (location === undefined) throw badLocation(text, 'is not an absolute URI (scheme://…)', baseUri);
  const depth = base.segments.length;
  const inside =
    location.origin === base.origin &&
    location.segments.length > depth &&
    base.segments.every((segment, i) => sameSegment(segment, location.segments[i] ?? ''));
  if (!inside) throw badLocation(text, `is not below ${baseUri}`, baseUri);
  return location.segments.slice(depth).join('/');
}

function sameSegment(a: string, b: string): boolean {
  return a === b || decoded(a) === b || a === decoded(b);
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    // A lone percent sign: not an encoding, so it stands for itself.
    return segment;
  }
}

function badLocation(location: string, why: string, baseUri: string): ObjectStoreError {
  return new ObjectStoreError('INVALID_ARGUMENT', `location "${location}" ${why}`, {
    context: { location, baseUri },
  });
}
