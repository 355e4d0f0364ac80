import { constants } from 'node:fs';
import { dirname } from 'node:path';
import { release } from './descriptors.ts';
import { systemCode } from './error-mapping.ts';
import type { LocalFileSystem } from './file-system.ts';

/**
 * Makes a directory and those above it, syncing each new name into its parent. Takes the path as it is, over symbolic
 * links too: for directories that the operator chose. Errors: the system's own.
 *
 * The name of a directory that is there already is synced, too: whoever made it, perhaps just now, may not have come to
 * it. Only where its parent may not be opened, or cannot be synced at all, it is taken for durable, as one that an
 * administrator made or mounted.
 */
export async function makeDirectoriesDurably(fs: LocalFileSystem, path: string): Promise<void> {
  const made = await makeDirectory(fs, path).catch(async (error: unknown) => {
    if (systemCode(error) !== 'ENOENT') throw error;
    await makeDirectoriesDurably(fs, dirname(path));
    // Once more and not for ever: below /proc it is ENOENT also where the parent is there.
    return makeDirectory(fs, path);
  });
  try {
    await syncDirectory(fs, dirname(path));
  } catch (error) {
    if (made || !takenForDurable.has(systemCode(error) ?? '')) throw error;
  }
}

const takenForDurable: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS', 'EINVAL', 'ENOTSUP']);

/** False if it was there. */
async function makeDirectory(fs: LocalFileSystem, path: string): Promise<boolean> {
  try {
    await fs.mkdir(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function syncDirectory(fs: LocalFileSystem, path: string): Promise<void> {
  const directory = await fs.open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await directory.sync();
  } finally {
    await release(directory);
  }
}
