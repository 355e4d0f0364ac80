import { constants } from 'node:fs';
import { dirname } from 'node:path';
import { release } from './descriptors.ts';
import { systemCode } from './error-mapping.ts';
import type { LocalFileSystem } from './file-system.ts';

/**
 * Makes a directory and those above it, syncing each new name into its parent. Takes the path as it is, over symbolic
 * links too: for directories that the operator chose. Errors: the system's own.
 */
export async function makeDirectoriesDurably(fs: LocalFileSystem, path: string): Promise<void> {
  try {
    await fs.mkdir(path);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT') throw error;
    await makeDirectoriesDurably(fs, dirname(path));
    await fs.mkdir(path).catch((second: unknown) => {
      if (systemCode(second) !== 'EEXIST') throw second;
    });
  }
  const parent = await fs.open(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await parent.sync();
  } finally {
    await release(parent);
  }
}
