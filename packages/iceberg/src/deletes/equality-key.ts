import type { PrimitiveValue } from '../metadata/primitive-value.ts';
import type { Row, RowValue } from '../metadata/row.ts';

/** The values of some columns as one value that a `Set` compares. */
export type EqualityKey = string | number | bigint | boolean | null;

/** Makes the key of a row. */
export type ReadKey = (row: Row) => EqualityKey;

/**
 * Makes the function that gives a row's key from the columns at these paths. Two rows have the same key exactly when
 * equality deletes take them for equal: null equals null and NaN equals NaN, but -0 is not +0, as in Java, where
 * `Double.compare` decides. A field of a struct that is null is null.
 */
export function keyReader(paths: readonly (readonly string[])[]): ReadKey {
  const readers = paths.map(valueReader);
  const [only] = readers;
  if (readers.length === 1 && only) return (row) => simpleKey(only(row));
  return (row) => {
    let key = '';
    for (const read of readers) key += keyPart(read(row));
    return key;
  };
}

function valueReader(path: readonly string[]): (row: Row) => PrimitiveValue | null {
  const [first] = path as [string];
  if (path.length === 1) return (row) => row[first] as PrimitiveValue | null;
  return (row) => {
    let value: RowValue | undefined = row;
    for (const name of path) {
      if (value === null || value === undefined) return null;
      value = (value as Row)[name];
    }
    return value as PrimitiveValue | null;
  };
}

/** Values of one column are of one JavaScript type, so what stands for -0 or bytes cannot be taken for another value. */
function simpleKey(value: PrimitiveValue | null): EqualityKey {
  if (value instanceof Uint8Array) return latin1(value);
  return Object.is(value, -0) ? '-0' : value;
}

/** Each part says where it ends, so no two lists of values have the same text. */
function keyPart(value: PrimitiveValue | null): string {
  if (value === null) return 'n';
  const text = value instanceof Uint8Array ? latin1(value) : String(Object.is(value, -0) ? '-0' : value);
  return `${text.length}:${text}`;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
