import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IcebergError } from '../errors.ts';
import { parseJson, stringifyJson } from '../json/json.ts';
import { AvroDataError, AvroSource, compileDecoder } from './avro-decoder.ts';
import { AvroSink, type AvroValue, compileEncoder } from './avro-encoder.ts';
import { decodeAvroFile } from './avro-file-reader.ts';
import { AvroFileWriter, encodeAvroFile } from './avro-file-writer.ts';
import { parseAvroSchema } from './avro-schema-parser.ts';
import {
  type AvroType,
  array,
  avroTypeToJson,
  field,
  keyValueArray,
  optional,
  primitive,
  record,
} from './avro-type.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The examples of the Avro specification, "binary encoding". */
test.each([
  [0, [0x00]],
  [-1, [0x01]],
  [1, [0x02]],
  [-2, [0x03]],
  [-64, [0x7f]],
  [64, [0x80, 0x01]],
  [2 ** 53 - 1, [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f]],
  [2n ** 63n - 1n, [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
  [-(2n ** 63n), [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
] as const)('long %s is encoded as the specification says', (value, bytes) => {
  const sink = new AvroSink();
  sink.writeLong(value);
  const encoded = sink.take();
  expect([...encoded]).toEqual(bytes);
  expect(new AvroSource(encoded).readLong()).toBe(value);
});

test('every long comes back, as a number where that is exact', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      const sink = new AvroSink();
      sink.writeLong(value);
      const read = new AvroSource(sink.take()).readLong();
      expect(BigInt(read)).toBe(value);
      expect(typeof read).toBe(Number.isSafeInteger(Number(value)) ? 'number' : 'bigint');
    }),
    { numRuns: 1000 },
  );
});

/** A type together with values of it. */
interface Typed {
  readonly type: AvroType;
  readonly value: AvroValue;
}

const long = fc
  .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  .map((n) => (Number.isSafeInteger(Number(n)) ? Number(n) : n));
const leaf: fc.Arbitrary<Typed> = fc.oneof(
  fc.boolean().map((value) => ({ type: primitive('boolean'), value })),
  fc.integer().map((value) => ({ type: primitive('int'), value })),
  long.map((value) => ({ type: primitive('long'), value })),
  fc.float({ noNaN: true }).map((value) => ({ type: primitive('float'), value })),
  fc.double().map((value) => ({ type: primitive('double'), value })),
  fc
    .string({ unit: 'grapheme' })
    .map((value) => ({ type: primitive('string', { logicalType: 'x' }), value })),
  fc.uint8Array().map((value) => ({ type: primitive('bytes'), value })),
  fc.uint8Array({ minLength: 1 }).map((value) => ({
    type: { kind: 'fixed', name: `f${value.length}`, size: value.length } as const,
    value,
  })),
);

let names = 0;
const uniqueName = (): string => `r${++names}`;
const uniqueId = (): number => ++names;

function typed(depth: number): fc.Arbitrary<Typed> {
  if (depth === 0) return leaf;
  const inner = typed(depth - 1);
  return fc.oneof(
    leaf,
    fc
      .tuple(inner, fc.boolean())
      .map(([{ type, value }, absent]) =>
        type.kind === 'union' ? { type, value } : { type: optional(type), value: absent ? null : value },
      ),
    fc.tuple(inner, fc.nat(5)).map(([{ type, value }, count]) => ({
      type: array(7, type),
      value: Array.from({ length: count }, () => value),
    })),
    fc.tuple(inner, fc.uniqueArray(fc.integer(), { maxLength: 4 })).map(([{ type, value }, keys]) => ({
      type: keyValueArray(uniqueId(), primitive('int'), 2, type),
      value: keys.map((key) => [key, value]),
    })),
    fc.tuple(inner, fc.uniqueArray(fc.string(), { maxLength: 4 })).map(([{ type, value }, keys]) => ({
      type: { kind: 'map', values: type } as const,
      value: new Map(keys.map((key) => [key, value])),
    })),
    fc.array(inner, { minLength: 1, maxLength: 4 }).map((fields) => ({
      type: record(
        uniqueName(),
        fields.map(({ type }, i) => field(i, `f${i}`, type)),
      ),
      value: fields.map(({ value }) => value),
    })),
  );
}

const row: fc.Arbitrary<Typed> = fc.array(typed(3), { minLength: 1, maxLength: 5 }).map((fields) => ({
  type: record(
    'row',
    fields.map(({ type }, i) => field(100 + i, `f${i}`, type)),
  ),
  value: fields.map(({ value }) => value),
}));

test('every value of every type comes back from a file, with either codec', () => {
  fc.assert(
    fc.property(row, fc.nat(20), fc.constantFrom('deflate', 'null'), ({ type, value }, count, codec) => {
      const records = Array.from({ length: count }, () => value);
      const bytes = encodeAvroFile({ type, records, codec, metadata: { 'snapshot-id': '9' } });
      const file = decodeAvroFile(bytes, 'mem://f.avro');
      expect(file.metadata.get('snapshot-id')).toBe('9');
      expect([...file.records()]).toEqual(records);
    }),
    { numRuns: 200 },
  );
});

test('a schema comes back from its text with ids and logical types', () => {
  const type = record('r', [
    field(1, 'a', primitive('long', { logicalType: 'timestamp-micros', 'adjust-to-utc': true })),
    field(2, 'b', optional(keyValueArray(3, primitive('int'), 4, primitive('bytes')))),
    field(5, 'c', array(6, { kind: 'fixed', name: 'f', size: 16, attributes: { logicalType: 'uuid' } })),
  ]);
  expect(parseAvroSchema(parseJson(stringifyJson(avroTypeToJson(type))))).toEqual(type);
});

test('text may begin with U+FEFF, which is no byte order mark there', () => {
  const bytes = encodeAvroFile({ type: primitive('string'), records: ['\ufeffa', '\ufeff'] });
  expect([...decodeAvroFile(bytes, 'f').records()]).toEqual(['\ufeffa', '\ufeff']);
});

test('a value that is not of the type is refused and names the place', () => {
  const type = record('r', [field(1, 'a', optional(primitive('int')))]);
  const encode = compileEncoder(type);
  for (const wrong of [['1'], [2 ** 31], [1.5], [1n], [], null, [[1]]]) {
    expect(() => encode(new AvroSink(), wrong as AvroValue)).toThrow(TypeError);
  }
  expect(() => compileEncoder(primitive('long'))(new AvroSink(), 2n ** 63n)).toThrow(RangeError);
  expect(() => compileEncoder(primitive('long'))(new AvroSink(), 2 ** 60)).toThrow(TypeError);
});

test('blocks of one writer stand in another file of it as they are', () => {
  const writer = new AvroFileWriter({ type: primitive('long') });
  const [first] = writer.blocks([1, 2, 3]);
  const [second] = writer.blocks([4]);
  const bytes = Buffer.concat([writer.header({ a: 'b' }), second!, first!, second!]);
  expect([...decodeAvroFile(bytes, 'f').records()]).toEqual([4, 1, 2, 3, 4]);
});

test('a long file is split into blocks', () => {
  const value = 'x'.repeat(1000);
  const writer = new AvroFileWriter({ type: primitive('string'), codec: 'null' });
  const blocks = [...writer.blocks(Array.from({ length: 500 }, () => value))];
  expect(blocks.length).toBeGreaterThan(5);
  const bytes = Buffer.concat([writer.header(), ...blocks]);
  expect([...decodeAvroFile(bytes, 'f').records()]).toHaveLength(500);
});

/** A file by hand: `[count, data]` blocks with the given schema text and codec. */
function fileOf(schema: string, codec: string, blocks: readonly [number, Uint8Array][]): Uint8Array {
  const sink = new AvroSink();
  const sync = new Uint8Array(16).fill(7);
  sink.writeRaw(utf8('Obj\x01'));
  sink.writeLong(2);
  sink.writeString('avro.schema');
  sink.writeString(schema);
  sink.writeString('avro.codec');
  sink.writeString(codec);
  sink.writeByte(0);
  sink.writeRaw(sync);
  for (const [count, data] of blocks) {
    sink.writeLong(count);
    sink.writeBytes(data);
    sink.writeRaw(sync);
  }
  return sink.take();
}

/** A record that has the one below it twice, and so on: 2 to the power of `levels` fields. */
function doubled(levels: number): string {
  if (levels === 0) return '{"type":"record","name":"r0","fields":[{"name":"a","type":"null"}]}';
  const fields = `{"name":"a","type":${doubled(levels - 1)}},{"name":"b","type":"r${levels - 1}"}`;
  return `{"type":"record","name":"r${levels}","fields":[${fields}]}`;
}

function failure(bytes: Uint8Array): IcebergError {
  try {
    for (const _ of decodeAvroFile(bytes, 'mem://damaged.avro').records());
  } catch (error) {
    expect(IcebergError.is(error)).toBe(true);
    return error as IcebergError;
  }
  throw new Error('the file was read');
}

test.each([
  ['no Avro file', utf8('PAR1....')],
  ['an empty file', new Uint8Array()],
  ['a schema that is not JSON', fileOf('{', 'null', [])],
  ['a schema with an unknown type', fileOf('"decimal"', 'null', [])],
  [
    'a record inside itself',
    fileOf('{"type":"record","name":"r","fields":[{"name":"a","type":"r"}]}', 'null', []),
  ],
  ['records of records twice, billions all told', fileOf(doubled(30), 'null', [])],
  [
    'blocks of nulls, each as many as bytes are left',
    fileOf('{"type":"array","items":"null"}', 'null', [
      [1, Uint8Array.from({ length: 300_000 }, (_, at) => [0xc0, 0x9a, 0x0c][at % 3] as number)],
    ]),
  ],
  ['a schema nested without end', fileOf(`${'['.repeat(1000)}"int"${']'.repeat(1000)}`, 'null', [])],
  ['a fixed type of terabytes', fileOf('{"type":"fixed","name":"f","size":1e12}', 'null', [])],
  ['more records than bytes', fileOf('"int"', 'null', [[1000, Uint8Array.of(2)]])],
  ['a negative record count', fileOf('"int"', 'null', [[-1, Uint8Array.of(2)]])],
  ['fewer records than bytes', fileOf('"int"', 'null', [[1, Uint8Array.of(2, 4, 6)]])],
  [
    'a string longer than the file',
    fileOf('"string"', 'null', [[1, Uint8Array.of(0xfe, 0xff, 0xff, 0xff, 0x0f)]]),
  ],
  ['a string of negative length', fileOf('"string"', 'null', [[1, Uint8Array.of(1)]])],
  ['a string that is not UTF-8', fileOf('"string"', 'null', [[1, Uint8Array.of(2, 0xff)]])],
  ['a number of more than ten bytes', fileOf('"long"', 'null', [[1, new Uint8Array(11).fill(0xff)]])],
  [
    'a number of 70 bits',
    fileOf('"long"', 'null', [[1, Uint8Array.of(...new Uint8Array(9).fill(0xff), 0x7f)]]),
  ],
  [
    'an int of more than 32 bits',
    fileOf('"int"', 'null', [[1, Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x20)]]),
  ],
  ['a boolean that is 2', fileOf('"boolean"', 'null', [[1, Uint8Array.of(2)]])],
  ['a union branch that is not there', fileOf('["null","int"]', 'null', [[1, Uint8Array.of(4)]])],
  [
    'an array of billions',
    fileOf('{"type":"array","items":"null"}', 'null', [[1, Uint8Array.of(0xfe, 0xff, 0xff, 0xff, 0x0f, 0)]]),
  ],
  ['a block that does not inflate', fileOf('"int"', 'deflate', [[1, Uint8Array.of(1, 2, 3)]])],
])('%s is INVALID_MANIFEST and names the file', (_, bytes) => {
  const error = failure(bytes);
  expect(error.code).toBe('INVALID_MANIFEST');
  expect(error.message).toContain('mem://damaged.avro');
  expect(error.context).toMatchObject({ file: 'mem://damaged.avro' });
});

test('a codec this release does not have is UNSUPPORTED_FEATURE', () => {
  expect(failure(fileOf('"int"', 'snappy', [[1, Uint8Array.of(2)]])).code).toBe('UNSUPPORTED_FEATURE');
});

test('a block that inflates beyond the limit is refused, and never held in memory', () => {
  const bytes = fileOf('"bytes"', 'deflate', [[1, deflateRawSync(Buffer.alloc(2 ** 22))]]);
  expect(bytes.length).toBeLessThan(2 ** 13);
  expect(() => [...decodeAvroFile(bytes, 'f', { maxBlockBytes: 2 ** 16 }).records()]).toThrow(
    /^INVALID_MANIFEST/,
  );
});

test('two types of one name are refused: a reader would take the second for the first', () => {
  const type = record('r', [
    field(1, 'a', record('inner', [field(2, 'x', primitive('int'))])),
    field(3, 'b', record('inner', [field(4, 'x', primitive('string'))])),
  ]);
  expect(() => avroTypeToJson(type)).toThrow(TypeError);
});

test('a file cut at any byte, or with any byte changed, is read whole or refused with a typed error', () => {
  const type = record('r', [
    field(1, 'a', primitive('string')),
    field(2, 'b', optional(array(3, primitive('long')))),
    field(4, 'c', optional(primitive('bytes'))),
  ]);
  const records = [
    ['abc', [1, 2n ** 60n], null],
    ['', null, Uint8Array.of(1, 2)],
  ];
  for (const codec of ['null', 'deflate'] as const) {
    const bytes = encodeAvroFile({ type, records, codec });
    for (let cut = 0; cut < bytes.length; cut += 1) {
      const read = attempt(bytes.subarray(0, cut));
      // A file may end between header and first block: that is an empty file, which the manifest's length tells apart.
      if (read !== undefined) expect(read).toEqual([]);
    }
    for (let at = 0; at < bytes.length; at += 1) {
      for (const flip of [0x01, 0x80, 0xff])
        attempt(Uint8Array.from(bytes, (b, i) => (i === at ? b ^ flip : b)));
    }
  }
});

/** What a file holds; undefined if it was refused with a typed error. Anything else fails the test. */
function attempt(bytes: Uint8Array): AvroValue[] | undefined {
  try {
    return [...decodeAvroFile(bytes, 'f').records()];
  } catch (error) {
    if (IcebergError.is(error)) return undefined;
    throw error;
  }
}

test('arbitrary bytes decode to a value or an AvroDataError', () => {
  fc.assert(
    fc.property(row, fc.uint8Array({ maxLength: 200 }), ({ type }, bytes) => {
      try {
        compileDecoder(type)(new AvroSource(bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(AvroDataError);
      }
    }),
    { numRuns: 500 },
  );
});
