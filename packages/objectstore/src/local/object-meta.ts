import type { Stats } from 'node:fs';
import type { ObjectMeta } from '../object-store.ts';

/** The metadata of an object from its file's. The etag changes with every put: each makes a new file. */
export function metaOf(key: string, stats: Stats): ObjectMeta {
  const etag = [stats.ino, Math.trunc(stats.mtimeMs * 1000), stats.size].map((n) => n.toString(16)).join('-');
  return { key, sizeBytes: stats.size, lastModifiedMs: Math.trunc(stats.mtimeMs), etag };
}
