import { randomUUID } from 'node:crypto';
import type { TableIdentifier } from './catalog.ts';

/**
 * A new location for a table: below its namespace's `location` property, else below the warehouse in a folder for
 * each level, and with a unique end. A name can be dropped (its files kept), or renamed, and used again; two tables
 * that shared a folder would each take the other's files for orphans. For catalogs that choose locations themselves;
 * `warehouse` and `namespaceLocation` are base URIs, written literally.
 */
export function newTableLocation(
  warehouse: string,
  identifier: TableIdentifier,
  namespaceLocation: string | undefined,
): string {
  const base =
    namespaceLocation === undefined
      ? [warehouse, ...identifier.namespace.map(folder)].join('/')
      : namespaceLocation.replace(/\/+$/, '');
  return `${base}/${folder(identifier.name)}-${randomUUID().replaceAll('-', '')}`;
}

/** Names may hold what paths should not: slashes, dots that lead upwards, characters that URIs reserve. */
function folder(name: string): string {
  const safe = name.replace(/[^\p{L}\p{N}_.-]/gu, '_').slice(0, 64);
  return /^\.*$/.test(safe) ? `_${safe}` : safe;
}
