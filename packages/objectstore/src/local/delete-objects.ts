import { setImmediate } from 'node:timers/promises';
import type { ObjectStoreError } from '../errors.ts';
import type { DeleteFailure } from '../object-store.ts';
import { throwIfAborted } from '../request-checks.ts';
import { forEachBounded } from './bounded.ts';
import type { Directory } from './directories.ts';
import { systemCode, toStoreError } from './error-mapping.ts';
import type { LocalRoot } from './local-root.ts';
import { locate } from './object-path.ts';

/**
 * So many directories at a time, with so many names each: enough that syncs of several directories overlap, and few
 * enough that other work gets its turn in the thread pool (4 threads by default).
 */
const DIRECTORIES_AT_A_TIME = 4;
const NAMES_AT_A_TIME = 4;
/** Checking this many keys takes a few milliseconds. */
const KEYS_A_TURN = 2000;

/** A key to delete: its place in what was asked for, and its name in its directory. */
interface NamedKey {
  readonly index: number;
  readonly key: string;
  readonly name: string;
}

/** The keys of one directory. */
interface Group {
  readonly directories: readonly string[];
  readonly names: NamedKey[];
}

/** What became of the keys so far: errors by place. */
type Failures = Map<number, ObjectStoreError>;

/**
 * Removes objects, directory by directory: each is opened once and synced once, however many of its names go. Resolves
 * with what could not be removed, in the order of the keys; a key that is given twice is told of twice.
 */
export async function deleteObjects(
  root: LocalRoot,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly DeleteFailure[]> {
  const failures: Failures = new Map();
  const groups = await byDirectory(keys, failures);
  await forEachBounded(groups, DIRECTORIES_AT_A_TIME, (group) => deleteGroup(root, group, failures, signal));
  return keys.flatMap((key, index) => {
    const error = failures.get(index);
    return error === undefined ? [] : [{ key, error }];
  });
}

/** Keys by their directory; what is no key here is a failure at once. Lets others run now and then. */
async function byDirectory(keys: readonly string[], failures: Failures): Promise<Iterable<Group>> {
  const groups = new Map<string, Group>();
  for (const [index, key] of keys.entries()) {
    if (index % KEYS_A_TURN === KEYS_A_TURN - 1) await setImmediate();
    try {
      const { directories, name } = locate(key);
      const path = directories.join('/');
      const group = groups.get(path) ?? { directories, names: [] };
      group.names.push({ index, key, name });
      groups.set(path, group);
    } catch (error) {
      failures.set(index, deleteError(error, key));
    }
  }
  return groups.values();
}

async function deleteGroup(
  root: LocalRoot,
  { directories, names }: Group,
  failures: Failures,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    throwIfAborted(signal);
    await root.tree.inExisting(directories, async (dir) => {
      await forEachBounded(names, NAMES_AT_A_TIME, (named) => unlink(root, dir, named, failures, signal));
      // The point of durability: until here a power loss could bring the objects back. Also for names that are absent:
      // another call, or one that failed in this sync, may have removed them without a sync so far.
      if (names.some(({ index }) => !failures.has(index))) await dir.handle.sync();
    });
  } catch (error) {
    for (const { index, key } of names)
      if (!failures.has(index)) failures.set(index, deleteError(error, key));
  }
}

async function unlink(
  root: LocalRoot,
  dir: Directory,
  { index, key, name }: NamedKey,
  failures: Failures,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    throwIfAborted(signal);
    if ((await root.tree.refuseUnsafe(dir, name)) === 'file') await root.fs.unlink(dir.path(name));
  } catch (error) {
    // Somebody else was faster, and perhaps has made a directory of this name already.
    const code = systemCode(error);
    if (code !== 'ENOENT' && code !== 'EISDIR') failures.set(index, deleteError(error, key));
  }
}

function deleteError(error: unknown, key: string): ObjectStoreError {
  return toStoreError(error, `delete "${key}"`, { key });
}
