import { IcebergError } from '../errors.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';

/** Whether the table allows that files are deleted (`gc.enabled`, default true): they may belong to others, too. */
export function isGarbageCollected({ properties }: Pick<TableMetadata, 'properties'>): boolean {
  return properties['gc.enabled']?.toLowerCase() !== 'false';
}

/** `INVALID_ARGUMENT` for a table with `gc.enabled=false`. */
export function checkGarbageCollected(
  metadata: Pick<TableMetadata, 'properties' | 'location'>,
  what: string,
): void {
  if (isGarbageCollected(metadata)) return;
  throw new IcebergError(
    'INVALID_ARGUMENT',
    `${what} is refused: the table has gc.enabled=false, its files may belong to other tables`,
    { context: { location: metadata.location } },
  );
}
