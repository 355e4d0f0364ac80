import type { PrimitiveValue } from './primitive-value.ts';

/**
 * A value in a row: a primitive in the form of {@link PrimitiveValue}, null, a struct as an object by field
 * name, a list as an array, a map as a `Map` (in the file's order; keys of bytes, structs and the like are
 * distinct objects, so iterate instead of asking for them).
 */
export type RowValue = PrimitiveValue | null | Row | readonly RowValue[] | RowMap;

/** A map column's value. */
export interface RowMap extends ReadonlyMap<RowValue, RowValue> {}

/**
 * A row: column name to value, with the names of the schema it was read with. Every column asked for is there,
 * null included. Byte values are views of a decoded page: nobody changes them, but one kept alive keeps its page
 * (1 MiB as a rule) alive; copy what is to be kept long.
 */
export interface Row {
  readonly [column: string]: RowValue;
}

/** A row or struct while it is being filled. */
export type MutableRow = Record<string, RowValue>;

/** Makes the function that sets one field of many objects, safe for any name a column may have. */
export function fieldSetter(name: string): (target: MutableRow, value: RowValue) => void {
  if (name !== '__proto__') {
    return (target, value) => {
      target[name] = value;
    };
  }
  // Assigning would change the object's prototype and lose the value.
  return (target, value) => {
    Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
  };
}
