import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nestedSchema } from '../../test/support/fixture-schemas.ts';
import { IcebergError } from '../errors.ts';
import { createNameMapping, type MappedField, type NameMapping } from './name-mapping.ts';
import { formatNameMapping, parseNameMapping } from './name-mapping-json.ts';
import { updateNameMapping } from './name-mapping-update.ts';
import type { NestedField } from './schema.ts';

/** Mappings whose names are unique in each struct and whose ids are unique throughout. */
const arbitraryMapping: fc.Arbitrary<NameMapping> = fc
  .letrec<{ fields: MappedField[] }>((tie) => ({
    fields: fc
      .array(
        fc.record(
          {
            fieldId: fc.constant(0),
            names: fc.array(fc.string({ unit: 'binary' }), { maxLength: 3 }),
            fields: fc.oneof({ depthSize: 'small' }, fc.constant([]), tie('fields')),
            extra: fc.constant({ doc: 1.5, big: 2n ** 60n, flag: true }),
          },
          { requiredKeys: ['names'] },
        ),
        { maxLength: 4 },
      )
      .map((fields) => {
        const owners = new Set<string>();
        return fields.map((field) => {
          const names = [...new Set(field.names)].filter((name) => !owners.has(name));
          for (const name of names) owners.add(name);
          return { ...field, names };
        });
      }),
  }))
  .fields.map((mapping) => {
    let next = 0;
    const number = (fields: readonly MappedField[]): MappedField[] =>
      fields.map((field) => ({
        ...field,
        ...('fieldId' in field ? { fieldId: ++next } : {}),
        ...(field.fields ? { fields: number(field.fields) } : {}),
      }));
    return number(mapping);
  });

test('what is written is read back, unknown members included', () => {
  fc.assert(
    fc.property(arbitraryMapping, (mapping) => {
      expect(parseNameMapping(formatNameMapping(mapping))).toEqual(mapping);
    }),
  );
});

test('damaged text is a typed error or another mapping, never a crash', () => {
  const text = formatNameMapping(createNameMapping(nestedSchema));
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.string({ maxLength: 3 }), (at, put) => {
      try {
        parseNameMapping(text.slice(0, at) + put + text.slice(at + put.length));
      } catch (error) {
        expect(IcebergError.is(error, 'INVALID_METADATA')).toBe(true);
        expect((error as Error).message).toContain('schema.name-mapping.default');
      }
    }),
  );
});

test("the specification's example is read", () => {
  const text = `[ { "field-id": 1, "names": ["id", "record_id"] },
    { "field-id": 2, "names": ["data"] },
    { "field-id": 3, "names": ["location"], "fields": [
      { "field-id": 4, "names": ["latitude", "lat"] }, { "field-id": 5, "names": ["longitude", "long"] } ] } ]`;
  expect(parseNameMapping(text)).toEqual([
    { fieldId: 1, names: ['id', 'record_id'] },
    { fieldId: 2, names: ['data'] },
    {
      fieldId: 3,
      names: ['location'],
      fields: [
        { fieldId: 4, names: ['latitude', 'lat'] },
        { fieldId: 5, names: ['longitude', 'long'] },
      ],
    },
  ]);
});

test.each([
  ['[{"field-id": 1, "names": ["a"]}', 'is not JSON'],
  ['{"names": ["a"]}', 'mapping: expected an array, found an object'],
  ['[{"field-id": 1}]', 'mapping[0].names'],
  ['[{"field-id": "1", "names": ["a"]}]', 'mapping[0].field-id: expected a 32-bit integer'],
  ['[{"field-id": 1, "names": ["a", 2]}]', 'mapping[0].names[1]: expected a string, found 2'],
  ['[{"field-id": 1, "names": ["a"]}, {"names": ["a"]}]', 'mapping[1].names: two fields have the name "a"'],
  [
    '[{"field-id": 1, "names": ["a"], "fields": [{"field-id": 1, "names": ["b"]}]}]',
    'mapping[0].fields[0].field-id: 1 is mapped twice',
  ],
])('%s is refused', (text, message) => {
  let thrown: unknown;
  try {
    parseNameMapping(text);
  } catch (error) {
    thrown = error;
  }
  expect(IcebergError.is(thrown, 'INVALID_METADATA')).toBe(true);
  expect((thrown as Error).message).toContain(`schema.name-mapping.default: ${message}`);
});

test('a schema is mapped with list elements, map keys and values', () => {
  expect(
    createNameMapping({ fields: nestedSchema.fields.filter(({ id }) => id === 15 || id === 1) }),
  ).toEqual([
    { fieldId: 1, names: ['id'] },
    {
      fieldId: 15,
      names: ['by_id'],
      fields: [
        { fieldId: 16, names: ['key'] },
        {
          fieldId: 17,
          names: ['value'],
          fields: [
            { fieldId: 18, names: ['n'] },
            { fieldId: 19, names: ['l'], fields: [{ fieldId: 20, names: ['element'] }] },
          ],
        },
      ],
    },
  ]);
});

describe('an update', () => {
  const mapping: NameMapping = [
    { fieldId: 1, names: ['a'] },
    { fieldId: 2, names: ['b', 'old'], extra: { kept: true } },
    { fieldId: 3, names: ['s'], fields: [{ fieldId: 4, names: ['x'] }] },
    { names: ['nobody'], fields: [{ fieldId: 9, names: ['a'] }] },
  ];
  const int = (id: number, name: string): NestedField => ({ id, name, required: false, type: 'int' });

  test('gives a renamed field its new name beside the old ones, at any depth', () => {
    const updated = updateNameMapping(mapping, {
      renamed: [
        { id: 2, name: 'c' },
        { id: 4, name: 'y' },
      ],
    });
    expect(updated[1]).toEqual({ fieldId: 2, names: ['b', 'old', 'c'], extra: { kept: true } });
    expect(updated[2]?.fields).toEqual([{ fieldId: 4, names: ['x', 'y'] }]);
    expect(updated[0]).toEqual(mapping[0]);
  });

  test('takes a name that moves to another field away from the first, in that struct only', () => {
    expect(updateNameMapping(mapping, { renamed: [{ id: 1, name: 'old' }] }).slice(0, 2)).toMatchObject([
      { fieldId: 1, names: ['a', 'old'] },
      { fieldId: 2, names: ['b'] },
    ]);
    const swapped = updateNameMapping(mapping, {
      renamed: [
        { id: 1, name: 'b' },
        { id: 2, name: 'a' },
      ],
    });
    expect(swapped.slice(0, 2)).toMatchObject([{ names: ['b'] }, { names: ['old', 'a'] }]);
    const added = updateNameMapping(mapping, { added: [{ parentId: 3, field: int(5, 'a') }] });
    expect(added[0]).toEqual({ fieldId: 1, names: ['a'] });
    expect(added[3]).toEqual(mapping[3]);
  });

  test('maps an added field with what is below it; a dropped one of its name loses it', () => {
    const field: NestedField = {
      id: 6,
      name: 'a',
      required: false,
      type: { type: 'list', elementId: 7, elementRequired: false, element: 'int' },
    };
    const updated = updateNameMapping(mapping, {
      added: [{ field }, { parentId: 4, field: int(8, 'deep') }],
    });
    expect(updated[0]).toEqual({ fieldId: 1, names: [] });
    expect(updated.at(-1)).toEqual({
      fieldId: 6,
      names: ['a'],
      fields: [{ fieldId: 7, names: ['element'] }],
    });
    expect(updated[2]?.fields).toEqual([
      { fieldId: 4, names: ['x'], fields: [{ fieldId: 8, names: ['deep'] }] },
    ]);
  });

  test('joins a field added again with what is mapped already', () => {
    const updated = updateNameMapping(mapping, { added: [{ field: int(2, 'b2') }] });
    expect(updated.filter(({ fieldId }) => fieldId === 2)).toEqual([
      { fieldId: 2, names: ['b', 'old', 'b2'], extra: { kept: true } },
    ]);
  });

  test('without changes changes nothing', () => {
    fc.assert(
      fc.property(arbitraryMapping, (any) => {
        expect(updateNameMapping(any, {})).toEqual(any);
      }),
    );
  });
});
