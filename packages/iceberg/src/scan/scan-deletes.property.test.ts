import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type CommittedFile,
  deletionVectors,
  emptyTable,
  equalityDeletes,
  parquetFile,
  positionDeletes,
  withSnapshot,
} from '../../test/support/delete-table.ts';
import { createDeleteFileCache } from '../deletes/delete-file-cache.ts';
import {
  and,
  type Expression,
  eq,
  gt,
  in_,
  isNaN_,
  isNull,
  lt,
  not,
  notEq,
  or,
} from '../expression/expression.ts';
import { bindExpression } from '../expression/expression-binding.ts';
import { rowPredicate } from '../expression/expression-row.ts';
import { createMemoryFileIO, type MemoryFileIO } from '../io/memory-file-io.ts';
import type { DataFile } from '../manifest/data-file.ts';
import type { PartitionSpec } from '../metadata/partition-spec.ts';
import type { PrimitiveValue } from '../metadata/primitive-value.ts';
import type { Row } from '../metadata/row.ts';
import { isPrimitiveType, type NestedField, type PrimitiveType, type Schema } from '../metadata/schema.ts';
import { compareValues, encodeSingleValue } from '../metadata/single-value.ts';
import { scanRows } from './scan-rows.ts';

/** Goal: no pruning drops or resurrects a row. Method: random small tables against a model that reads everything. */

const fields: readonly NestedField[] = [
  { id: 1, name: 'part', required: false, type: 'string' },
  { id: 2, name: 'n', required: false, type: 'long' },
  { id: 3, name: 'x', required: false, type: 'double' },
  { id: 4, name: 'unique', required: true, type: 'long' },
];
const schema: Schema = { schemaId: 0, fields };
const specs: readonly PartitionSpec[] = [
  { specId: 0, fields: [] },
  { specId: 1, fields: [{ sourceId: 1, fieldId: 1000, name: 'part', transform: 'identity' }] },
];

const domains = {
  part: ['a', 'b'],
  n: [-1n, 0n, 1n, 2n, 3n],
  x: [Number.NaN, -0, 0, 1.5, Number.NEGATIVE_INFINITY],
} as const;
type Column = keyof typeof domains;
const arbitraryValue = (column: Column) =>
  fc.option(fc.constantFrom<PrimitiveValue>(...domains[column]), { freq: 3 });

/** Which columns an equality delete file names: each its own set of ids. */
const keyColumns: readonly (readonly Column[])[] = [['n'], ['x'], ['part'], ['x', 'n'], ['n', 'part']];

const arbitraryTable = fc.record({
  files: fc.array(
    fc.record({
      partitioned: fc.boolean(),
      part: arbitraryValue('part'),
      rows: fc.array(
        fc.record({ part: arbitraryValue('part'), n: arbitraryValue('n'), x: arbitraryValue('x') }),
        {
          minLength: 1,
          maxLength: 12,
        },
      ),
      rowsPerGroup: fc.integer({ min: 1, max: 12 }),
      sequenceNumber: fc.integer({ min: 1, max: 3 }),
      metrics: fc.boolean(),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  positions: fc.array(
    fc.record({
      sequenceNumber: fc.integer({ min: 1, max: 4 }),
      /** Fractions of file and row. */
      deleted: fc.array(fc.tuple(fc.nat(99), fc.nat(99)), { minLength: 1, maxLength: 10 }),
      named: fc.boolean(),
      bounded: fc.boolean(),
      rowsPerGroup: fc.integer({ min: 1, max: 10 }),
    }),
    { maxLength: 3 },
  ),
  vectors: fc.array(
    fc.record({
      of: fc.nat(99),
      sequenceNumber: fc.integer({ min: 1, max: 4 }),
      deleted: fc.array(fc.nat(99), { maxLength: 6 }),
    }),
    { maxLength: 2 },
  ),
  equality: fc.array(
    fc.record({
      sequenceNumber: fc.integer({ min: 1, max: 4 }),
      columns: fc.constantFrom(...keyColumns),
      partitioned: fc.boolean(),
      part: arbitraryValue('part'),
      keys: fc.array(
        fc.record({ part: arbitraryValue('part'), n: arbitraryValue('n'), x: arbitraryValue('x') }),
        {
          minLength: 1,
          maxLength: 3,
        },
      ),
      metrics: fc.boolean(),
    }),
    { maxLength: 3 },
  ),
});
type TableSketch = typeof arbitraryTable extends fc.Arbitrary<infer T> ? T : never;

const arbitraryFilter: fc.Arbitrary<Expression> = fc.letrec<{ any: Expression }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 2 },
    fc.constantFrom<Column>('part', 'n', 'x').chain((column) => {
      const literal = fc.constantFrom<PrimitiveValue>(
        ...domains[column].filter((value) => !Number.isNaN(value)),
      );
      return fc.oneof(
        fc.tuple(fc.constantFrom(eq, notEq, lt, gt), literal).map(([make, value]) => make(column, value)),
        fc.array(literal, { maxLength: 2 }).map((values) => in_(column, values)),
        fc.constant(isNull(column)),
        fc.constant(isNaN_('x')),
      );
    }),
    fc.array(tie('any'), { maxLength: 2 }).map((operands) => and(...operands)),
    fc.array(tie('any'), { maxLength: 2 }).map((operands) => or(...operands)),
    tie('any').map(not),
  ),
})).any;

/** Bounds and counts as a writer notes them. */
function metricsOf(columns: readonly NestedField[], rows: readonly Row[]): Partial<DataFile> {
  const bounds = (pick: 0 | -1) =>
    new Map(
      columns.flatMap(({ id, name, type }) => {
        const sorted = rows
          .map((row) => row[name] as PrimitiveValue | null)
          .filter((value): value is PrimitiveValue => value !== null && !Number.isNaN(value))
          .sort((a, b) => compareValues(type as PrimitiveType, a, b));
        const value = sorted.at(pick);
        if (value === undefined || !isPrimitiveType(type)) return [];
        return [[id, encodeSingleValue(type, value === 0 ? (pick === 0 ? -0 : 0) : value)] as const];
      }),
    );
  const count = (wanted: (value: unknown) => boolean) =>
    new Map(columns.map(({ id, name }) => [id, rows.filter((row) => wanted(row[name])).length]));
  return {
    lowerBounds: bounds(0),
    upperBounds: bounds(-1),
    valueCounts: count(() => true),
    nullValueCounts: count((value) => value === null),
    nanValueCounts: count((value) => Number.isNaN(value)),
  };
}

interface ModelFile {
  readonly file: DataFile;
  readonly sequenceNumber: bigint;
  readonly rows: readonly Row[];
}

/** Whether two values are one to an equality delete, by the specification and Java. */
const same = (a: unknown, b: unknown) => Object.is(a, b);

/** Writes the table and says which rows are left, by the rules of the specification and nothing else. */
function build(io: MemoryFileIO, sketch: TableSketch): { committed: CommittedFile[]; rows: Row[] } {
  let unique = 0n;
  const files = sketch.files.map((each, index): ModelFile => {
    const rows = each.rows.map(
      (row): Row => ({
        ...row,
        ...(each.partitioned ? { part: each.part } : {}),
        unique: unique++,
      }),
    );
    const partition = each.partitioned ? { specId: 1, partition: [each.part] } : {};
    const metrics = each.metrics ? metricsOf(fields, rows) : {};
    const extra = { ...partition, ...metrics };
    const file = parquetFile(io, `rows${index}`, fields, rows, extra, { rowsPerGroup: each.rowsPerGroup });
    return { file, sequenceNumber: BigInt(each.sequenceNumber), rows };
  });
  const at = <T>(items: readonly T[], fraction: number) =>
    items[Math.floor((fraction * items.length) / 100)] as T;
  const committed: CommittedFile[] = files.map(({ file, sequenceNumber }) => ({ file, sequenceNumber }));
  const dead = new Set<bigint>();
  const kill = (row: Row) => dead.add(row['unique'] as bigint);

  const hidden = new Set<string>();
  for (const [index, vector] of sketch.vectors.entries()) {
    const of = at(files, vector.of);
    if (committed.some(({ file }) => file.referencedDataFile === of.file.filePath)) continue;
    const positions = [
      ...new Set(vector.deleted.map((fraction) => Math.floor((fraction * of.rows.length) / 100))),
    ];
    const [file] = deletionVectors(io, `dv${index}`, [
      { of: of.file, positions: positions.sort((a, b) => a - b) },
    ]);
    committed.push({ file: file as DataFile, sequenceNumber: BigInt(vector.sequenceNumber) });
    if (of.sequenceNumber > BigInt(vector.sequenceNumber)) continue;
    hidden.add(of.file.filePath);
    for (const position of positions) kill(of.rows[position] as Row);
  }
  for (const [index, each] of sketch.positions.entries()) {
    const wanted = each.deleted.map(([fraction, row]) => ({ of: at(files, fraction), row }));
    const target = wanted[0]?.of as ModelFile;
    const chosen = wanted.filter(
      ({ of }) =>
        (!each.named || of === target) &&
        of.file.specId === target.file.specId &&
        same(of.file.partition[0], target.file.partition[0]),
    );
    const pairs = chosen.map(
      ({ of, row }) => [of.file.filePath, Math.floor((row * of.rows.length) / 100)] as const,
    );
    const { specId, partition } = target.file;
    const paths = pairs.map(([path]) => path).sort();
    const bound = (path: string | undefined) =>
      new Map([[2147483546, encodeSingleValue('string', path as string)]]);
    const extra = {
      specId,
      partition,
      ...(each.named ? { referencedDataFile: target.file.filePath } : {}),
      ...(each.bounded ? { lowerBounds: bound(paths[0]), upperBounds: bound(paths.at(-1)) } : {}),
    };
    const file = positionDeletes(io, `p${index}`, pairs, extra, { rowsPerGroup: each.rowsPerGroup });
    committed.push({ file, sequenceNumber: BigInt(each.sequenceNumber) });
    for (const { of, row } of chosen) {
      if (of.sequenceNumber > BigInt(each.sequenceNumber) || hidden.has(of.file.filePath)) continue;
      kill(of.rows[Math.floor((row * of.rows.length) / 100)] as Row);
    }
  }
  for (const [index, each] of sketch.equality.entries()) {
    const columns = each.columns.map((name) => fields.find((field) => field.name === name) as NestedField);
    const partition = each.partitioned ? { specId: 1, partition: [each.part] } : {};
    const extra = { ...partition, ...(each.metrics ? metricsOf(columns, each.keys) : {}) };
    const file = equalityDeletes(io, `e${index}`, columns, each.keys, extra);
    committed.push({ file, sequenceNumber: BigInt(each.sequenceNumber) });
    for (const of of files) {
      if (of.sequenceNumber >= BigInt(each.sequenceNumber)) continue;
      const applies = !each.partitioned || (of.file.specId === 1 && same(of.file.partition[0], each.part));
      if (!applies) continue;
      for (const row of of.rows) {
        if (each.keys.some((key) => each.columns.every((name) => same(row[name], key[name])))) kill(row);
      }
    }
  }
  // Manifests are of one spec each.
  const inPlanOrder = files.toSorted((a, b) => a.file.specId - b.file.specId);
  return {
    committed,
    rows: inPlanOrder.flatMap(({ rows }) => rows).filter((row) => !dead.has(row['unique'] as bigint)),
  };
}

test('a scan gives the rows that a model of the specification gives, whatever the deletes and the filter', async () => {
  await fc.assert(
    fc.asyncProperty(
      arbitraryTable,
      fc.array(fc.option(arbitraryFilter, { nil: undefined }), { minLength: 1, maxLength: 4 }),
      fc.constantFrom<readonly string[]>(['unique'], ['part', 'unique'], ['n', 'x', 'unique', 'part']),
      fc.constantFrom(1, 60, 8 * 1024 * 1024),
      fc.constantFrom(0, 200, 64 * 1024 * 1024),
      async (sketch, filters, columns, batchBytes, maxBytes) => {
        const io = createMemoryFileIO();
        const { committed, rows } = build(io, sketch);
        const metadata = withSnapshot(emptyTable([schema], specs), io, committed);
        const deleteCache = createDeleteFileCache({ maxBytes });
        for (const filter of filters) {
          const keep = filter ? rowPredicate(bindExpression(schema, filter)) : () => true;
          const found: Row[] = [];
          const options = { columns, batchBytes, deleteCache, ...(filter ? { filter } : {}) };
          for await (const row of scanRows(metadata, io, options)) found.push(row);
          const project = (row: Row) => Object.fromEntries(columns.map((name) => [name, row[name]]));
          expect(found).toEqual(rows.filter(keep).map(project));
        }
      },
    ),
    { numRuns: Number(process.env['DANUBE_DELETE_RUNS'] ?? 100) },
  );
});
