import { ParquetWriterError } from './errors.ts';

/**
 * The Iceberg primitive types this encoder writes, spelled as in the table metadata JSON
 * (https://iceberg.apache.org/spec/#primitive-types). `decimal`, `uuid` and the v3 types are refused
 * with `UNSUPPORTED_TYPE`.
 */
export type WriterPrimitiveType =
  | 'boolean'
  | 'int'
  | 'long'
  | 'float'
  | 'double'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'timestamptz'
  | 'string'
  | 'binary'
  | `fixed[${number}]`;

/** `map<string, string>`, the one nested type this encoder writes. `key` and `value` are `string`. */
export interface WriterMapType {
  readonly type: 'map';
  readonly keyId: number;
  readonly key: unknown;
  readonly valueId: number;
  readonly valueRequired: boolean;
  readonly value: unknown;
}

/**
 * One column of a file: a field of an Iceberg schema. The type is `unknown` so that a field of a whole
 * Iceberg schema fits as it is; {@link ParquetEncoder.open} refuses what it cannot write.
 */
export interface WriterField {
  /** Iceberg field id, 1 … 2^31-1, written into the footer as the Parquet `field_id`. */
  readonly id: number;
  readonly name: string;
  /** Required columns are written as Parquet REQUIRED and refuse nulls. */
  readonly required: boolean;
  /** A {@link WriterPrimitiveType} or {@link WriterMapType}. */
  readonly type: unknown;
}

/** How a column's values are held in memory between the caller and Arrow. */
export type ColumnLayout =
  | 'bits'
  | 'int32'
  | 'int64'
  | 'float32'
  | 'float64'
  | 'utf8'
  | 'bytes'
  | 'fixed'
  | 'map';

/** A checked field: what the rest of the package works with. Plain data; crosses to the worker. */
export interface ColumnPlan {
  readonly id: number;
  readonly name: string;
  readonly required: boolean;
  /** The Iceberg type's name; `fixed` and `map` without their arguments. */
  readonly type: Exclude<WriterPrimitiveType, `fixed[${number}]`> | 'fixed' | 'map';
  readonly layout: ColumnLayout;
  /** Bytes of one value, `fixed` only. */
  readonly byteWidth: number;
  /** Ids and requiredness of a map's key and value, `map` only. */
  readonly map:
    | { readonly keyId: number; readonly valueId: number; readonly valueRequired: boolean }
    | undefined;
}

const LAYOUTS: Readonly<Record<string, ColumnLayout>> = {
  boolean: 'bits',
  int: 'int32',
  date: 'int32',
  long: 'int64',
  time: 'int64',
  timestamp: 'int64',
  timestamptz: 'int64',
  float: 'float32',
  double: 'float64',
  string: 'utf8',
  binary: 'bytes',
};

/**
 * Checks the fields of a file and works out each column's layout.
 *
 * @throws ParquetWriterError `INVALID_SCHEMA`, `UNSUPPORTED_TYPE`
 */
export function planColumns(fields: readonly WriterField[]): readonly ColumnPlan[] {
  if (!Array.isArray(fields) || fields.length === 0) {
    throw new ParquetWriterError('INVALID_SCHEMA', 'a file needs at least one field');
  }
  const names = new Set<string>();
  const ids = new Set<number>();
  const plans = fields.map((field: WriterField) => {
    const plan = planColumn(field);
    if (names.has(plan.name)) {
      throw new ParquetWriterError('INVALID_SCHEMA', `two fields are named "${plan.name}"`, {
        context: { column: plan.name },
      });
    }
    names.add(plan.name);
    for (const id of plan.map === undefined ? [plan.id] : [plan.id, plan.map.keyId, plan.map.valueId]) {
      checkId(id, plan.name);
      if (ids.has(id)) {
        throw new ParquetWriterError('INVALID_SCHEMA', `field id ${id} is used twice`, {
          context: { column: plan.name, fieldId: id },
        });
      }
      ids.add(id);
    }
    return plan;
  });
  return plans;
}

function planColumn(field: WriterField): ColumnPlan {
  const { id, name, required, type } = field;
  if (typeof name !== 'string' || name.length === 0) {
    throw new ParquetWriterError('INVALID_SCHEMA', 'a field has no name', { context: { fieldId: id } });
  }
  if (typeof required !== 'boolean') {
    throw new ParquetWriterError('INVALID_SCHEMA', `"${name}" does not say whether it is required`, {
      context: { column: name },
    });
  }
  const base = { id, name, required, byteWidth: 0, map: undefined };
  if (typeof type === 'string') {
    const layout = Object.hasOwn(LAYOUTS, type) ? LAYOUTS[type] : undefined;
    if (layout !== undefined) return { ...base, type: type as ColumnPlan['type'], layout };
    const fixed = /^fixed\[(\d+)\]$/.exec(type);
    if (fixed !== null) {
      const byteWidth = Number(fixed[1]);
      if (byteWidth >= 1 && byteWidth <= 65_536)
        return { ...base, type: 'fixed', layout: 'fixed', byteWidth };
    }
  } else if (isStringMap(type)) {
    const { keyId, valueId, valueRequired } = type;
    return { ...base, type: 'map', layout: 'map', map: { keyId, valueId, valueRequired } };
  }
  throw new ParquetWriterError('UNSUPPORTED_TYPE', `column "${name}" has type ${JSON.stringify(type)}`, {
    context: { column: name, type: JSON.stringify(type) },
  });
}

function isStringMap(type: unknown): type is WriterMapType {
  if (typeof type !== 'object' || type === null) return false;
  const map = type as Partial<WriterMapType>;
  return (
    map.type === 'map' &&
    map.key === 'string' &&
    map.value === 'string' &&
    typeof map.valueRequired === 'boolean'
  );
}

function checkId(id: unknown, column: string): void {
  if (typeof id === 'number' && Number.isInteger(id) && id >= 1 && id <= 0x7fffffff) return;
  throw new ParquetWriterError(
    'INVALID_SCHEMA',
    `"${column}" has field id ${String(id)}, not in 1 … 2^31-1`,
    {
      context: { column },
    },
  );
}
