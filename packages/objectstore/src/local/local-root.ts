import { canWalkThroughDescriptors, DirectoryTree } from './directories.ts';
import type { LocalFileSystem } from './file-system.ts';
import { makeDirectoriesDurably } from './make-directories.ts';
import { currentProcess, type ProcessIdentity, removeLeftOvers, TEMP_DIRECTORY } from './temp-files.ts';

/** A directory opened as a store: what every operation on it needs. */
export interface LocalRoot {
  readonly fs: LocalFileSystem;
  /** The only way to the objects' directories: no symbolic link is followed on it. */
  readonly tree: DirectoryTree;
  /** Whose name the temporary files bear. */
  readonly self: ProcessIdentity;
}

/** Makes the root if need be, durably, and removes what dead processes left in it. */
export async function openLocalRoot(fs: LocalFileSystem, path: string): Promise<LocalRoot> {
  await makeDirectoriesDurably(fs, path);
  const root = await fs.realpath(path);
  const tree = new DirectoryTree(fs, root, await canWalkThroughDescriptors(fs, root));
  const self = await currentProcess(fs);
  await tree.inCreated([TEMP_DIRECTORY], (temp) => removeLeftOvers(fs, temp, self));
  return { fs, tree, self };
}
