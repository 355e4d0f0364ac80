import type { ManifestFile } from './data-file.ts';

/**
 * Keeps manifest lists by location, so that the writer of a table need not read back what it wrote itself.
 * Manifest lists never change, so a cache cannot be stale. May be shared by any number of tables.
 */
export interface ManifestListCache {
  get(location: string): readonly ManifestFile[] | undefined;
  set(location: string, manifests: readonly ManifestFile[]): void;
}

/**
 * A cache of the lists used last. `maxLists` (default 16) should be about the number of tables written at the
 * same time; a list takes some hundred bytes of memory for each manifest.
 */
export function createManifestListCache(options: { readonly maxLists?: number } = {}): ManifestListCache {
  const maxLists = options.maxLists ?? 16;
  const lists = new Map<string, readonly ManifestFile[]>();
  const touch = (location: string, manifests: readonly ManifestFile[]): void => {
    lists.delete(location);
    lists.set(location, manifests);
    const [oldest] = lists.keys();
    if (lists.size > maxLists && oldest !== undefined) lists.delete(oldest);
  };
  return {
    get(location) {
      const manifests = lists.get(location);
      if (manifests !== undefined) touch(location, manifests);
      return manifests;
    },
    set: touch,
  };
}
