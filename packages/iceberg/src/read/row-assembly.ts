import type { PrimitiveValue } from '../metadata/primitive-value.ts';
import { fieldSetter, type MutableRow, type Row, type RowMap, type RowValue } from '../metadata/row.ts';
import type { LeafBatch } from '../parquet/leaf-batch.ts';
import type { FieldPlan, LeafPlan, RowPlan } from './row-plan.ts';

/**
 * Puts rows together from their columns.
 *
 * @param batches one for each leaf of the plan, each holding the same rows
 * @throws Error when the levels of a column contradict each other or the number of rows
 */
export function assembleRows(plan: RowPlan, batches: readonly LeafBatch[], rowCount: number): Row[] {
  const rows: MutableRow[] = new Array(rowCount);
  for (let i = 0; i < rowCount; i += 1) rows[i] = {};
  for (const { name, plan: field } of plan.columns) {
    const set = fieldSetter(name);
    const values = assembleColumn(field, batches, rowCount);
    for (let i = 0; i < rowCount; i += 1) set(rows[i] as MutableRow, values[i] as RowValue);
  }
  return rows;
}

/** Puts one column together: one value for each row. */
export function assembleColumn(
  plan: FieldPlan,
  batches: readonly LeafBatch[],
  rowCount: number,
): ArrayLike<RowValue> {
  if (plan.kind === 'constant') return new Array<RowValue>(rowCount).fill(plan.value);
  if (plan.kind === 'leaf') return flatColumn(plan, batches[plan.slot] as LeafBatch, rowCount);
  const readers = new Map(
    plan.slots.map((slot) => [slot, new LevelReader(batches[slot] as LeafBatch)] as const),
  );
  const read = assembler(plan, (slot) => readers.get(slot) as LevelReader);
  const values: RowValue[] = [];
  for (let i = 0; i < rowCount; i += 1) values.push(read());
  for (const reader of readers.values()) {
    if (reader.more) throw new Error('a nested column has more entries than rows');
  }
  return values;
}

function flatColumn(plan: LeafPlan, batch: LeafBatch, rowCount: number): ArrayLike<PrimitiveValue | null> {
  if (batch.entryCount !== rowCount) throw new Error(`${batch.entryCount} values for ${rowCount} rows`);
  const { values, definitions } = batch;
  if (!definitions) return values;
  const column: (PrimitiveValue | null)[] = new Array(rowCount);
  const present = plan.node.definitionLevel;
  let next = 0;
  for (let i = 0; i < rowCount; i += 1) {
    if (definitions[i] === present) {
      column[i] = values[next] as PrimitiveValue;
      next += 1;
    } else {
      column[i] = null;
    }
  }
  return column;
}

/** Walks the entries of one leaf column. */
class LevelReader {
  readonly #batch: LeafBatch;
  #entry = 0;
  #value = 0;

  constructor(batch: LeafBatch) {
    this.#batch = batch;
  }

  get more(): boolean {
    return this.#entry < this.#batch.entryCount;
  }

  /** Whether the current entry is defined at least to this level. */
  reaches(definitionLevel: number): boolean {
    if (!this.more) throw new Error('a nested column ends too soon');
    const { definitions } = this.#batch;
    return !definitions || (definitions[this.#entry] as number) >= definitionLevel;
  }

  /** Whether the next entry goes on with the list that repeats at this level. */
  continues(repetitionLevel: number): boolean {
    return this.more && (this.#batch.repetitions?.[this.#entry] ?? 0) === repetitionLevel;
  }

  /** Takes the current entry's value; null if it is a gap. */
  take(definitionLevel: number): PrimitiveValue | null {
    const present = this.reaches(definitionLevel);
    this.#entry += 1;
    if (!present) return null;
    this.#value += 1;
    return this.#batch.values[this.#value - 1] as PrimitiveValue;
  }

  /** Passes the current entry and all that repeat within it. Only for gaps, or where values are not wanted. */
  pass(repetitionLevel: number): void {
    this.reaches(0);
    do this.#entry += 1;
    while (this.more && (this.#batch.repetitions?.[this.#entry] ?? 0) > repetitionLevel);
  }
}

type Read = () => RowValue;
type ReaderOf = (slot: number) => LevelReader;

/** Makes the function that reads the next value of a field. Each call moves every column below it on. */
function assembler(plan: FieldPlan, readerOf: ReaderOf): Read {
  switch (plan.kind) {
    case 'constant':
      return () => plan.value;
    case 'leaf': {
      const reader = readerOf(plan.slot);
      const { definitionLevel } = plan.node;
      return () => reader.take(definitionLevel);
    }
    case 'struct':
      return structAssembler(plan, readerOf);
    case 'list': {
      const element = assembler(plan.element, readerOf);
      return repeatedAssembler(plan, readerOf, (readAll): RowValue => {
        const items: RowValue[] = [];
        readAll(() => items.push(element()));
        return items;
      });
    }
    case 'map': {
      const key = assembler(plan.key, readerOf);
      const value = assembler(plan.value, readerOf);
      return repeatedAssembler(plan, readerOf, (readAll): RowMap => {
        const map = new Map<RowValue, RowValue>();
        readAll(() => map.set(key(), value()));
        return map;
      });
    }
  }
}

function structAssembler(plan: FieldPlan & { kind: 'struct' }, readerOf: ReaderOf): Read {
  const { definitionLevel, repetitionLevel } = plan.node;
  const readers = plan.slots.map(readerOf);
  const witness = readers[0] as LevelReader;
  const fields = plan.fields.map(({ name, plan: field }) => ({
    set: fieldSetter(name),
    read: assembler(field, readerOf),
  }));
  // No field is in the file: the one column only tells whether the struct is there, and must be moved on.
  const bare = plan.fields.every((field) => field.plan.slots.length === 0);
  return () => {
    const present = witness.reaches(definitionLevel);
    if (!present || bare) for (const reader of readers) reader.pass(repetitionLevel);
    if (!present) return null;
    const struct: MutableRow = {};
    for (const { set, read } of fields) set(struct, read());
    return struct;
  };
}

function repeatedAssembler(
  plan: FieldPlan & { kind: 'list' | 'map' },
  readerOf: ReaderOf,
  build: (readAll: (readOne: () => void) => void) => RowValue,
): Read {
  const { node, repeated } = plan;
  const readers = plan.slots.map(readerOf);
  const first = readers[0] as LevelReader;
  const readAll = (readOne: () => void) => {
    do readOne();
    while (first.continues(repeated.repetitionLevel));
  };
  const passAll = () => {
    for (const reader of readers) reader.pass(node.repetitionLevel);
  };
  return () => {
    const filled = first.reaches(repeated.definitionLevel);
    const present = filled || first.reaches(node.definitionLevel);
    if (!filled) passAll();
    if (!present) return null;
    return build(filled ? readAll : () => {});
  };
}
