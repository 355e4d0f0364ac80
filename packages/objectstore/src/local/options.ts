import { isAbsolute, resolve } from 'node:path';
import { checkNames, invalidArgument } from '../request-checks.ts';
import { type LocalFileSystem, systemFileSystem } from './file-system.ts';

export interface LocalObjectStoreOptions {
  /**
   * The directory that holds the objects; made, durably, if it does not exist. The path itself may lead over symbolic
   * links (it is resolved once, at open); below it none is followed.
   */
  readonly root: string;
  /** The file system calls. Default: the operating system's. For tests. */
  readonly fs?: LocalFileSystem | undefined;
}

/** The options with their defaults. */
export interface ResolvedLocalOptions {
  readonly root: string;
  readonly fs: LocalFileSystem;
}

/** Checks and completes the options. Errors: `INVALID_ARGUMENT` for unknown ones and a root that is no absolute path. */
export function resolveLocalOptions(options: LocalObjectStoreOptions): ResolvedLocalOptions {
  checkNames(options, ['root', 'fs']);
  const { root, fs = systemFileSystem } = options;
  if (typeof root !== 'string' || !isAbsolute(root)) {
    throw invalidArgument(`root "${root}" is not an absolute path`, { root: String(root) });
  }
  return { root: resolve(root), fs };
}
