import fc from 'fast-check';
import { expect, test } from 'vitest';
import { evolve } from '../../test/support/evolve.ts';
import { IcebergError } from '../errors.ts';
import { createTableMetadata } from '../metadata/create-table-metadata.ts';
import { highestFieldId, type NestedField, walkFields } from '../metadata/schema.ts';
import { currentSchema, type TableMetadata } from '../metadata/table-metadata.ts';
import type { SchemaChange } from './schema-change.ts';
import { updatePartitionSpec } from './update-partition-spec.ts';
import { updateSchema } from './update-schema.ts';

// Goal: whatever is asked of a schema, what comes out is what a much simpler model says, and an id never means another
// column than it did. Method: updates of one change each, at the top level and in a struct, beside a list of names; then
// updates of many changes, of which only what must always hold is checked.

const names = ['a', 'b', 'c'] as const;
const name = fc.constantFrom(...names);
const parent = fc.constantFrom('', 's.', 'l.element.');

type Step =
  | { readonly kind: 'add' | 'drop' | 'first' | 'widen'; readonly at: string; readonly name: string }
  | {
      readonly kind: 'rename' | 'before' | 'after';
      readonly at: string;
      readonly name: string;
      readonly other: string;
    };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom('add', 'drop', 'first', 'widen'), at: parent, name }),
  fc.record({ kind: fc.constantFrom('rename', 'before', 'after'), at: parent, name, other: name }),
);

function newTable(): TableMetadata {
  return createTableMetadata({
    location: 'mem://t',
    schema: {
      fields: [
        { id: 1, name: 'a', required: false, type: 'int' },
        {
          id: 2,
          name: 's',
          required: false,
          type: { type: 'struct', fields: [{ id: 3, name: 'a', required: false, type: 'int' }] },
        },
        {
          id: 4,
          name: 'l',
          required: false,
          type: {
            type: 'list',
            elementId: 5,
            elementRequired: true,
            element: { type: 'struct', fields: [{ id: 6, name: 'a', required: false, type: 'int' }] },
          },
        },
      ],
    },
  });
}

function ask(change: SchemaChange, one: Step): void {
  const path = `${one.at}${one.name}`;
  switch (one.kind) {
    case 'add':
      change.addColumn(path, { type: 'int' });
      break;
    case 'drop':
      change.dropColumn(path);
      break;
    case 'first':
      change.moveFirst(path);
      break;
    case 'widen':
      change.widenColumn(path, 'long');
      break;
    case 'rename':
      change.renameColumn(path, one.other);
      break;
    case 'before':
      change.moveBefore(path, `${one.at}${one.other}`);
      break;
    case 'after':
      change.moveAfter(path, `${one.at}${one.other}`);
      break;
  }
}

interface Modelled {
  readonly id: number;
  readonly name: string;
  readonly type: string;
}

/** What becomes of the fields of one struct; undefined if it cannot be done. */
function model(fields: readonly Modelled[], one: Step, nextId: number): readonly Modelled[] | undefined {
  const index = fields.findIndex((field) => field.name === one.name);
  const field = fields[index];
  const others = fields.filter((other) => other !== field);
  if (one.kind === 'add') {
    return field === undefined ? [...fields, { id: nextId, name: one.name, type: 'int' }] : undefined;
  }
  if (field === undefined) return undefined;
  switch (one.kind) {
    case 'drop':
      return others.length === 0 ? undefined : others;
    case 'first':
      return [field, ...others];
    case 'widen':
      return fields.with(index, { ...field, type: 'long' });
    case 'rename':
      if (others.some((other) => other.name === one.other)) return undefined;
      return fields.with(index, { ...field, name: one.other });
    case 'before':
    case 'after': {
      const position = others.findIndex((other) => other.name === one.other);
      if (position < 0) return undefined;
      return others.toSpliced(position + (one.kind === 'after' ? 1 : 0), 0, field);
    }
  }
}

const inside = (fields: readonly NestedField[]): readonly Modelled[] =>
  fields.map(({ id, name, type }) => ({ id, name, type: typeof type === 'string' ? type : type.type }));

function structAt(metadata: TableMetadata, at: string): readonly Modelled[] {
  const { fields } = currentSchema(metadata);
  if (at === '') return inside(fields);
  const type = fields.find((field) => field.name === at[0])?.type;
  if (type === undefined || typeof type === 'string') throw new Error(`no ${at}`);
  if (type.type === 'struct') return inside(type.fields);
  if (type.type === 'list' && typeof type.element !== 'string' && type.element.type === 'struct') {
    return inside(type.element.fields);
  }
  throw new Error(`no ${at}`);
}

/** The next state, or undefined if it was refused. */
function attempt(table: TableMetadata, changes: readonly Step[]): TableMetadata | undefined {
  try {
    return evolve(
      table,
      updateSchema((change) => {
        for (const one of changes) ask(change, one);
      }),
    );
  } catch (error) {
    if (IcebergError.is(error, 'INVALID_ARGUMENT')) return undefined;
    throw error;
  }
}

test('one change after the other gives what a simple model gives', () => {
  let taken = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 20, size: 'max' }), (steps) => {
      let table = newTable();
      for (const one of steps) {
        const expected = model(structAt(table, one.at), one, table.lastColumnId + 1);
        const next = attempt(table, [one]);
        expect(next === undefined ? undefined : structAt(next, one.at), JSON.stringify(one)).toEqual(
          expected,
        );
        if (next === undefined) continue;
        for (const at of ['', 's.', 'l.element.'].filter((other) => other !== one.at)) {
          expect(structAt(next, at)).toEqual(structAt(table, at));
        }
        table = next;
        taken += 1;
      }
    }),
    { numRuns: 80 },
  );
  expect(taken).toBeGreaterThan(200);
});

test('whatever is asked in one update: ids keep their meaning, and none is given twice', () => {
  let taken = 0;
  fc.assert(
    fc.property(
      fc.array(fc.array(step, { minLength: 1, maxLength: 2 }), { minLength: 5, maxLength: 15, size: 'max' }),
      (updates) => {
        let table = evolve(
          newTable(),
          updatePartitionSpec((spec) => spec.addField('a', 'bucket[2]')),
        );
        /** Where an id was born: a field never comes to lie in another struct. */
        const homes = new Map<number, string>();
        for (const changes of updates) {
          const before = new Set([...walkFields(currentSchema(table).fields)].map(({ field }) => field.id));
          const next = attempt(table, changes);
          if (next === undefined) continue;
          taken += 1;
          expect(next.lastColumnId).toBeGreaterThanOrEqual(table.lastColumnId);
          expect(next.lastColumnId).toBeGreaterThanOrEqual(highestFieldId(currentSchema(next)));
          const isOld =
            next.currentSchemaId !== table.currentSchemaId && next.schemas.length === table.schemas.length;
          for (const { field, parents } of walkFields(currentSchema(next).fields)) {
            const home = parents.join('/');
            expect(homes.get(field.id) ?? home).toBe(home);
            homes.set(field.id, home);
            // What was not there is new, or the whole schema is one that was there before.
            if (!before.has(field.id) && !isOld) expect(field.id).toBeGreaterThan(table.lastColumnId);
          }
          table = next;
        }
      },
    ),
    { numRuns: 80 },
  );
  expect(taken).toBeGreaterThan(40);
});
