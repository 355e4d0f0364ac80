import {
  isPrimitiveType,
  type PrimitiveType,
  type Row,
  type RowMap,
  type RowValue,
  type Type,
} from '../../src/index.ts';
import type { PrimitiveValue } from '../../src/metadata/primitive-value.ts';

/**
 * A value in the printed form that the tests of all languages share; see `test/interop/scan_tables.py`. It loses
 * nothing, and has but one spelling for each value.
 */
export type Printed = string | boolean | null | readonly Printed[] | { readonly [name: string]: Printed };
export type PrintedRow = Readonly<Record<string, Printed>>;

/** The printed form of a value that our reader gave. */
export function print(type: Type, value: RowValue): Printed {
  if (value === null) return null;
  if (isPrimitiveType(type)) return printPrimitive(type, value);
  switch (type.type) {
    case 'struct':
      return printRow(type, value as Row);
    case 'list':
      return (value as readonly RowValue[]).map((item) => print(type.element, item));
    case 'map':
      return {
        map: [...(value as RowMap)].map(([key, item]) => [print(type.key, key), print(type.value, item)]),
      };
  }
}

export function printRow(
  { fields }: { readonly fields: readonly { name: string; type: Type }[] },
  row: Row,
): PrintedRow {
  return Object.fromEntries(fields.map(({ name, type }) => [name, print(type, row[name] as RowValue)]));
}

function printPrimitive(type: PrimitiveType, value: RowValue): Printed {
  if (value instanceof Uint8Array) return `x:${Buffer.from(value).toString('hex')}`;
  if (typeof value === 'string') return `s:${value}`;
  if (typeof value === 'boolean') return value;
  return type === 'float' || type === 'double' ? printDouble(value as number) : String(value);
}

export function printDouble(value: number): string {
  const double = Buffer.alloc(8);
  double.writeDoubleBE(value);
  return `f:${double.toString('hex')}`;
}

/** What our package takes for that value, in a filter or as a partition. */
export function parsePrinted(type: PrimitiveType, printed: string | boolean): PrimitiveValue {
  if (typeof printed === 'boolean') return printed;
  if (type === 'string' || type === 'uuid') return printed.slice(2);
  if (type === 'binary' || type.startsWith('fixed'))
    return Uint8Array.from(Buffer.from(printed.slice(2), 'hex'));
  if (type === 'float' || type === 'double') return Buffer.from(printed.slice(2), 'hex').readDoubleBE();
  return type === 'int' || type === 'date' ? Number(printed) : BigInt(printed);
}
