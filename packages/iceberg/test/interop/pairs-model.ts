import { type Expression, in_, isNull, lt } from '../../src/index.ts';
import { type Printed, type PrintedRow, printDouble } from '../support/printed.ts';
import type { Random } from './pairs-random.ts';

export type ColumnType = 'long' | 'int' | 'float' | 'double' | 'string' | 'timestamptz';

/** A column under the name it has now; `key` is the one it keeps whatever it is called. */
export interface ModelColumn {
  readonly key: string;
  readonly name: string;
  readonly type: ColumnType;
}

/** Values by the keys of columns; those of dropped columns stay, and are not seen. */
export type ModelRow = Readonly<Record<string, Printed>>;

/** Which rows: in a form that Iceberg Java's parser of expressions takes as it is. */
export type Filter =
  | { readonly type: 'in'; readonly term: 'id' | 'region'; readonly values: readonly (number | string)[] }
  | { readonly type: 'lt'; readonly term: 'id'; readonly value: number }
  | { readonly type: 'is-null'; readonly term: 'region' };

export type SchemaStep =
  | { readonly do: 'add'; readonly name: string; readonly type: ColumnType }
  | { readonly do: 'widen'; readonly name: string; readonly type: ColumnType }
  | { readonly do: 'rename'; readonly name: string; readonly to: string }
  | { readonly do: 'drop'; readonly name: string };

const dayUs = 86_400_000_000;
const regions = ['eu', 'us', 'ap', null];
const widened: Partial<Record<ColumnType, ColumnType>> = { int: 'long', float: 'double' };

/** What a table must hold, kept without any Iceberg: rows by id, and columns that come, go and change their names. */
export class PairModel {
  columns: readonly ModelColumn[] = (
    [
      ['id', 'long'],
      ['ts', 'timestamptz'],
      ['region', 'string'],
      ['n', 'int'],
      ['f', 'float'],
    ] as const
  ).map(([name, type]) => ({ key: name, name, type }));
  readonly rows = new Map<string, ModelRow>();
  #lastId = 0;
  #lastColumn = 0;

  /** Rows that nobody has yet; they are in the table once they are `put`. */
  newRows(random: Random, count: number): ModelRow[] {
    return Array.from({ length: count }, () => {
      this.#lastId += 1;
      return this.#row(random, this.#lastId);
    });
  }

  #row(random: Random, id: number): ModelRow {
    const fixed: ModelRow = {
      id: String(id),
      ts: String(random.integer(-2, 2) * dayUs + random.integer(0, dayUs - 1)),
      region: textOrNull(random.pick(regions)),
    };
    const values = this.columns.map(({ key, type }) => [key, fixed[key] ?? sample(random, type)] as const);
    return { ...Object.fromEntries(values), ...fixed };
  }

  /** The same rows and columns, changed apart from now on. */
  copy(): PairModel {
    const copy = new PairModel();
    copy.columns = this.columns;
    copy.put(this.rows.values());
    copy.#lastId = this.#lastId;
    copy.#lastColumn = this.#lastColumn;
    return copy;
  }

  put(rows: Iterable<ModelRow>): void {
    for (const row of rows) this.rows.set(row['id'] as string, row);
  }

  remove(ids: Iterable<string>): void {
    for (const id of ids) this.rows.delete(id);
  }

  matching(filter: Filter): string[] {
    return [...this.rows].filter(([, row]) => matches(filter, row)).map(([id]) => id);
  }

  /** A filter that some rows match, and mostly others do not. */
  chooseFilter(random: Random): Filter {
    const ids = [...this.rows.keys()].map(Number);
    const kind = random.integer(0, ids.length === 0 ? 1 : 3);
    if (kind === 0) return { type: 'is-null', term: 'region' };
    if (kind === 1) return { type: 'in', term: 'region', values: [random.pick(['eu', 'us', 'ap'])] };
    if (kind === 2)
      return { type: 'lt', term: 'id', value: ids[random.integer(0, Math.floor(ids.length / 4))]! };
    return { type: 'in', term: 'id', values: random.some(ids, random.integer(1, 3)) };
  }

  /** As a table shows them whose columns these are. */
  printed(rows: Iterable<ModelRow> = this.rows.values(), columns = this.columns): PrintedRow[] {
    return [...rows].map((row) =>
      Object.fromEntries(columns.map(({ key, name }) => [name, row[key] ?? null])),
    );
  }

  /** Rows that a reader gave, by keys. */
  keyed(rows: readonly PrintedRow[], columns = this.columns): ModelRow[] {
    return rows.map((row) => Object.fromEntries(columns.map(({ key, name }) => [key, row[name] ?? null])));
  }

  chooseSchemaStep(random: Random): SchemaStep {
    const free = this.columns.filter(({ key }) => !['id', 'ts', 'region'].includes(key));
    const narrow = free.filter(({ type }) => widened[type] !== undefined);
    const kind = random.integer(0, 3);
    if (kind === 1 && narrow.length > 0) {
      const { name, type } = random.pick(narrow);
      return { do: 'widen', name, type: widened[type]! };
    }
    if (kind === 2 && free.length > 0)
      return { do: 'rename', name: random.pick(free).name, to: this.#newName() };
    if (kind === 3 && free.length > 1) return { do: 'drop', name: random.pick(free).name };
    return { do: 'add', name: this.#newName(), type: random.pick(['int', 'float', 'string'] as const) };
  }

  /** Names of dropped columns come again, too. */
  #newName(): string {
    const taken = new Set(this.columns.map(({ name }) => name));
    return (
      ['n', 'f', 'x', 'y', 'z', 'u', 'v', 'w'].find((name) => !taken.has(name)) ?? `c${this.#lastColumn}`
    );
  }

  evolve(step: SchemaStep): void {
    const { name } = step;
    const others = (column: ModelColumn) => column.name !== name;
    this.#lastColumn += 1;
    if (step.do === 'add') {
      this.columns = [...this.columns, { key: `column ${this.#lastColumn}`, name, type: step.type }];
    } else if (step.do === 'drop') {
      this.columns = this.columns.filter(others);
    } else {
      const change = step.do === 'rename' ? { name: step.to } : { type: step.type };
      this.columns = this.columns.map((column) => (others(column) ? column : { ...column, ...change }));
    }
  }
}

function matches(filter: Filter, row: ModelRow): boolean {
  const value = row[filter.term];
  if (filter.type === 'is-null') return value === null;
  if (filter.type === 'lt') return Number(value) < filter.value;
  return filter.values.some(
    (one) => value === (filter.term === 'id' ? String(one) : textOrNull(one as string)),
  );
}

/** As our operations take it. */
export function expressionOf(filter: Filter): Expression {
  if (filter.type === 'is-null') return isNull(filter.term);
  if (filter.type === 'lt') return lt('id', BigInt(filter.value));
  return in_(
    filter.term,
    filter.values.map((value) => (typeof value === 'number' ? BigInt(value) : value)),
  );
}

const textOrNull = (value: string | null): Printed => (value === null ? null : `s:${value}`);

function sample(random: Random, type: ColumnType): Printed {
  const number = random.integer(-1000, 1000);
  if (random.chance(0.2)) return null;
  if (type === 'string') return `s:text ${number}`;
  return type === 'float' || type === 'double' ? printDouble(number / 4) : String(number);
}
