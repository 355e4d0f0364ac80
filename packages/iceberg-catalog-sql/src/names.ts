import { IcebergError, type Namespace, type TableIdentifier } from '@danube/iceberg';

/**
 * The one text by which the JDBC catalog's tables know a namespace: its levels joined by dots.
 *
 * Levels that could not be told apart again, or that PyIceberg would change (it trims white space), are refused.
 * Errors: `INVALID_ARGUMENT`.
 */
export function joinNamespace(namespace: Namespace): string {
  const reason =
    namespace.length === 0 ? 'it has no levels' : namespace.map(badLevel).find((why) => why !== undefined);
  if (reason === undefined) return namespace.join('.');
  throw new IcebergError(
    'INVALID_ARGUMENT',
    `namespace ${JSON.stringify(namespace)} cannot be used: ${reason}`,
    {
      context: { namespace },
    },
  );
}

/** The levels of a namespace's text. */
export function splitNamespace(text: string): string[] {
  return text.split('.');
}

/** Namespace text and name of a table. Errors: `INVALID_ARGUMENT`. */
export function tableKey(identifier: TableIdentifier): { namespace: string; table: string } {
  const { name } = identifier;
  if (name === '' || name.includes('\0') || !name.isWellFormed()) {
    throw new IcebergError('INVALID_ARGUMENT', `${JSON.stringify(name)} is no name of a table`, {
      context: { identifier },
    });
  }
  return { namespace: joinNamespace(identifier.namespace), table: name };
}

/** A table's name for messages. */
export function shown(identifier: TableIdentifier): string {
  return [...identifier.namespace, identifier.name].join('.');
}

/** Python counts some control characters as white space. */
const outerSpace = /^[\s\p{Cc}]|[\s\p{Cc}]$/u;

function badLevel(level: string): string | undefined {
  if (level === '') return 'a level is empty';
  if (level.includes('.')) return 'a level contains a dot, which separates levels in this catalog';
  if (level.includes('\0')) return 'a level contains a NUL';
  if (!level.isWellFormed()) return 'a level has half a character, which UTF-8 cannot hold';
  if (outerSpace.test(level)) return 'a level starts or ends with white space';
  return undefined;
}
