// What the shapes of the golden tables are put together from.
import type { Printed, PrintedRow } from '../support/printed.ts';
import type { JavaTable } from './java-table.ts';

/** What a shape is told, and what it may tell. */
export interface ShapeContext {
  /** The folder its location stands for. */
  readonly folder: string;
  /** Set to have row ids stated too, and when each row was last updated. */
  lineage?: boolean;
  /** The rows of the newest snapshot, where Java fails to read it. */
  byHand?: readonly PrintedRow[];
}

export type Shape = (table: JavaTable, context: ShapeContext) => Promise<unknown>;

const location = (name: string): string => `file:///danube-golden/${name}`;
export const field = (id: number, name: string, type: unknown, required = false) => ({
  id,
  name,
  required,
  type,
});
export const text = (value: string | null): Printed => (value === null ? null : `s:${value}`);
export const double = (value: number): string => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return `f:${bytes.toString('hex')}`;
};

export const byRegion = {
  'spec-id': 0,
  fields: [{ 'source-id': 2, 'field-id': 1000, name: 'region', transform: 'identity' }],
};
export const idAndRegion = {
  type: 'struct',
  fields: [field(1, 'id', 'long', true), field(2, 'region', 'string')],
};

export function create(table: JavaTable, name: string, schema: object, options: object = {}, version = 2) {
  const properties = { 'format-version': String(version) };
  return table.create({ location: location(name), schema, properties, ...options });
}

/** Rows with ids `from` to `toExclusive`, in the regions in turn. */
export function rowsOf(
  from: number,
  toExclusive: number,
  regions: readonly (string | null)[] = ['eu'],
): PrintedRow[] {
  return Array.from({ length: toExclusive - from }, (_, i) => ({
    id: String(from + i),
    region: text(regions[(from + i) % regions.length] ?? null),
  }));
}

export const only = (keys: readonly string[]): string => {
  if (keys.length !== 1) throw new Error(`one file expected, not ${keys.length}`);
  return keys[0]!;
};

export const listOf = (id: number, element: unknown, required = false) => ({
  type: 'list',
  'element-id': id,
  'element-required': required,
  element,
});

/** The value's id is the next one. */
export const mapOf = (id: number, key: unknown, value: unknown) => ({
  type: 'map',
  'key-id': id,
  key,
  'value-id': id + 1,
  'value-required': false,
  value,
});

/** A partition spec of fields. */
export function specOf(
  fields: readonly (readonly [sourceId: number, name: string, transform: string])[],
): object {
  return {
    'spec-id': 0,
    fields: fields.map(([sourceId, name, transform], i) => ({
      'source-id': sourceId,
      'field-id': 1000 + i,
      name,
      transform,
    })),
  };
}

/** The location of a file of a golden table. */
export const goldenUri = (name: string, path: string): string => `${location(name)}/${path}`;
