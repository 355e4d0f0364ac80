import { isAbsolute, resolve, sep } from 'node:path';
import type { ObjectStore } from '../object-store.ts';
import { checkNames, invalidArgument } from '../request-checks.ts';
import type { S3ObjectStoreOptions } from '../s3/options.ts';

/** What a factory gives to every store that it opens. Everything may be left out. */
export interface ObjectStoreFactoryOptions {
  /** Settings of all buckets: region, endpoint, credentials … Default: those of `openS3ObjectStore`. */
  readonly s3?: Omit<S3ObjectStoreOptions, 'bucket'> | undefined;
  /**
   * The absolute paths of directories in which `file:` locations of files may lie, each a store of its own; for
   * `createFileIO`. None lies in another. A location says nothing of where its store begins, and the whole file system is
   * never one. Default: none, such locations are refused. No effect on `open`, which is told its directory.
   */
  readonly localRoots?: readonly string[] | undefined;
  /**
   * Further schemes (lower case), each with what opens the store of an authority: of `gs://bucket/a/b` it is given
   * `gs://bucket`, once as long as that is open; the prefix is put before keys here. Default: none.
   */
  readonly schemes?: Readonly<Record<string, (root: string) => Promise<ObjectStore>>> | undefined;
}

/** Which store to open, as plain settings instead of a URL. */
export type ObjectStoreConfig =
  | {
      readonly type: 'local';
      /** Absolute path of the directory, literal. */
      readonly root: string;
    }
  | {
      readonly type: 'memory';
      /** As in `memory://name`. Default: the one without a name. */
      readonly name?: string | undefined;
      /** Only the part below this key. Default: the whole store. */
      readonly prefix?: string | undefined;
    }
  | ({
      readonly type: 's3';
      /** Only the part below this key. Default: the whole bucket. */
      readonly prefix?: string | undefined;
    } & S3ObjectStoreOptions);

/** {@link ObjectStoreFactoryOptions} with defaults, checked. */
export interface ResolvedFactoryOptions {
  readonly s3: Omit<S3ObjectStoreOptions, 'bucket'>;
  readonly localRoots: readonly string[];
  readonly schemes: ReadonlyMap<string, (root: string) => Promise<ObjectStore>>;
}

/** Fills defaults and checks. Errors: `INVALID_ARGUMENT`. The settings of S3 are checked when a bucket is opened. */
export function resolveFactoryOptions(options: ObjectStoreFactoryOptions): ResolvedFactoryOptions {
  checkNames(options, ['s3', 'localRoots', 'schemes']);
  const { s3 = {}, localRoots = [], schemes = {} } = options;
  checkObject('s3', s3);
  checkObject('schemes', schemes);
  if (!Array.isArray(localRoots)) throw invalidArgument('localRoots is not an array of paths', {});
  if ('bucket' in s3)
    throw invalidArgument('s3 is for all buckets; the bucket is named when one is opened', {});
  for (const [scheme, open] of Object.entries(schemes)) {
    if (!/^[a-z][a-z0-9+.-]*$/.test(scheme) || ['file', 'memory', 's3', 's3a', 's3n'].includes(scheme)) {
      throw invalidArgument(`"${scheme}" is not a further scheme in lower case`, { scheme });
    }
    if (typeof open !== 'function') throw invalidArgument(`scheme "${scheme}" is not a function`, { scheme });
  }
  const roots = localRoots.map(checkedRoot);
  for (const [i, root] of roots.entries()) {
    const other = roots.find((one, j) => j !== i && (root === one || root.startsWith(one + sep)));
    if (other !== undefined) {
      // The outer one would list the inner one's temporary files as objects.
      throw invalidArgument(`localRoots: "${root}" is "${other}" or lies in it`, { root, other });
    }
  }
  return { s3, localRoots: roots, schemes: new Map(Object.entries(schemes)) };
}

/** The path of a directory that can be a store. Errors: `INVALID_ARGUMENT`. */
export function checkedRoot(root: string): string {
  if (typeof root !== 'string' || !isAbsolute(root)) {
    throw invalidArgument(`root "${root}" is not an absolute path`, { root: String(root) });
  }
  const path = resolve(root);
  if (path === resolve('/')) throw invalidArgument('the whole file system cannot be a store', { root });
  return path;
}

function checkObject(option: string, value: object): void {
  if (typeof value === 'object' && value !== null) return;
  throw invalidArgument(`${option} is not an object`, { option });
}
