import { expect, test } from 'vitest';
import { assignFreshIds } from './fresh-ids.ts';
import { type NestedField, walkFields } from './schema.ts';

test('ids are given level by level from 1, to elements, keys and values too, and each old id is mapped', () => {
  const fields: NestedField[] = [
    {
      id: 70,
      name: 'list',
      required: true,
      type: {
        type: 'list',
        elementId: 71,
        elementRequired: true,
        element: { type: 'struct', fields: [{ id: 72, name: 'inner', required: true, type: 'int' }] },
      },
    },
    {
      id: 5,
      name: 'map',
      required: false,
      type: {
        type: 'map',
        keyId: 3,
        key: { type: 'struct', fields: [{ id: 1, name: 'part', required: true, type: 'int' }] },
        valueId: 2,
        valueRequired: false,
        value: { type: 'list', elementId: 4, elementRequired: false, element: 'string' },
      },
    },
    { id: 90, name: 'last', required: true, type: 'long', doc: 'kept' },
  ];
  const fresh = assignFreshIds({ fields, identifierFieldIds: [90, 70] });
  expect([...walkFields(fresh.fields)].map(({ field, path }) => [field.id, path.join('.')])).toEqual([
    [1, 'list'],
    [4, 'list.element'],
    [5, 'list.element.inner'],
    [2, 'map'],
    [6, 'map.key'],
    [8, 'map.key.part'],
    [7, 'map.value'],
    [9, 'map.value.element'],
    [3, 'last'],
  ]);
  expect(fresh.lastColumnId).toBe(9);
  expect(fresh.identifierFieldIds).toEqual([1, 3]);
  expect(Object.fromEntries(fresh.newIds)).toEqual({
    70: 1,
    5: 2,
    90: 3,
    71: 4,
    72: 5,
    3: 6,
    2: 7,
    1: 8,
    4: 9,
  });
  expect(fresh.fields[2]!.doc).toBe('kept');
});
