import type { Dirent, Stats } from 'node:fs';
import { ObjectStoreError } from '../errors.ts';
import { compareKeys, parseKey } from '../key.ts';
import type { ObjectMeta } from '../object-store.ts';
import type { Directory, DirectoryTree } from './directories.ts';
import { systemCode } from './error-mapping.ts';
import type { LocalFileSystem } from './file-system.ts';
import { TEMP_DIRECTORY } from './temp-files.ts';

/** What to collect: keys with the prefix, behind `after`, at most `most` of them. */
export interface ListWalk {
  readonly prefix: string;
  readonly after: string | undefined;
  readonly most: number;
  readonly found: ObjectMeta[];
}

/**
 * Collects the objects below one directory in key order. A directory sorts by its name *with* the slash, which makes
 * the order of the walk the order of the whole keys (`a-b` < `a/b` < `a0`). Links and special files are passed over:
 * they are no objects.
 */
export async function collect(
  fs: LocalFileSystem,
  tree: DirectoryTree,
  dir: Directory,
  walk: ListWalk,
): Promise<void> {
  const entries = await fs.readdir(dir.path(''), { withFileTypes: true });
  const above = dir.segments.map((segment) => `${segment}/`).join('');
  const candidates = entries
    .filter((entry) => !(dir.segments.length === 0 && entry.name === TEMP_DIRECTORY))
    .map((entry) => ({ entry, key: `${above}${entry.name}${entry.isDirectory() ? '/' : ''}` }))
    .filter(({ entry, key }) =>
      entry.isDirectory() ? mayHold(key, walk) : entry.isFile() && wanted(key, walk),
    )
    .sort((a, b) => compareKeys(a.key, b.key));
  for (const { entry, key } of candidates) {
    if (walk.found.length >= walk.most) return;
    if (entry.isDirectory()) await collectBelow(fs, tree, dir, entry, walk);
    else await addObject(fs, dir, entry, key, walk);
  }
}

async function collectBelow(
  fs: LocalFileSystem,
  tree: DirectoryTree,
  dir: Directory,
  entry: Dirent,
  walk: ListWalk,
) {
  const child = await openUnlessReplaced(tree, dir, entry.name);
  if (child === undefined) return;
  try {
    await collect(fs, tree, child, walk);
  } finally {
    await child.handle.close();
  }
}

/** A directory that became a link since we read its parent is passed over like a link that was there before. */
async function openUnlessReplaced(tree: DirectoryTree, dir: Directory, name: string) {
  try {
    return await tree.openChild(dir, name);
  } catch (error) {
    if (ObjectStoreError.is(error) && error.code === 'UNSAFE_PATH') return undefined;
    throw error;
  }
}

async function addObject(fs: LocalFileSystem, dir: Directory, entry: Dirent, key: string, walk: ListWalk) {
  if (!isKey(key)) return;
  try {
    const stats = await fs.lstat(dir.path(entry.name));
    if (stats.isFile()) walk.found.push(metaOf(key, stats));
  } catch (error) {
    // Deleted since we read the directory.
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}

/** The metadata of an object from its file's. The etag changes with every put: each makes a new file. */
export function metaOf(key: string, stats: Stats): ObjectMeta {
  const etag = `${stats.ino.toString(16)}-${Math.trunc(stats.mtimeMs * 1000).toString(16)}-${stats.size.toString(16)}`;
  return { key, sizeBytes: stats.size, lastModifiedMs: Math.trunc(stats.mtimeMs), etag };
}

function mayHold(keyOfDirectory: string, { prefix, after }: ListWalk): boolean {
  const inPrefix = keyOfDirectory.startsWith(prefix) || prefix.startsWith(keyOfDirectory);
  if (!inPrefix || after === undefined) return inPrefix;
  return after.startsWith(keyOfDirectory) || compareKeys(keyOfDirectory, after) > 0;
}

function wanted(key: string, { prefix, after }: ListWalk): boolean {
  return key.startsWith(prefix) && (after === undefined || compareKeys(key, after) > 0);
}

/** A file that somebody else put here may have a name that is no key. */
function isKey(key: string): boolean {
  try {
    return parseKey(key).length > 0;
  } catch {
    return false;
  }
}
