import type { Dirent, Stats } from 'node:fs';
import { ObjectStoreError } from '../errors.ts';
import { compareKeys, parseKey } from '../key.ts';
import { groupOf, isFrom, type ListEntry, type ListStart } from '../list-pages.ts';
import type { ObjectMeta } from '../object-store.ts';
import type { Directory, DirectoryTree } from './directories.ts';
import { systemCode } from './error-mapping.ts';
import type { LocalFileSystem } from './file-system.ts';
import { TEMP_DIRECTORY } from './temp-files.ts';

/** What to collect: entries of the prefix from a start on, at most `most` of them. */
export interface ListWalk {
  readonly prefix: string;
  /** Whether what lies in directories behind the prefix is one entry a directory. */
  readonly delimiter: boolean;
  readonly start: ListStart | undefined;
  readonly most: number;
  readonly found: ListEntry[];
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
    if (entry.isDirectory() && walk.delimiter && groupOf(key, walk.prefix) !== undefined) {
      if (await holdsObject(fs, tree, dir, entry, walk)) walk.found.push({ name: key });
    } else if (entry.isDirectory()) await collectBelow(fs, tree, dir, entry, walk);
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

/** Whether a directory has an object that belongs to the listing: empty directories are no groups. */
async function holdsObject(
  fs: LocalFileSystem,
  tree: DirectoryTree,
  dir: Directory,
  entry: Dirent,
  walk: ListWalk,
) {
  const one: ListWalk = { ...walk, delimiter: false, most: 1, found: [] };
  await collectBelow(fs, tree, dir, entry, one);
  return one.found.length > 0;
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
    if (stats.isFile()) walk.found.push({ name: key, object: metaOf(key, stats) });
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

function mayHold(keyOfDirectory: string, { prefix, start }: ListWalk): boolean {
  const inPrefix = keyOfDirectory.startsWith(prefix) || prefix.startsWith(keyOfDirectory);
  if (!inPrefix || start === undefined) return inPrefix;
  return start.bound.startsWith(keyOfDirectory) || compareKeys(keyOfDirectory, start.bound) > 0;
}

function wanted(key: string, { prefix, start }: ListWalk): boolean {
  return key.startsWith(prefix) && isFrom(key, start);
}

/** A file that somebody else put here may have a name that is no key. */
function isKey(key: string): boolean {
  try {
    return parseKey(key).length > 0;
  } catch {
    return false;
  }
}
