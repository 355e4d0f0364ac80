import { ObjectStoreError } from '../errors.ts';
import type { PutResult } from '../object-store.ts';
import { alreadyExists, throwIfAborted } from '../request-checks.ts';
import type { Directory } from './directories.ts';
import { systemCode, translated } from './error-mapping.ts';
import type { LocalRoot } from './local-root.ts';
import { metaOf } from './object-meta.ts';
import { locate } from './object-path.ts';
import { removeTemp, TEMP_DIRECTORY, tempName, writeTemp } from './temp-files.ts';

/** How to put. */
export interface PutMode {
  readonly ifAbsent: boolean;
  readonly signal: AbortSignal | undefined;
}

/** A written and synced file that has only a temporary name yet, and the name it is to get. */
interface Placement {
  readonly root: LocalRoot;
  readonly temp: Directory;
  readonly from: string;
  readonly target: Directory;
  readonly name: string;
  readonly key: string;
}

/**
 * Stores a body as the whole object at a key, in the order that makes it durable and atomic: the directories, each
 * synced into its parent; the content under a temporary name, synced; the name; the directory of the name, synced.
 *
 * The directories are there before the body is read, so a key that cannot be put is refused without reading a stream.
 * The signal counts until the commit point; after it the put is only finished.
 */
export async function putObject(
  root: LocalRoot,
  key: string,
  body: Uint8Array | AsyncIterable<Uint8Array>,
  { ifAbsent, signal }: PutMode,
): Promise<PutResult> {
  const { directories, name } = locate(key);
  return translated(`put "${key}"`, { key }, () =>
    root.tree.inCreatedBeside(directories, TEMP_DIRECTORY, async (target, temp) => {
      const from = tempName(root.self);
      const stats = await writeTemp(root.fs, temp, from, body, signal);
      const placement = { root, temp, from, target, name, key };
      try {
        throwIfAborted(signal);
        await (ifAbsent ? linkIfAbsent(placement) : replace(placement));
      } catch (error) {
        await removeTemp(root.fs, temp, from);
        throw error;
      }
      // A link leaves the temporary name beside the object's own.
      if (ifAbsent) await removeTemp(root.fs, temp, from);
      await syncVisible(target, key);
      const { sizeBytes, etag } = metaOf(key, stats);
      return { sizeBytes, etag };
    }),
  );
}

async function linkIfAbsent({ root, temp, from, target, name, key }: Placement): Promise<void> {
  try {
    // The commit point of `ifAbsent`: the system gives the name to exactly one of several callers.
    await root.fs.link(temp.path(from), target.path(name));
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EPERM' || code === 'ENOTSUP') throw noHardLinks(key, error);
    if (code !== 'EEXIST') throw error;
    if ((await root.tree.refuseUnsafe(target, name)) === 'directory') throw isDirectory(key);
    throw alreadyExists(key);
  }
}

async function replace({ root, temp, from, target, name, key }: Placement): Promise<void> {
  // rename would replace a link rather than follow it; refusing it makes the tampering known.
  if ((await root.tree.refuseUnsafe(target, name)) === 'directory') throw isDirectory(key);
  try {
    // The commit point of a replacing put.
    await root.fs.rename(temp.path(from), target.path(name));
  } catch (error) {
    // Made since we looked, for a key below this one.
    if (systemCode(error) === 'EISDIR') throw isDirectory(key);
    throw error;
  }
}

/** Makes a name that is visible already durable. From here on a failure cannot mean "it did not happen". */
async function syncVisible(target: Directory, key: string): Promise<void> {
  try {
    await target.handle.sync();
  } catch (error) {
    const what = `"${key}" is visible, but its directory could not be synced`;
    throw new ObjectStoreError('PUT_STATE_UNKNOWN', what, {
      context: { key, systemCode: systemCode(error) ?? 'unknown' },
      cause: error,
    });
  }
}

function isDirectory(key: string): ObjectStoreError {
  const what = `"${key}" is the directory of other objects, so it cannot be one`;
  return new ObjectStoreError('INVALID_PATH', what, { context: { key } });
}

function noHardLinks(key: string, cause: unknown): ObjectStoreError {
  const why = 'the file system refuses hard links, which a put with ifAbsent needs';
  return new ObjectStoreError('IO_ERROR', `could not put "${key}": ${why}`, { context: { key }, cause });
}
