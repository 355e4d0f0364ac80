import { join } from 'node:path';
import type { WalFile, WalFs } from './wal-fs.ts';

/**
 * Puts a file into a directory, in place of one of its name if there is one: written by `write` under a temporary name,
 * synced, renamed, the directory synced. Durable when it resolves, and at no time there in part. The file is still open,
 * and the caller's to close.
 */
export async function putFile(
  fs: WalFs,
  dir: string,
  name: string,
  write: (file: WalFile) => Promise<void>,
  temporaryName = `${name}.tmp`,
): Promise<WalFile> {
  const temporary = join(dir, temporaryName);
  const file = await fs.open(temporary, 'create');
  try {
    await write(file);
    await file.sync();
    await fs.rename(temporary, join(dir, name));
    await fs.syncDirectory(dir);
    return file;
  } catch (error) {
    await file.close().catch(() => undefined); // the error above is the one that counts
    throw error;
  }
}
