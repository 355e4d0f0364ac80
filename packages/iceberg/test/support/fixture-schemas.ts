import type { NestedField, PrimitiveType, Schema, Type } from '../../src/metadata/schema.ts';

const optional = (id: number, name: string, type: Type): NestedField => ({ id, name, required: false, type });
const required = (id: number, name: string, type: Type): NestedField => ({ id, name, required: true, type });
const list = (elementId: number, element: Type, elementRequired = false): Type => ({
  type: 'list',
  elementId,
  elementRequired,
  element,
});
const struct = (...fields: NestedField[]): Type => ({ type: 'struct', fields });

const primitives: [string, PrimitiveType][] = [
  ['b', 'boolean'],
  ['i', 'int'],
  ['l', 'long'],
  ['f', 'float'],
  ['d', 'double'],
  ['date', 'date'],
  ['time', 'time'],
  ['ts', 'timestamp'],
  ['tstz', 'timestamptz'],
  ['s', 'string'],
  ['u', 'uuid'],
  ['bin', 'binary'],
  ['fix', 'fixed[4]'],
  ['dec9', 'decimal(9,2)'],
  ['dec18', 'decimal(18,4)'],
  ['dec38', 'decimal(38,10)'],
];

/** Schema of `primitives-*.parquet`. */
export const primitivesSchema: Schema = {
  schemaId: 0,
  fields: [
    ...primitives.map(([name, type], index) => optional(index + 1, name, type)),
    required(17, 'req', 'long'),
  ],
};

/** Schema of `nested*.parquet`. */
export const nestedSchema: Schema = {
  schemaId: 0,
  fields: [
    required(1, 'id', 'long'),
    optional(2, 'attributes', {
      type: 'map',
      keyId: 3,
      key: 'string',
      valueId: 4,
      valueRequired: false,
      value: 'string',
    }),
    optional(5, 'tags', list(6, 'string')),
    optional(
      7,
      'place',
      struct(
        optional(8, 'city', 'string'),
        optional(9, 'at', struct(required(10, 'x', 'double'), optional(11, 'y', 'double'))),
      ),
    ),
    optional(12, 'deep', list(13, list(14, 'int', true))),
    optional(15, 'by_id', {
      type: 'map',
      keyId: 16,
      key: 'long',
      valueId: 17,
      valueRequired: false,
      value: struct(optional(18, 'n', 'int'), optional(19, 'l', list(20, 'int'))),
    }),
  ],
};

/** Schema of `log*.parquet`. */
export const logSchema: Schema = {
  schemaId: 0,
  fields: [
    required(3, 'topic_name', 'string'),
    required(6, 'segment_offset', 'long'),
    required(7, 'payload', 'binary'),
    required(8, 'publish_time', 'timestamptz'),
    optional(14, 'routing_key', 'string'),
  ],
};

/** The payload that `make_parquet.py` gave row `i` of the log. */
export function logPayload(i: number): Uint8Array {
  return Uint8Array.from({ length: 40 }, (_, j) => (i * 31 + j * 7 + ((j * j) % (i + 3))) % 256);
}

/** Row `i` of the log. */
export function logRow(i: number): Record<string, unknown> {
  return {
    topic_name: `/default/t${Math.floor(i / 1000)}`,
    segment_offset: 2n ** 53n + BigInt(i),
    payload: logPayload(i),
    publish_time: 1_700_000_000_000_000n + BigInt(i) * 1000n,
    routing_key: i % 3 ? null : `k${i % 7}`,
  };
}

/** Row `i` of the nested files. */
export function nestedRow(i: number): Record<string, unknown> {
  const rows = [
    {
      attributes: new Map<string, string | null>([
        ['b', '2'],
        ['10', 'x'],
        ['2', null],
        ['__proto__', 'p'],
        ['', ''],
      ]),
      tags: ['x', null, ''],
      place: { city: 'Ulm', at: { x: 1.5, y: null } },
      deep: [[1, 2], [], null, [3]],
      by_id: new Map<bigint, unknown>([
        [2n ** 60n + 1n, { n: 1, l: [1, null] }],
        [2n, null],
      ]),
    },
    { attributes: null, tags: null, place: null, deep: null, by_id: null },
    { attributes: new Map(), tags: [], place: { city: null, at: null }, deep: [], by_id: new Map() },
    {
      attributes: new Map([['a', 'b']]),
      tags: [null],
      place: { city: '', at: { x: 0, y: 2 } },
      deep: [[]],
      by_id: new Map<bigint, unknown>([
        [1n, { n: null, l: null }],
        [3n, { n: 5, l: [] }],
      ]),
    },
  ];
  return { id: BigInt(i), ...rows[i % 4] };
}
