import { ObjectStoreError } from './errors.ts';
import { badLocation, type Location, originOf, parseLocation, sameSegment } from './factory/location.ts';
import type { ObjectStoreFactory, StoreLocation } from './factory/object-store-factory.ts';
import { deleteFiles } from './file-io-deletion.ts';
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
   * Deletes many files with few requests, each as `deleteFile`; a file that is named twice, in one spelling or two, is
   * deleted once. Resolves with an entry for each location whose file could not be deleted, in the order given and as
   * often as given; all others are gone. What is no location, or lies elsewhere, is such an entry, too: it never rejects.
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

/** Where the files lie: in one store, or in any that a factory can open. */
export type FileIOOptions =
  | {
      readonly store: ObjectStore;
      /**
       * The location of the store's root, such as `file:///var/lib/danube/warehouse` (see `localBaseUri`) or
       * `memory:///`. Locations that are not below it are refused.
       */
      readonly baseUri: string;
      readonly factory?: undefined;
    }
  | {
      /**
       * Locations of every scheme that it knows are used; the stores are opened at the first use and closed with the
       * factory. `file:` locations need its `localRoots`.
       */
      readonly factory: Pick<ObjectStoreFactory, 'locate'>;
      readonly store?: undefined;
      readonly baseUri?: undefined;
    };

/**
 * Makes stores usable by full locations: a location is the URI of a store's root + `/` + key. `s3a://` and `s3n://` are
 * `s3://`; `file:/p`, `file:///p` and `file://localhost/p` are one.
 *
 * **Text behind the root is taken literally**, percent signs included, on S3 as in files: that is what PyIceberg, Java's
 * Hadoop paths and DuckDB do, and engines write partition directories such as `topic=%2Fdefault%2Forders` whose names
 * contain the percent signs. Decoding would open another file than they do. The root itself, if it is a base URI or a
 * local root, matches in its literal and in its percent-encoded spelling (`/my data` and `/my%20data`).
 *
 * Errors: `INVALID_ARGUMENT` for a base that is no absolute URI and for locations outside; else those of the stores.
 */
export function createFileIO(options: FileIOOptions): StoreFileIO {
  const locate = locatorOf(options);
  const fileAt = async (location: string) => {
    const { path: key, open } = locate(location);
    parseKey(key);
    return { store: await open(), key };
  };

  return {
    async readFile(location) {
      const { store, key } = await fileAt(location);
      return (await store.get(key)).bytes;
    },

    async readRange(location, start, endExclusive) {
      const { store, key } = await fileAt(location);
      const { bytes } = await store.get(key, { range: { start, endExclusive } });
      if (bytes.byteLength === endExclusive - start) return bytes;
      const context = { location, start, endExclusive, gotBytes: bytes.byteLength };
      throw new ObjectStoreError('INVALID_RANGE', `[${start}, ${endExclusive}) ends behind ${location}`, {
        context,
      });
    },

    async fileSize(location) {
      const { store, key } = await fileAt(location);
      return (await store.head(key)).sizeBytes;
    },

    async writeFile(location, data, writeOptions) {
      const { store, key } = await fileAt(location);
      await store.put(key, data, { ifAbsent: writeOptions?.ifAbsent ?? false });
    },

    async deleteFile(location) {
      const { store, key } = await fileAt(location);
      await store.delete(key);
    },

    deleteFiles: (locations) => deleteFiles(locate, locations),

    async *listFiles(prefix) {
      const { path: keyPrefix, open } = locate(prefix);
      for await (const { objects } of (await open()).list(keyPrefix)) {
        for (const { key, sizeBytes, lastModifiedMs } of objects) {
          yield { location: prefix + key.slice(keyPrefix.length), sizeBytes, lastModifiedMs };
        }
      }
    },
  };
}

/**
 * The base URI of a local root: `file://` + the absolute path, spelled literally. Percent-encoding it, as `URL` does,
 * would make other engines look for a directory with percent signs in its name.
 *
 * Errors: `INVALID_ARGUMENT` for a path that is not absolute.
 */
export function localBaseUri(root: string): string {
  if (!root.startsWith('/')) throw badLocation('location', root, 'is not an absolute path');
  return `file://${root.replace(/\/+$/, '')}`;
}

function locatorOf(options: FileIOOptions): (location: string) => StoreLocation {
  const { factory } = options;
  if (factory !== undefined) return (location) => factory.locate(location);
  const { store, baseUri } = options;
  const base = parseLocation(baseUri);
  if (base === undefined) throw badLocation('location', baseUri, 'is not an absolute URI (scheme://…)');
  const open = async () => store;
  return (location) => ({ root: baseUri, path: pathBelow(base, location, baseUri), open });
}

/** The part of a location behind the base: a key, or the beginning of one. */
function pathBelow(base: Location, text: string, baseUri: string): string {
  const location = parseLocation(text);
  if (location === undefined) {
    throw badLocation('location', text, 'is not an absolute URI (scheme://…)', { baseUri });
  }
  const [above, segments] = [segmentsOf(base), segmentsOf(location)];
  // A base may be written with or without slashes at its end.
  const names = above.slice(0, above.findLastIndex((segment) => segment !== '') + 1);
  const inside =
    originOf(location) === originOf(base) &&
    segments.length > names.length &&
    names.every((name, i) => sameSegment(name, segments[i] ?? ''));
  if (!inside) throw badLocation('location', text, `is not below ${baseUri}`, { baseUri });
  return segments.slice(names.length).join('/');
}

function segmentsOf({ path }: Location): readonly string[] {
  return path === undefined || path === '' ? [] : path.split('/');
}
