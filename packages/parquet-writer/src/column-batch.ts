/** Fixed-width values with a null mark per row: `nulls[i]` truthy means row i is null, whatever `values[i]` is. */
export interface NullableValues<T> {
  readonly values: T;
  readonly nulls?: ArrayLike<number | boolean>;
}

/** The typed arrays numbers come in. The class must match the column's type; see {@link ColumnValues}. */
export type TypedValues = BigInt64Array | Int32Array | Float32Array | Float64Array;

/** The entries of one map value. Iteration order is kept; a repeated key is the caller's business. */
export type MapEntries = ReadonlyMap<string, string | null> | Readonly<Record<string, string | null>>;

/**
 * The values of one column.
 *
 * | Iceberg type | values |
 * |---|---|
 * | long, time (µs), timestamp (µs), timestamptz (µs since 1970 UTC) | `BigInt64Array`, `{values, nulls}`, or an array of `bigint \| null` |
 * | int, date (days since 1970) | `Int32Array`, `{values, nulls}`, or an array of `number \| null` |
 * | float, double | `Float32Array` / `Float64Array`, `{values, nulls}`, or an array of `number \| null` |
 * | boolean | an array of `boolean \| null` |
 * | string | an array of `string \| null` (well-formed UTF-16) |
 * | binary, fixed[N] | an array of `Uint8Array \| null` |
 * | map<string, string> | an array of `Map`, plain object or `null` |
 *
 * In arrays `undefined` means null.
 */
export type ColumnValues =
  | TypedValues
  | NullableValues<TypedValues>
  | readonly (bigint | number | boolean | string | Uint8Array | MapEntries | null | undefined)[];

/** Some rows of a file, column by column. */
export interface ColumnBatch {
  readonly rowCount: number;
  /** By field name. An optional column may be left out: all null. A name the schema lacks is refused. */
  readonly columns: Readonly<Record<string, ColumnValues | undefined>>;
}
