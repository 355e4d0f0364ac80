import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { GetOptions, ObjectMeta } from '../object-store.ts';
import { checkConditions, notFound } from '../request-checks.ts';
import { release } from './descriptors.ts';
import type { Directory } from './directories.ts';
import { systemCode, translated } from './error-mapping.ts';
import type { LocalRoot } from './local-root.ts';
import { metaOf } from './object-meta.ts';
import { locate } from './object-path.ts';

/** O_NONBLOCK: opening a pipe that somebody put in the root must not wait for its other end. */
const OPEN_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** One version of an object: its file stays as it is while it is open, also when the key is put anew or deleted. */
export interface OpenObject {
  /** The caller's to close. */
  readonly handle: FileHandle;
  readonly meta: ObjectMeta;
}

/**
 * Opens an object for reading and checks the conditions. `action` is for messages.
 *
 * Errors: `NOT_FOUND`, `PRECONDITION_FAILED`, `NOT_MODIFIED`, `INVALID_PATH`, `UNSAFE_PATH`.
 */
export async function openObject(
  root: LocalRoot,
  action: string,
  key: string,
  conditions?: Pick<GetOptions, 'ifMatch' | 'ifNoneMatch'>,
): Promise<OpenObject> {
  const { directories, name } = locate(key);
  const opened = await translated(`${action} "${key}"`, { key }, () =>
    root.tree.inExisting(directories, async (dir) => {
      const handle = await openFile(root, dir, name);
      if (handle === undefined) return undefined;
      try {
        const stats = await handle.stat();
        if (stats.isFile()) {
          const meta = metaOf(key, stats);
          checkConditions(meta, conditions);
          return { handle, meta };
        }
        await root.tree.refuseUnsafe(dir, name);
      } catch (error) {
        await release(handle);
        throw error;
      }
      await release(handle);
      return undefined;
    }),
  );
  if (opened === undefined) throw notFound(key);
  return opened;
}

async function openFile(root: LocalRoot, dir: Directory, name: string): Promise<FileHandle | undefined> {
  try {
    return await root.fs.open(dir.path(name), OPEN_FILE);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    // A link gives ELOOP, a socket ENXIO: say which, rather than the bare system error.
    await root.tree.refuseUnsafe(dir, name);
    throw error;
  }
}
