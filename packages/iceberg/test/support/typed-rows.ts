import { type Printed, printDouble } from './printed.ts';

/** Columns of every v2 type, each with values at its edges; shorter lists end in nulls. */
export const primitives: readonly (readonly [type: string, values: readonly Printed[]])[] = [
  ['boolean', [true, false]],
  ['int', ['-2147483648', '2147483647', '0']],
  ['long', ['-9223372036854775808', '9223372036854775807', '9007199254740993']],
  [
    'float',
    [printDouble(-0), printDouble(Number.NaN), printDouble(1.5), printDouble(-3.4028234663852886e38)],
  ],
  [
    'double',
    [printDouble(Number.NEGATIVE_INFINITY), printDouble(Number.NaN), printDouble(5e-324), printDouble(0)],
  ],
  ['date', ['-719162', '0', '20000']],
  ['time', ['0', '86399999999']],
  ['timestamp', ['-1', '1700000000000001']],
  ['timestamptz', ['-62135596800000000', '0', '1700000000000001']],
  ['string', ['s:', 's:ü – 😀 a string of more than sixteen characters', 's:\u0000\uffff']],
  ['uuid', ['s:00000000-0000-0000-0000-000000000000', 's:f79c3e09-677c-4bbd-a479-3f349cb785e7']],
  ['fixed[3]', ['x:000000', 'x:ffffff']],
  ['binary', ['x:', `x:${'ff'.repeat(20)}`, 'x:0001']],
  ['decimal(9,2)', ['-99999999', '1', '0']],
  ['decimal(18,0)', ['-999999999999999999', '128']],
  ['decimal(38,10)', ['-99999999999999999999999999999999999999', '12345678901234567890123456789']],
];

/** A column of each type after `id`, and rows that have the first, second, … value of each. */
export function typedTable(
  types: readonly (readonly [type: string, values: readonly Printed[]])[],
  count: number,
) {
  const names = types.map(([type], i) => `c${i}_${type.replace(/\W.*/, '')}`);
  const fields = types.map(([type], i) => ({ id: i + 2, name: names[i]!, required: false, type }));
  const rows = Array.from({ length: count }, (_, row) => ({
    id: String(row),
    ...Object.fromEntries(types.map(([, values], i) => [names[i]!, values[row] ?? null])),
  }));
  return {
    schema: { type: 'struct', fields: [{ id: 1, name: 'id', required: true, type: 'int' }, ...fields] },
    names,
    rows,
  };
}
