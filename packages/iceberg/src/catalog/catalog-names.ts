import { IcebergError } from '../errors.ts';
import type { Namespace, TableIdentifier } from './catalog.ts';

/** `INVALID_ARGUMENT` unless there is at least one level and none is empty. */
export function checkNamespace(namespace: Namespace): void {
  if (namespace.length > 0 && namespace.every((level) => typeof level === 'string' && level !== '')) return;
  throw new IcebergError('INVALID_ARGUMENT', 'a namespace needs at least one level and no empty ones', {
    context: { namespace },
  });
}

/** `INVALID_ARGUMENT` unless namespace and name are not empty. */
export function checkTableIdentifier(identifier: TableIdentifier): void {
  checkNamespace(identifier.namespace);
  if (typeof identifier.name === 'string' && identifier.name !== '') return;
  throw new IcebergError('INVALID_ARGUMENT', 'a table needs a name', { context: { identifier } });
}

/** `a.b.table`, for people. */
export function formatIdentifier({ namespace, name }: TableIdentifier): string {
  return [...namespace, name].join('.');
}
