import type { Dirent } from 'node:fs';
import { ObjectStoreError } from '../errors.ts';
import { compareKeys, parseKey, parsePrefix } from '../key.ts';
import { groupOf, isFrom, type ListEntry, type ListRequest, type ListStart } from '../list-pages.ts';
import type { ObjectMeta } from '../object-store.ts';
import { release } from './descriptors.ts';
import type { Directory } from './directories.ts';
import { systemCode, translated } from './error-mapping.ts';
import type { LocalRoot } from './local-root.ts';
import { metaOf } from './object-meta.ts';
import { TEMP_DIRECTORY } from './temp-files.ts';

/** What is listed, and how far it is. */
interface Listing {
  readonly root: LocalRoot;
  readonly prefix: string;
  /** Whether what lies in directories behind the prefix is one entry a directory. */
  readonly delimiter: boolean;
  /** Throws if the listing is to end (the signal fired, the store was closed). Asked before each candidate. */
  readonly proceed: () => void;
  /**
   * Directories that a page ended in, by path, and what is left of them. Names are remembered, not descriptors, which
   * a caller could take along for ever between two pages.
   */
  readonly unfinished: Map<string, Remaining>;
}

interface Remaining {
  readonly candidates: readonly Candidate[];
  next: number;
}

/** Something in a directory that the listing wants, with its whole key; that of a directory ends with a slash. */
interface Candidate {
  readonly entry: Dirent;
  readonly key: string;
}

/** One page: at most `most` entries from a start on. */
interface Page {
  readonly start: ListStart | undefined;
  readonly most: number;
  readonly found: ListEntry[];
}

/**
 * Makes the function that reads one page after the other of a listing (see `pagesOf`); starts must not go back. Each
 * directory is read and sorted once, however many pages it fills. What a page shows is looked at when it is made:
 * objects deleted since their directory was read are not in it.
 *
 * A directory sorts by its name *with* the slash, which makes the order of the walk the order of the whole keys
 * (`a-b` < `a/b` < `a0`). Links and special files are passed over: they are no objects.
 */
export function pageReader(
  root: LocalRoot,
  { prefix, delimiter }: ListRequest,
  proceed: () => void,
): (start: ListStart | undefined, most: number) => Promise<readonly ListEntry[]> {
  const listing: Listing = { root, prefix, delimiter, proceed, unfinished: new Map() };
  const { directories } = parsePrefix(prefix);
  return async (start, most) => {
    const found: ListEntry[] = [];
    if (directories[0] === TEMP_DIRECTORY) return found;
    await translated(`list "${prefix}"`, { prefix }, () =>
      root.tree.inExisting(directories, (dir) => collect(listing, dir, { start, most, found })),
    );
    return found;
  };
}

async function collect(listing: Listing, dir: Directory, page: Page): Promise<void> {
  const path = dir.segments.join('/');
  const remaining = listing.unfinished.get(path) ?? {
    candidates: (await candidatesIn(listing, dir, page)).sort((a, b) => compareKeys(a.key, b.key)),
    next: 0,
  };
  listing.unfinished.delete(path);
  for (; remaining.next < remaining.candidates.length; remaining.next += 1) {
    await addEntries(listing, dir, remaining.candidates[remaining.next] as Candidate, page);
    if (page.found.length >= page.most) {
      // The last entry only says that there is one more: the next page starts with the candidate that gave it.
      listing.unfinished.set(path, remaining);
      return;
    }
  }
}

/** Adds the object, the group, or what is in the directory of which no group is made. */
async function addEntries(listing: Listing, dir: Directory, { entry, key }: Candidate, page: Page) {
  listing.proceed();
  if (!entry.isDirectory()) {
    const object = await objectOf(listing, dir, entry, key);
    if (object !== undefined) page.found.push({ name: key, object });
  } else if (listing.delimiter && groupOf(key, listing.prefix) !== undefined) {
    const isGroup = await inChild(listing, dir, entry.name, (child) => holdsObject(listing, child, page));
    if (isGroup) page.found.push({ name: key });
  } else {
    await inChild(listing, dir, entry.name, (child) => collect(listing, child, page));
  }
}

/**
 * Whether there is an object of the listing anywhere below: a directory without any is no group. Any one will do, so
 * nothing is sorted, and files are looked at before directories are opened.
 */
async function holdsObject(listing: Listing, dir: Directory, page: Page): Promise<boolean> {
  const candidates = await candidatesIn(listing, dir, page);
  for (const { entry, key } of candidates) {
    listing.proceed();
    if (!entry.isDirectory() && (await objectOf(listing, dir, entry, key)) !== undefined) return true;
  }
  for (const { entry } of candidates) {
    listing.proceed();
    if (!entry.isDirectory()) continue;
    if (await inChild(listing, dir, entry.name, (child) => holdsObject(listing, child, page))) return true;
  }
  return false;
}

async function candidatesIn(
  { root, prefix }: Listing,
  dir: Directory,
  { start }: Page,
): Promise<Candidate[]> {
  const entries = await root.fs.readdir(dir.path(''), { withFileTypes: true });
  const above = dir.segments.map((segment) => `${segment}/`).join('');
  const candidates: Candidate[] = [];
  for (const entry of entries) {
    if (dir.segments.length === 0 && entry.name === TEMP_DIRECTORY) continue;
    const key = `${above}${entry.name}${entry.isDirectory() ? '/' : ''}`;
    const wanted = entry.isDirectory()
      ? mayHold(key, prefix, start)
      : entry.isFile() && key.startsWith(prefix) && isFrom(key, start);
    if (wanted) candidates.push({ entry, key });
  }
  return candidates;
}

/** Runs `use` in a directory below; one that has gone or become a link since its parent was read is passed over. */
async function inChild<T>(
  { root }: Listing,
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
  { root }: Listing,
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

function mayHold(keyOfDirectory: string, prefix: string, start: ListStart | undefined): boolean {
  const inPrefix = keyOfDirectory.startsWith(prefix) || prefix.startsWith(keyOfDirectory);
  if (!inPrefix || start === undefined) return inPrefix;
  return start.bound.startsWith(keyOfDirectory) || compareKeys(keyOfDirectory, start.bound) > 0;
}

/** A file that somebody else put here may have a name that is no key. */
function isKey(key: string): boolean {
  try {
    return parseKey(key).length > 0;
  } catch {
    return false;
  }
}
