/** The one file that knows apache-arrow: columns of a row group to an Arrow IPC stream with one record batch. */
import {
  Binary,
  Bool,
  type Data,
  type DataType,
  DateDay,
  Field,
  FixedSizeBinary,
  Float32,
  Float64,
  Int32,
  Int64,
  Map_,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  TimeMicrosecond,
  TimestampMicrosecond,
  tableToIPC,
  Utf8,
} from 'apache-arrow';
import type { FlatColumn } from './flat-column.ts';
import type { ColumnPlan } from './schema.ts';

/** Turns row groups of one schema into IPC bytes. The bytes are a copy; the columns are not kept. */
export class ArrowBatchEncoder {
  readonly #schema: Schema;
  readonly #struct: Struct;

  constructor(plans: readonly ColumnPlan[]) {
    const fields = plans.map(
      (plan) => new Field(plan.name, arrowType(plan), !plan.required, fieldId(plan.id)),
    );
    this.#schema = new Schema(fields);
    this.#struct = new Struct(fields);
  }

  encode(columns: readonly FlatColumn[], rowCount: number): Uint8Array {
    const children = columns.map((column, index) =>
      columnData((this.#schema.fields[index] as Field).type, column),
    );
    const data = makeData({ type: this.#struct, length: rowCount, nullCount: 0, children });
    return tableToIPC(new Table([new RecordBatch(this.#schema, data)]), 'stream');
  }
}

/** Parquet writers read this field metadata key and put the number into the footer. */
function fieldId(id: number): Map<string, string> {
  return new Map([['PARQUET:field_id', String(id)]]);
}

function arrowType(plan: ColumnPlan): DataType {
  switch (plan.type) {
    case 'boolean':
      return new Bool();
    case 'int':
      return new Int32();
    case 'long':
      return new Int64();
    case 'float':
      return new Float32();
    case 'double':
      return new Float64();
    case 'date':
      return new DateDay();
    case 'time':
      return new TimeMicrosecond();
    case 'timestamp':
      return new TimestampMicrosecond();
    case 'timestamptz':
      return new TimestampMicrosecond('UTC');
    case 'string':
      return new Utf8();
    case 'binary':
      return new Binary();
    case 'fixed':
      return new FixedSizeBinary(plan.byteWidth);
    case 'map':
      return mapType(plan);
  }
}

function mapType(plan: ColumnPlan): DataType {
  const { keyId, valueId, valueRequired } = plan.map as NonNullable<ColumnPlan['map']>;
  const key = new Field('key', new Utf8(), false, fieldId(keyId));
  const value = new Field('value', new Utf8(), !valueRequired, fieldId(valueId));
  const entries = new Field('key_value', new Struct<{ key: Utf8; value: Utf8 }>([key, value]), false);
  const type = new Map_<Utf8, Utf8>(entries);
  // Its constructor renames the field to "entries"; the Parquet and Iceberg specifications say "key_value".
  (entries as { name: string }).name = 'key_value';
  return type;
}

function columnData(type: DataType, column: FlatColumn): Data {
  const { length, nullCount, data } = column;
  const common = {
    length,
    nullCount,
    ...(column.validity === undefined ? {} : { nullBitmap: column.validity }),
  };
  switch (data.kind) {
    case 'values':
      return makeData({ type: type as Int64, ...common, data: data.values as BigInt64Array });
    case 'bits':
      return makeData({ type: type as Bool, ...common, data: data.bits });
    case 'fixed':
      return makeData({ type: type as FixedSizeBinary, ...common, data: data.bytes });
    case 'varlen':
      return makeData({ type: type as Utf8, ...common, valueOffsets: data.offsets, data: data.bytes });
    case 'map': {
      const map = type as Map_<Utf8, Utf8>;
      const children = [columnData(map.keyType, data.keys), columnData(map.valueType, data.values)];
      const entries = makeData({
        type: map.childType as Struct,
        length: data.keys.length,
        nullCount: 0,
        children,
      });
      return makeData({ type: map, ...common, valueOffsets: data.offsets, child: entries });
    }
  }
}
