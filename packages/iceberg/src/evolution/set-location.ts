import { IcebergError } from '../errors.ts';
import { withoutTrailingSlash } from '../metadata/create-table-metadata.ts';
import type { TableOperation } from '../transaction/table-operation.ts';

/**
 * Gives the table another base URI, where new data and metadata files go. Files that are there are not moved, and are
 * still found: metadata names them in full. When others set the location too, the last one counts.
 *
 * @throws IcebergError `INVALID_ARGUMENT` at once for an empty location
 */
export function setLocation(location: string): TableOperation {
  const wanted = withoutTrailingSlash(location);
  if (wanted === '') throw new IcebergError('INVALID_ARGUMENT', 'a table location cannot be empty');
  return {
    name: 'setLocation',
    plan: ({ metadata }) => ({
      updates: metadata.location === wanted ? [] : [{ action: 'set-location', location: wanted }],
    }),
  };
}
