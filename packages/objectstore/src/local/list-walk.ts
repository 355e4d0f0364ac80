import type { Dirent } from 'node:fs';
import { ObjectStoreError } from '../errors.ts';
import { compareKeys, parseKey, parsePrefix } from '../key.ts';
import { groupOf, isFrom, type ListEntry, type ListStart } from '../list-pages.ts';
import type { ObjectMeta } from '../object-store.ts';
import { release } from './descriptors.ts';
import type { Directory } from './directories.ts';
import { systemCode } from './error-mapping.ts';
import type { LocalRoot } from './local-root.ts';
import { metaOf } from './object-meta.ts';
import { TEMP_DIRECTORY } from './temp-files.ts';

/** What to collect: the entries of a prefix from a start on, at most `most` of them. */
export interface ListWalk {
  readonly prefix: string;
  /** Whether what lies in directories behind the prefix is one entry a directory. */
  readonly delimiter: boolean;
  readonly start: ListStart | undefined;
  readonly most: number;
  /** Throws if the walk is to end (the signal fired, the store was closed). Asked before each entry. */
  readonly proceed: () => void;
}

/** Something in a directory that the walk wants, with its whole key; that of a directory ends with a slash. */
interface Candidate {
  readonly entry: Dirent;
  readonly key: string;
}

/**
 * Collects entries in the order of keys. A directory sorts by its name *with* the slash, which makes the order of the
 * walk the order of the whole keys (`a-b` < `a/b` < `a0`). Links and special files are passed over: they are no
 * objects.
 */
export async function listEntries(root: LocalRoot, walk: ListWalk): Promise<readonly ListEntry[]> {
  const { directories } = parsePrefix(walk.prefix);
  const found: ListEntry[] = [];
  if (directories[0] === TEMP_DIRECTORY) return found;
  await root.tree.inExisting(directories, (dir) => collect(root, dir, walk, found));
  return found;
}

async function collect(root: LocalRoot, dir: Directory, walk: ListWalk, found: ListEntry[]): Promise<void> {
  const candidates = await candidatesIn(root, dir, walk);
  candidates.sort((a, b) => compareKeys(a.key, b.key));
  for (const { entry, key } of candidates) {
    if (found.length >= walk.most) return;
    walk.proceed();
    if (!entry.isDirectory()) {
      const object = await objectOf(root, dir, entry, key);
      if (object !== undefined) found.push({ name: key, object });
    } else if (walk.delimiter && groupOf(key, walk.prefix) !== undefined) {
      if (await inChild(root, dir, entry.name, (child) => holdsObject(root, child, walk))) {
        found.push({ name: key });
      }
    } else {
      await inChild(root, dir, entry.name, (child) => collect(root, child, walk, found));
    }
  }
}

/**
 * Whether there is an object of the listing anywhere below: a directory without any is no group. Any one will do, so
 * nothing is sorted, and files are looked at before directories are opened.
 */
async function holdsObject(root: LocalRoot, dir: Directory, walk: ListWalk): Promise<boolean> {
  const candidates = await candidatesIn(root, dir, walk);
  for (const { entry, key } of candidates) {
    walk.proceed();
    if (!entry.isDirectory() && (await objectOf(root, dir, entry, key)) !== undefined) return true;
  }
  for (const { entry } of candidates) {
    walk.proceed();
    if (!entry.isDirectory()) continue;
    if (await inChild(root, dir, entry.name, (child) => holdsObject(root, child, walk))) return true;
  }
  return false;
}

async function candidatesIn(root: LocalRoot, dir: Directory, walk: ListWalk): Promise<Candidate[]> {
  const entries = await root.fs.readdir(dir.path(''), { withFileTypes: true });
  const above = dir.segments.map((segment) => `${segment}/`).join('');
  const candidates: Candidate[] = [];
  for (const entry of entries) {
    if (dir.segments.length === 0 && entry.name === TEMP_DIRECTORY) continue;
    const key = `${above}${entry.name}${entry.isDirectory() ? '/' : ''}`;
    const wanted = entry.isDirectory() ? mayHold(key, walk) : entry.isFile() && isWanted(key, walk);
    if (wanted) candidates.push({ entry, key });
  }
  return candidates;
}

/** Runs `use` in a directory below; one that has gone or become a link since its parent was read is passed over. */
async function inChild<T>(
  root: LocalRoot,
  dir: Directory,
  name: string,
  use: (child: Directory) => Promise<T>,
): Promise<T | undefined> {
  const child = await root.tree.openChild(dir, name).catch((error: unknown) => {
    if (ObjectStoreError.is(error) && error.code === 'UNSAFE_PATH') return undefined;
    throw error;
  });
  if (child === undefined) return undefined;
  try {
    return await use(child);
  } finally {
    await release(child.handle);
  }
}

async function objectOf(
  root: LocalRoot,
  dir: Directory,
  entry: Dirent,
  key: string,
): Promise<ObjectMeta | undefined> {
  if (!isKey(key)) return undefined;
  try {
    const stats = await root.fs.lstat(dir.path(entry.name));
    return stats.isFile() ? metaOf(key, stats) : undefined;
  } catch (error) {
    // Deleted since we read the directory.
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function mayHold(keyOfDirectory: string, { prefix, start }: ListWalk): boolean {
  const inPrefix = keyOfDirectory.startsWith(prefix) || prefix.startsWith(keyOfDirectory);
  if (!inPrefix || start === undefined) return inPrefix;
  return start.bound.startsWith(keyOfDirectory) || compareKeys(keyOfDirectory, start.bound) > 0;
}

function isWanted(key: string, { prefix, start }: ListWalk): boolean {
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
