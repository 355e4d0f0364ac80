import { afterAll, describe, expect, it } from 'vitest';
import {
  type ColumnBatch,
  createParquetEncoder,
  ParquetWriterError,
  type WriterField,
} from '../src/index.ts';
import { DANUBE_FILE, danubeRows } from './support/danube-fields.ts';
import { readRows } from './support/read-back.ts';

const encoder = createParquetEncoder();
afterAll(() => encoder.close());

const MAP = { type: 'map', keyId: 90, key: 'string', valueId: 91, value: 'string', valueRequired: true };
const field = (type: unknown, required = false): readonly WriterField[] => [
  { id: 1, name: 'c', required, type },
];
const column = (c: unknown, rowCount = 1) => ({ rowCount, columns: { c } }) as unknown as ColumnBatch;

async function codeOf(action: () => unknown): Promise<string> {
  try {
    await action();
  } catch (error) {
    if (!ParquetWriterError.is(error)) throw error;
    expect(error.message.startsWith(`${error.code}: `)).toBe(true);
    return error.code;
  }
  return 'no error';
}

describe('a batch is refused', () => {
  it.each<[string, string, readonly WriterField[], ColumnBatch]>([
    ['RAGGED_BATCH', 'too few values', field('long'), column([1n], 2)],
    ['RAGGED_BATCH', 'too many typed values', field('long'), column(new BigInt64Array(3), 2)],
    [
      'RAGGED_BATCH',
      'null marks of another length',
      field('long'),
      column({ values: new BigInt64Array(2), nulls: [0] }, 2),
    ],
    ['RAGGED_BATCH', 'a column the schema lacks', field('long'), { rowCount: 1, columns: { other: [1n] } }],
    ['RAGGED_BATCH', 'no row count', field('long'), column([1n], Number.NaN)],
    ['WRONG_TYPE', 'number for long', field('long'), column([1])],
    ['WRONG_TYPE', 'bigint for int', field('int'), column([1n])],
    ['WRONG_TYPE', 'Int32Array for long', field('long'), column(new Int32Array(1))],
    ['WRONG_TYPE', 'BigUint64Array for long', field('long'), column(new BigUint64Array(1))],
    ['WRONG_TYPE', 'string for binary', field('binary'), column(['x'])],
    ['WRONG_TYPE', 'bytes for string', field('string'), column([new Uint8Array(1)])],
    ['WRONG_TYPE', 'one string for a column', field('string'), column('x')],
    ['WRONG_TYPE', 'a lone surrogate', field('string'), column(['a\ud800'])],
    ['WRONG_TYPE', 'a lone surrogate in a map', field(MAP), column([{ k: '\udc00' }])],
    ['WRONG_TYPE', 'number for boolean', field('boolean'), column([1])],
    ['WRONG_TYPE', 'fixed of another length', field('fixed[2]'), column([new Uint8Array(3)])],
    ['WRONG_TYPE', 'array for map', field(MAP), column([['a', 'b']])],
    ['WRONG_TYPE', 'number as a map value', field(MAP), column([{ a: 1 }])],
    ['REQUIRED_NULL', 'missing column', field('long', true), { rowCount: 1, columns: {} }],
    ['REQUIRED_NULL', 'null long', field('long', true), column([null])],
    [
      'REQUIRED_NULL',
      'marked long',
      field('long', true),
      column({ values: new BigInt64Array(1), nulls: [true] }),
    ],
    ['REQUIRED_NULL', 'null string', field('string', true), column(['a', null], 2)],
    ['REQUIRED_NULL', 'undefined binary', field('binary', true), column([undefined])],
    ['REQUIRED_NULL', 'null boolean', field('boolean', true), column([null])],
    ['REQUIRED_NULL', 'null fixed', field('fixed[2]', true), column([null])],
    ['REQUIRED_NULL', 'null map', field(MAP, true), column([null])],
    ['REQUIRED_NULL', 'null map value', field(MAP), column([new Map([['a', null]])])],
    ['VALUE_OUT_OF_RANGE', 'long', field('long'), column([2n ** 63n])],
    ['VALUE_OUT_OF_RANGE', 'int', field('int'), column([2 ** 31])],
    ['VALUE_OUT_OF_RANGE', 'fraction for int', field('int'), column([1.5])],
    ['VALUE_OUT_OF_RANGE', 'NaN for int', field('int'), column([Number.NaN])],
    ['VALUE_OUT_OF_RANGE', 'year 10000', field('timestamptz'), column([253_402_300_800_000_000n])],
    [
      'VALUE_OUT_OF_RANGE',
      'year 0',
      field('timestamptz'),
      column(new BigInt64Array([-62_135_596_800_000_001n])),
    ],
    ['VALUE_OUT_OF_RANGE', 'timestamp without zone', field('timestamp'), column([2n ** 62n])],
    ['VALUE_OUT_OF_RANGE', 'date', field('date'), column(new Int32Array([2_932_897]))],
    ['VALUE_OUT_OF_RANGE', 'time', field('time'), column([86_400_000_000n])],
    ['VALUE_TOO_LARGE', 'one value over 32 MiB', field('binary'), column([new Uint8Array(32 * 1024 * 1024)])],
  ])('%s: %s', async (code, _what, fields, batch) => {
    const writer = encoder.open({ fields });
    expect(await codeOf(() => writer.write(batch))).toBe(code);
    await writer.abort();
  });

  it('and the file goes on as if it had not been given', async () => {
    const writer = encoder.open(DANUBE_FILE);
    await writer.write(danubeRows(0, 10, 10));
    // The last column is the bad one: all others were looked at before.
    const bad = danubeRows(10, 10, 10);
    bad.columns.append_time[9] = 2n ** 62n;
    expect(await codeOf(() => writer.write(bad))).toBe('VALUE_OUT_OF_RANGE');
    await writer.write(danubeRows(10, 10, 10));
    const file = await writer.finish();
    expect((await readRows(file.bytes)).map((row) => row.segment_offset)).toEqual(
      Array.from({ length: 20 }, (_, row) => BigInt(row)),
    );
  });
});

describe('a file is refused', () => {
  const long = { id: 1, name: 'a', required: true, type: 'long' };
  it.each<[string, string, Record<string, unknown>]>([
    ['INVALID_SCHEMA', 'no fields', { fields: [] }],
    ['INVALID_SCHEMA', 'a repeated name', { fields: [long, { ...long, id: 2 }] }],
    ['INVALID_SCHEMA', 'a repeated id', { fields: [long, { ...long, name: 'b' }] }],
    [
      'INVALID_SCHEMA',
      'the id of a map key again',
      {
        fields: [
          { ...long, id: 90 },
          { id: 2, name: 'm', required: false, type: MAP },
        ],
      },
    ],
    ['INVALID_SCHEMA', 'id 0', { fields: [{ ...long, id: 0 }] }],
    ['UNSUPPORTED_TYPE', 'decimal', { fields: field('decimal(9,2)') }],
    ['UNSUPPORTED_TYPE', 'uuid', { fields: field('uuid') }],
    [
      'UNSUPPORTED_TYPE',
      'list',
      { fields: field({ type: 'list', elementId: 9, element: 'long', elementRequired: true }) },
    ],
    ['UNSUPPORTED_TYPE', 'map of long', { fields: field({ ...MAP, value: 'long' }) }],
    ['UNSUPPORTED_TYPE', 'a name from Object.prototype', { fields: field('toString') }],
    ['INVALID_OPTIONS', 'unknown option', { fields: [long], rowGroupSize: 1 }],
    ['INVALID_OPTIONS', 'unknown codec', { fields: [long], compression: 'lz4' }],
    ['INVALID_OPTIONS', 'row groups over 32 MiB', { fields: [long], rowGroupBytes: 33 * 1024 * 1024 }],
    ['INVALID_OPTIONS', 'unknown mode', { fields: [long], metrics: { default: 'truncate(0)' } }],
    ['INVALID_OPTIONS', 'mode of an unknown column', { fields: [long], metrics: { columns: { b: 'full' } } }],
    [
      'INVALID_OPTIONS',
      'the engine’s own key',
      { fields: [long], keyValueMetadata: { 'ARROW:schema': 'x' } },
    ],
  ])('%s: %s', async (code, _what, options) => {
    expect(await codeOf(() => encoder.open(options as never))).toBe(code);
  });

  it('INVALID_OPTIONS: an encoder with an unknown option', async () => {
    expect(await codeOf(() => createParquetEncoder({ maxHeap: 1 } as never))).toBe('INVALID_OPTIONS');
  });
});

describe('a call out of turn is refused', () => {
  it('WRITER_CLOSED after finish and after abort', async () => {
    const finished = encoder.open({ fields: field('long') });
    await finished.finish();
    const aborted = encoder.open({ fields: field('long') });
    await aborted.write(column([1n]));
    await aborted.abort();
    await aborted.abort();
    await finished.abort();
    for (const writer of [finished, aborted]) {
      expect(await codeOf(() => writer.write(column([1n])))).toBe('WRITER_CLOSED');
      expect(await codeOf(() => writer.finish())).toBe('WRITER_CLOSED');
    }
    expect(encoder.stats().openFiles).toBe(0);
  });

  it('ENCODER_CLOSED after close, also for what was still running', async () => {
    const own = createParquetEncoder();
    const writer = own.open({ ...DANUBE_FILE, rowGroupBytes: 65_536 });
    await writer.write(danubeRows(0, 500, 1000));
    const finish = codeOf(() => writer.finish());
    await own.close();
    expect(await finish).toBe('ENCODER_CLOSED');
    expect(await codeOf(() => own.open(DANUBE_FILE))).toBe('ENCODER_CLOSED');
    await own.close();
  });
});
