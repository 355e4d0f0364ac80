import type { PrimitiveType } from '../metadata/schema.ts';
import type { ColumnPath } from './column-names.ts';
import type { NewColumn, NewField } from './new-column.ts';

/**
 * The changes of one schema update. Every name means the schema as it was before the update, or a column that this
 * update added: after `renameColumn('a', 'b')` the column is still called `a` here. So columns can swap their names,
 * and a column can be dropped and a new one of its name added.
 *
 * Whatever cannot be done is `INVALID_ARGUMENT`, thrown at the call that asks for it, or at the end where the
 * changes only conflict together.
 */
export interface SchemaChange {
  /**
   * Adds a column at the end, or a field at the end of a struct: `addColumn('place.zip', { type: 'string' })`. A name
   * with a dot is given as an array: `addColumn(['a.b'], …)`. Rows written before read as null, so a required column
   * needs `allowIncompatible`.
   */
  addColumn(path: ColumnPath, column: NewColumn): this;
  /** Takes a column out, with all that is inside it. Its data stays in the files and its id is never used again. */
  dropColumn(path: ColumnPath): this;
  /** Gives a column another name; `newName` is one name, not a path. */
  renameColumn(path: ColumnPath, newName: string): this;
  /** `int` to `long`, `float` to `double`, a decimal to more digits; no others in format v2. */
  widenColumn(path: ColumnPath, type: PrimitiveType): this;
  makeOptional(path: ColumnPath): this;
  /** Needs `allowIncompatible`: nobody checks that the rows there are have no null. */
  makeRequired(path: ColumnPath): this;
  /** `undefined` takes the doc away. */
  setDoc(path: ColumnPath, doc: string | undefined): this;
  /** To the beginning of its struct. */
  moveFirst(path: ColumnPath): this;
  /** `other`, too, is a path from the top: `moveBefore('place.zip', 'place.city')`. */
  moveBefore(path: ColumnPath, other: ColumnPath): this;
  moveAfter(path: ColumnPath, other: ColumnPath): this;
  /**
   * Names the columns that identify a row, by their names **after** the update; `[]` for none. They must be required,
   * of a primitive type but float and double, and not in lists, maps or optional structs.
   */
  setIdentifierFields(paths: readonly ColumnPath[]): this;
  /**
   * Changes the schema so that rows of another one fit: adds the columns it lacks (optional), widens types, makes
   * columns optional, takes over docs. Nothing is dropped or narrowed. Ids in `schema` are not looked at.
   */
  unionByName(schema: { readonly fields: readonly NewField[] }): this;
}

/** How a schema may be changed. */
export interface SchemaChangeOptions {
  /** Lets required columns be added and columns be made required, though rows there are may have no value. Default false. */
  readonly allowIncompatible?: boolean;
  /** Whether names are found only in the same case. Default true. */
  readonly caseSensitive?: boolean;
}
