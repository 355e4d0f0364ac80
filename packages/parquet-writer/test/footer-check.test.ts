/**
 * Goal: a file whose footer contradicts what was written never leaves the package. Method: a true file,
 * then one fact at a time about what was written is falsified (as if the engine had dropped, repeated or
 * changed something), then the file's own bytes are damaged.
 */
import { afterAll, describe, expect, it } from 'vitest';
import type { LeafMetrics } from '../src/column-metrics.ts';
import { checkFooter, type RowGroupFacts } from '../src/footer-check.ts';
import { createParquetEncoder, ParquetWriterError } from '../src/index.ts';
import { resolveFileOptions } from '../src/options.ts';
import { readFooter } from './support/read-back.ts';

const encoder = createParquetEncoder();
afterAll(() => encoder.close());

const OPTIONS = {
  fields: [
    { id: 1, name: 'offset', required: true, type: 'long' },
    { id: 2, name: 'name', required: false, type: 'string' },
    { id: 3, name: 'payload', required: true, type: 'binary' },
  ],
  metrics: { columns: { payload: 'counts', offset: 'full' } },
} as const;

async function trueFile() {
  const writer = encoder.open({ ...OPTIONS, rowGroupBytes: 65_536 });
  const name = ['x'.repeat(200), null, 'b'];
  const payload = name.map(() => new Uint8Array(30_000));
  await writer.write({ rowCount: 3, columns: { offset: [5n, 6n, 7n], name, payload } });
  const file = await writer.finish();
  const { plans, wire } = resolveFileOptions(OPTIONS);
  const leaf = (fieldId: number, rest: Partial<LeafMetrics>): LeafMetrics => ({
    fieldId,
    valueCount: 2,
    nullCount: 0,
    nanCount: undefined,
    lower: undefined,
    upper: undefined,
    ...rest,
  });
  const b = new TextEncoder().encode('b');
  const x = new TextEncoder().encode('x'.repeat(200));
  const facts: RowGroupFacts[] = [
    {
      rowCount: 2,
      leaves: [leaf(1, { lower: 5n, upper: 6n }), leaf(2, { nullCount: 1, lower: x, upper: x }), leaf(3, {})],
    },
    {
      rowCount: 1,
      leaves: [
        leaf(1, { valueCount: 1, lower: 7n, upper: 7n }),
        leaf(2, { valueCount: 1, lower: b, upper: b }),
        leaf(3, { valueCount: 1 }),
      ],
    },
  ];
  return { bytes: file.bytes, plans, wire, facts };
}

type Facts = Awaited<ReturnType<typeof trueFile>>;

function outcome({ bytes, plans, wire, facts }: Facts): string {
  try {
    checkFooter(bytes, plans, wire, facts);
    return 'accepted';
  } catch (error) {
    return ParquetWriterError.is(error) ? error.code : String(error);
  }
}

function withLeaf(
  facts: readonly RowGroupFacts[],
  group: number,
  leaf: number,
  change: Partial<LeafMetrics>,
): RowGroupFacts[] {
  return facts.map((g, i) => ({
    ...g,
    leaves: g.leaves.map((l, j) => (i === group && j === leaf ? { ...l, ...change } : l)),
  }));
}

describe('the footer check', () => {
  it('accepts the true file', async () => {
    const file = await trueFile();
    expect(outcome(file)).toBe('accepted');
    expect(readFooter(file.bytes).row_groups.length).toBe(2);
  });

  it.each<[string, (file: Facts) => Partial<Facts>]>([
    ['a lost row group', ({ facts }) => ({ facts: [...facts, facts[1] as RowGroupFacts] })],
    ['a repeated row group', ({ facts }) => ({ facts: facts.slice(0, 1) })],
    ['row groups in another order', ({ facts }) => ({ facts: [...facts].reverse() })],
    ['a lost value', ({ facts }) => ({ facts: withLeaf(facts, 0, 2, { valueCount: 3 }) })],
    ['another minimum', ({ facts }) => ({ facts: withLeaf(facts, 0, 0, { lower: 4n }) })],
    ['another maximum', ({ facts }) => ({ facts: withLeaf(facts, 1, 0, { upper: 8n }) })],
    ['no maximum', ({ facts }) => ({ facts: withLeaf(facts, 1, 0, { upper: undefined }) })],
    ['another null count', ({ facts }) => ({ facts: withLeaf(facts, 0, 1, { nullCount: 0 }) })],
    [
      'a text minimum above the true one',
      ({ facts }) => ({ facts: withLeaf(facts, 1, 1, { lower: new Uint8Array([97]) }) }),
    ],
    [
      'a shortened maximum below the true one',
      ({ facts }) => ({ facts: withLeaf(facts, 0, 1, { upper: new Uint8Array([122]) }) }),
    ],
    ['another field id', ({ plans }) => ({ plans: plans.map((p) => (p.id === 2 ? { ...p, id: 9 } : p)) })],
    ['another name', ({ plans }) => ({ plans: plans.map((p) => (p.id === 2 ? { ...p, name: 'n' } : p)) })],
    ['another requiredness', ({ plans }) => ({ plans: plans.map((p) => ({ ...p, required: true })) })],
    [
      'another type',
      ({ plans }) => ({ plans: plans.map((p) => (p.id === 1 ? { ...p, type: 'timestamptz' as const } : p)) }),
    ],
    ['another codec', ({ wire }) => ({ wire: { ...wire, compression: 'snappy' as const } })],
    [
      'statistics where none belong',
      ({ wire }) => ({
        wire: { ...wire, modes: wire.modes.map(() => ({ kind: 'none' as const, length: 0 })) },
      }),
    ],
    ['a cut file', ({ bytes }) => ({ bytes: bytes.slice(0, -1) })],
    ['an empty file', () => ({ bytes: new Uint8Array(0) })],
    [
      'bytes missing in the middle',
      ({ bytes }) => ({ bytes: new Uint8Array([...bytes.slice(0, 20), ...bytes.slice(21)]) }),
    ],
    ['another magic', ({ bytes }) => ({ bytes: bytes.map((b, i) => (i === 0 ? 0 : b)) as typeof bytes })],
  ])('refuses %s', async (_what, falsify) => {
    const file = await trueFile();
    expect(outcome({ ...file, ...falsify(file) })).toBe('FOOTER_MISMATCH');
  });
});
