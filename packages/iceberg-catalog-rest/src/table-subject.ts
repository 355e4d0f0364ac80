import { formatIdentifier, IcebergError, type TableIdentifier } from '@danube/iceberg';
import type { ErrorSubject } from './error-mapping.ts';

/** What a table is called in errors. */
export function tableSubject(identifier: TableIdentifier): ErrorSubject {
  return { what: `table ${formatIdentifier(identifier)}`, context: { identifier } };
}

/** A table in a namespace that is not there is not there. */
export function missingTable(error: unknown, identifier: TableIdentifier): unknown {
  if (!IcebergError.is(error, 'NAMESPACE_NOT_FOUND')) return error;
  return new IcebergError(
    'TABLE_NOT_FOUND',
    `there is no table ${formatIdentifier(identifier)}, nor its namespace`,
    {
      context: { identifier },
      cause: error,
    },
  );
}
