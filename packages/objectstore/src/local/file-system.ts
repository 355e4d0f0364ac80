import * as nodeFs from 'node:fs/promises';

/**
 * The file system calls the local store makes. A component: tests hand in one that fails at a chosen call or writes
 * down the order of calls. The default is `node:fs/promises`.
 */
export type LocalFileSystem = Pick<
  typeof nodeFs,
  'open' | 'mkdir' | 'link' | 'rename' | 'unlink' | 'lstat' | 'readdir' | 'realpath' | 'readFile' | 'readlink'
>;

/** The operating system's own. */
export const systemFileSystem: LocalFileSystem = nodeFs;
