import { openLocalObjectStore } from '../local/local-store.ts';
import { createMemoryObjectStore } from '../memory-store.ts';
import type { ObjectStore } from '../object-store.ts';
import { checkNames, invalidArgument } from '../request-checks.ts';
import { openS3ObjectStore } from '../s3/s3-store.ts';
import { withPrefix } from '../wrappers/prefix-store.ts';
import { badLocation, type Location, originOf, parseLocation, sameSegment } from './location.ts';
import { OpenStores } from './open-stores.ts';
import {
  checkedRoot,
  type ObjectStoreConfig,
  type ObjectStoreFactoryOptions,
  type ResolvedFactoryOptions,
  resolveFactoryOptions,
} from './options.ts';
import { StoreHandle } from './store-handle.ts';
import { parseStoreUrl } from './store-url.ts';

/** Where a file lies. */
export interface StoreLocation {
  /** Names the store: all locations in one store have the same. */
  readonly root: string;
  /** What follows the root: a key, or with a listing the beginning of one. Literal and not checked. */
  readonly path: string;
  /** Opens the store, or gives the one that is open already. */
  open(): Promise<ObjectStore>;
}

/** Opens stores by URL or configuration and keeps them open. Everything may be called at the same time. */
export interface ObjectStoreFactory {
  /**
   * Opens a store. Stores of one root and with the same settings are one beneath; what is given out is a way of its own
   * to it, and its `close()` ends that way alone. URLs:
   *
   * - `file:///abs/dir`: a directory (percent-encoding is decoded).
   * - `memory://name/prefix`: a store in memory; one for each name, as long as the factory is open.
   * - `s3://bucket/prefix`, also `s3a://` and `s3n://`: a bucket, with the factory's settings.
   * - `scheme://authority/prefix` of the schemes that were handed in.
   *
   * Prefixes are literal, percent signs included. Of a configuration, settings that are given override the factory's.
   *
   * Errors: `INVALID_ARGUMENT` for what is none of these, with a query or fragment, with a user or password in it, with
   * `.` or `..`, or for Windows; `INVALID_PATH` for a prefix that is no key; `CLOSED`; those of opening the store.
   */
  open(target: string | ObjectStoreConfig): Promise<ObjectStore>;
  /**
   * Which store a file by full location lies in, and as what: `s3://bucket/key`, `memory://name/key`,
   * `file:///root/key` below one of the `localRoots`, and those of further schemes. The key is literal; only a local
   * root matches in its percent-encoded spelling, too. Opens nothing.
   *
   * Errors: `INVALID_ARGUMENT` for what is no location, has an unknown scheme or a user and password in it, or lies in no
   * local root.
   */
  locate(location: string): StoreLocation;
  /** Closes all stores that were opened; every way to them ends. Calls made afterwards are `CLOSED`. */
  close(): Promise<void>;
}

/**
 * Makes a factory of stores. It keeps what it opens to itself: two factories share nothing, and schemes are known only to
 * the factory that they were handed to.
 *
 * Errors: `INVALID_ARGUMENT`.
 */
export function createObjectStoreFactory(options: ObjectStoreFactoryOptions = {}): ObjectStoreFactory {
  return new StoreFactory(resolveFactoryOptions(options));
}

class StoreFactory implements ObjectStoreFactory {
  readonly #options: ResolvedFactoryOptions;
  readonly #stores = new OpenStores();

  constructor(options: ResolvedFactoryOptions) {
    this.#options = options;
  }

  async open(target: string | ObjectStoreConfig): Promise<ObjectStore> {
    if (typeof target === 'string') {
      const url = parseStoreUrl(target, [...this.#options.schemes.keys()]);
      const store = url.directory === undefined ? this.#openOrigin(url) : this.#openLocal(url.directory);
      return below(await store, url.prefix);
    }
    switch (target?.type) {
      case 'local':
        checkNames(target, ['type', 'root']);
        return below(await this.#openLocal(target.root), undefined);
      case 'memory': {
        checkNames(target, ['type', 'name', 'prefix']);
        return below(await this.#openMemory(target.name ?? ''), target.prefix);
      }
      case 's3': {
        const { type: _, prefix, bucket, ...settings } = target;
        return below(await this.#openS3(bucket, settings), prefix);
      }
      default:
        throw invalidArgument('a store is a URL, or has the type "local", "memory" or "s3"', {});
    }
  }

  locate(text: string): StoreLocation {
    const location = parseLocation(text);
    if (location === undefined) throw badLocation('location', text, 'is not an absolute URI (scheme://…)');
    const { scheme, authority, path } = location;
    const known = ['file', 'memory', 's3', ...this.#options.schemes.keys()];
    if (!known.includes(scheme)) {
      throw badLocation('location', text, `has an unknown scheme; known are ${known.join(', ')}`);
    }
    if (scheme === 'file') return this.#locateFile(text, location);
    if (authority.includes('@') && (!this.#options.schemes.has(scheme) || /:.*@/.test(authority))) {
      throw badLocation('location', text, 'holds a user or a password; give credentials as options');
    }
    if (path === undefined) throw badLocation('location', text, 'has no slash behind its root');
    return { root: originOf(location), path, open: async () => below(await this.#openOrigin(location), '') };
  }

  close(): Promise<void> {
    return this.#stores.close();
  }

  #locateFile(text: string, { authority, path = '' }: Location): StoreLocation {
    const segments = path.split('/');
    for (const root of this.#options.localRoots) {
      const names = root.split('/').slice(1);
      const inside =
        authority === '' &&
        segments.length > names.length &&
        names.every((name, i) => sameSegment(name, segments[i] ?? ''));
      if (!inside) continue;
      return {
        root: `file://${root}`,
        path: segments.slice(names.length).join('/'),
        open: async () => below(await this.#openLocal(root), ''),
      };
    }
    const roots = this.#options.localRoots.map((root) => `"${root}"`).join(', ');
    const why = roots === '' ? 'needs the option localRoots' : `is not below a local root (${roots})`;
    throw badLocation('location', text, why);
  }

  #openOrigin(location: Location): Promise<ObjectStore> {
    const { scheme, authority } = location;
    if (scheme === 's3') return this.#openS3(authority, {});
    if (scheme === 'memory') return this.#openMemory(authority);
    const root = originOf(location);
    const open = this.#options.schemes.get(scheme);
    return this.#stores.get(root, {}, async () => {
      if (open === undefined) throw badLocation('URL', root, 'has an unknown scheme');
      return open(root);
    });
  }

  async #openLocal(given: string): Promise<ObjectStore> {
    const root = checkedRoot(given);
    return this.#stores.get(`file://${root}`, {}, () => openLocalObjectStore({ root }));
  }

  async #openMemory(name: string): Promise<ObjectStore> {
    if (typeof name !== 'string' || /[/\\@?#]/.test(name)) {
      throw invalidArgument('the name of a memory store has no slash, backslash, "@", "?" or "#"', {});
    }
    return this.#stores.get(`memory://${name}`, {}, async () => createMemoryObjectStore());
  }

  async #openS3(bucket: string, settings: object): Promise<ObjectStore> {
    const given = Object.entries(settings).filter(([, value]) => value !== undefined);
    const all = { ...this.#options.s3, ...Object.fromEntries(given) };
    return this.#stores.get(`s3://${bucket}`, all, () => openS3ObjectStore({ ...all, bucket }));
  }
}

/** A way of one's own to a store, or to the part of it below a prefix. */
function below(store: ObjectStore, prefix: string | undefined): ObjectStore {
  const handle = new StoreHandle(store);
  return prefix ? withPrefix(handle, prefix) : handle;
}
