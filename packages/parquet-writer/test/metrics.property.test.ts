/**
 * Goal: whatever is written, the file gives it back and the manifest metrics are what a plain
 * recomputation over the rows *read back from the file* gives. Method: random rows of every type, cut
 * into random batches and row groups, under random metrics modes; the reader is hyparquet.
 */
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { createParquetEncoder, type MetricsMode, type WriterField } from '../src/index.ts';
import { readFooter, readRows } from './support/read-back.ts';

const encoder = createParquetEncoder();
afterAll(() => encoder.close());

const FIELDS: readonly WriterField[] = [
  { id: 10, name: 'b', required: false, type: 'boolean' },
  { id: 11, name: 'i', required: false, type: 'int' },
  { id: 12, name: 'l', required: true, type: 'long' },
  { id: 13, name: 'f', required: false, type: 'float' },
  { id: 14, name: 'd', required: true, type: 'double' },
  { id: 15, name: 'tz', required: false, type: 'timestamptz' },
  { id: 16, name: 's', required: false, type: 'string' },
  { id: 17, name: 'bin', required: false, type: 'binary' },
  { id: 18, name: 'fix', required: false, type: 'fixed[2]' },
  {
    id: 19,
    name: 'm',
    required: false,
    type: { type: 'map', keyId: 20, key: 'string', valueId: 21, value: 'string', valueRequired: false },
  },
];

const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null, freq: 4 });
const anyText = fc.string({ unit: 'binary', maxLength: 24 });
// hyparquet turns a map into an object: `__proto__` is no ordinary key there.
const key = fc.string({ unit: 'grapheme', maxLength: 6 }).map((text) => `k${text}`);
// Values that differ in the lower half of their 64 bits only, as nearby timestamps do.
const sameUpperWord = fc.integer({ min: 0, max: 2 ** 32 - 1 }).map((low) => (416_767n << 32n) | BigInt(low));
const row = fc.record({
  b: optional(fc.boolean()),
  i: optional(fc.integer()),
  l: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  f: optional(fc.float()),
  d: fc.double(),
  tz: optional(sameUpperWord),
  s: optional(fc.oneof(anyText, fc.constant('/default/orders'))),
  bin: optional(fc.uint8Array({ maxLength: 80 })),
  fix: optional(fc.uint8Array({ minLength: 2, maxLength: 2 })),
  m: optional(fc.dictionary(key, optional(anyText), { noNullPrototype: true, maxKeys: 4 })),
});
type Row = typeof row extends fc.Arbitrary<infer T> ? T : never;
const mode = fc.constantFrom<MetricsMode>('none', 'counts', 'full', 'truncate(1)', 'truncate(4)');
const modes = fc.record(Object.fromEntries(FIELDS.map((field) => [field.name, mode])));

describe('metrics', () => {
  it('are those of the rows in the file, and the rows are those written', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(row, { maxLength: 40 }), { maxLength: 5 }),
        modes,
        async (batches, columns) => {
          const writer = encoder.open({ fields: FIELDS, rowGroupBytes: 4096, metrics: { columns } });
          for (const rows of batches) {
            const byName = FIELDS.map(({ name }) => [name, rows.map((r) => r[name as keyof Row])] as const);
            await writer.write({ rowCount: rows.length, columns: Object.fromEntries(byName) });
          }
          const file = await writer.finish();
          const back = (await readRows(file.bytes)) as unknown as Row[];
          const written = batches.flat();
          expect(back.length).toBe(written.length);
          back.forEach((r, index) => {
            expect(normalise(r)).toEqual(normalise(written[index] as Row));
          });
          for (const field of FIELDS) checkColumn(field, columns[field.name] as MetricsMode, back, file);
          const footer = readFooter(file.bytes);
          const sizes = new Map<number, number>();
          for (const group of footer.row_groups) {
            group.columns.forEach((chunk, leaf) => {
              const id = leafIds()[leaf] as number;
              sizes.set(id, (sizes.get(id) ?? 0) + Number(chunk.meta_data?.total_compressed_size));
            });
          }
          expect(file.columnSizes).toEqual(sizes);
        },
      ),
      { numRuns: 60 },
    );
  }, 120_000);
});

type File = Awaited<ReturnType<ReturnType<typeof encoder.open>['finish']>>;

function leafIds(): number[] {
  return FIELDS.flatMap((field) => (field.name === 'm' ? [20, 21] : [field.id]));
}

/** Undefined and null are the same to a reader; byte arrays are compared as such. */
function normalise(r: Row): unknown {
  return Object.fromEntries(
    Object.entries(r).map(([name, value]) => [
      name,
      value instanceof Uint8Array ? [...value] : (value ?? null),
    ]),
  );
}

function checkColumn(field: WriterField, mode: MetricsMode, rows: readonly Row[], file: File): void {
  const counted = mode !== 'none';
  if (field.name === 'm') {
    const maps = rows.map((r) => r.m ?? null);
    const slots = maps.flatMap((map) =>
      map === null || Object.keys(map).length === 0 ? [undefined] : Object.entries(map),
    );
    expect(file.valueCounts.get(20)).toBe(counted ? slots.length : undefined);
    expect(file.nullValueCounts.get(20)).toBe(
      counted ? slots.filter((slot) => slot === undefined).length : undefined,
    );
    expect(file.nullValueCounts.get(21)).toBe(
      counted ? slots.filter((slot) => (slot?.[1] ?? null) === null).length : undefined,
    );
    expect([19, 20, 21].some((id) => file.lowerBounds.has(id) || file.upperBounds.has(id))).toBe(false);
    return;
  }
  const all = rows.map((r) => r[field.name as keyof Row] ?? null);
  const present = all.filter((value) => value !== null);
  expect(file.valueCounts.get(field.id)).toBe(counted ? all.length : undefined);
  expect(file.nullValueCounts.get(field.id)).toBe(counted ? all.length - present.length : undefined);
  const isFloat = field.type === 'float' || field.type === 'double';
  expect(file.nanValueCounts.get(field.id)).toBe(
    counted && isFloat ? present.filter(Number.isNaN).length : undefined,
  );
  const bounded = mode === 'full' || mode.startsWith('truncate');
  const comparable = bounded
    ? present.filter((value) => !Number.isNaN(value)).map((value) => plainBytes(field, value))
    : [];
  const sorted = comparable.sort((a, b) => a.order(b));
  expect([field.name, hex(file.lowerBounds.get(field.id))]).toEqual([
    field.name,
    hex(expectedLower(field, mode, sorted[0])),
  ]);
  expect([field.name, hex(file.upperBounds.get(field.id))]).toEqual([
    field.name,
    hex(expectedUpper(field, mode, sorted.at(-1))),
  ]);
}

interface Plain {
  readonly bytes: Buffer;
  order(other: Plain): number;
  readonly value: unknown;
}

function plainBytes(field: WriterField, value: unknown): Plain {
  const bytes = Buffer.alloc(8);
  const asNumber = (write: () => number): Plain => ({
    bytes: bytes.subarray(0, write()),
    value,
    order: (other) =>
      Object.is(value, other.value)
        ? 0
        : (value as number) < (other.value as number)
          ? -1
          : (value as number) > (other.value as number)
            ? 1
            : Object.is(value, -0)
              ? -1
              : 1,
  });
  if (field.type === 'boolean') return asNumber(() => bytes.writeUInt8(Number(value)));
  if (field.type === 'int') return asNumber(() => bytes.writeInt32LE(value as number));
  if (field.type === 'float') return asNumber(() => bytes.writeFloatLE(value as number));
  if (field.type === 'double') return asNumber(() => bytes.writeDoubleLE(value as number));
  if (typeof value === 'bigint') return asNumber(() => bytes.writeBigInt64LE(value));
  const raw = typeof value === 'string' ? Buffer.from(value, 'utf8') : Buffer.from(value as Uint8Array);
  return { bytes: raw, value, order: (other) => Buffer.compare(raw, other.bytes) };
}

function limitOf(mode: MetricsMode): number {
  return mode === 'full' ? Number.POSITIVE_INFINITY : Number(/\d+/.exec(mode)?.[0]);
}

function expectedLower(field: WriterField, mode: MetricsMode, plain: Plain | undefined): Buffer | undefined {
  if (plain === undefined) return undefined;
  if (field.type === 'string')
    return Buffer.from([...(plain.value as string)].slice(0, limitOf(mode)).join(''), 'utf8');
  if (field.type === 'binary') return plain.bytes.subarray(0, limitOf(mode));
  return zero(field, plain, -0);
}

function expectedUpper(field: WriterField, mode: MetricsMode, plain: Plain | undefined): Buffer | undefined {
  if (plain === undefined) return undefined;
  const limit = limitOf(mode);
  if (field.type === 'string') {
    const points = [...(plain.value as string)].map((c) => c.codePointAt(0) as number);
    if (points.length <= limit) return plain.bytes;
    const cut = points.slice(0, limit);
    while (cut.length > 0 && cut.at(-1) === 0x10ffff) cut.pop();
    const last = cut.pop();
    if (last === undefined) return undefined;
    return Buffer.from(String.fromCodePoint(...cut, last === 0xd7ff ? 0xe000 : last + 1), 'utf8');
  }
  if (field.type === 'binary') {
    if (plain.bytes.length <= limit) return plain.bytes;
    const cut = [...plain.bytes.subarray(0, limit)];
    while (cut.length > 0 && cut.at(-1) === 255) cut.pop();
    const last = cut.pop();
    return last === undefined ? undefined : Buffer.from([...cut, last + 1]);
  }
  return zero(field, plain, 0);
}

/** A zero bound of a float is -0.0 below and +0.0 above, whichever zero was written. */
function zero(field: WriterField, plain: Plain, signed: number): Buffer {
  return (field.type === 'float' || field.type === 'double') && plain.value === 0
    ? plainBytes(field, signed).bytes
    : plain.bytes;
}

function hex(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('hex');
}
