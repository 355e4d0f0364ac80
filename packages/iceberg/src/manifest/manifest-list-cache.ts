import { checkOptions } from '../options.ts';
import type { ManifestList } from './manifest-list.ts';

/**
 * Keeps manifest lists by location, so that the writer of a table need neither read back nor encode again what
 * it wrote itself. Manifest lists never change, so a cache cannot be stale. May be shared by any number of tables.
 */
export interface ManifestListCache {
  get(location: string): ManifestList | undefined;
  set(location: string, list: ManifestList): void;
}

/**
 * A cache of the lists used last. `maxLists` (default 16) should be about twice the number of tables written at
 * the same time; a list takes about a kilobyte of memory for each manifest, shared between successive lists.
 *
 * A writer that also expires its snapshots reads no list if those of all snapshots that are alive fit: `maxLists` then is
 * what it retains plus what it adds between two expiries. Each further list costs a few kilobytes, not its length.
 *
 * @throws IcebergError `INVALID_ARGUMENT` for another option
 */
export function createManifestListCache(options: { readonly maxLists?: number } = {}): ManifestListCache {
  checkOptions('createManifestListCache', options, { maxLists: true });
  const maxLists = options.maxLists ?? 16;
  const lists = new Map<string, ManifestList>();
  const touch = (location: string, list: ManifestList): void => {
    lists.delete(location);
    lists.set(location, list);
    const [oldest] = lists.keys();
    if (lists.size > maxLists && oldest !== undefined) lists.delete(oldest);
  };
  return {
    get(location) {
      const list = lists.get(location);
      if (list !== undefined) touch(location, list);
      return list;
    },
    set: touch,
  };
}
