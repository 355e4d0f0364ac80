import { expect, test } from 'vitest';
import { nestedSchema } from '../../test/support/fixture-schemas.ts';
import { createFixtureFileIO, fixture } from '../../test/support/fixtures.ts';
import { createNameMapping } from '../metadata/name-mapping.ts';
import { openParquet } from '../read/data-file-reader-open.ts';
import { hasFieldIds, withMappedIds } from './parquet-field-ids.ts';
import type { ParquetNode } from './parquet-schema.ts';

const withoutIds = ({ fieldId: _, ...node }: ParquetNode): ParquetNode => ({
  ...node,
  children: node.children.map(withoutIds),
});

test('a file without its ids, mapped by the names of the schema, has the same ids again', async () => {
  const { footer } = await openParquet(createFixtureFileIO(), fixture('nested.parquet'));
  const stripped = withoutIds(footer.root);
  expect([hasFieldIds(footer.root), hasFieldIds(stripped)]).toEqual([true, false]);
  expect(withMappedIds(stripped, createNameMapping(nestedSchema))).toEqual(footer.root);
});

const node = (
  name: string,
  repetition: ParquetNode['repetition'],
  ...children: ParquetNode[]
): ParquetNode => ({
  name,
  repetition,
  definitionLevel: 0,
  repetitionLevel: 0,
  children,
  ...(children.length === 0 ? { leaf: { index: 0, physicalType: 'INT32', typeLength: 0 } } : {}),
});

const mapping = [
  {
    fieldId: 1,
    names: ['items'],
    fields: [{ fieldId: 2, names: ['element'], fields: [{ fieldId: 3, names: ['x'] }] }],
  },
];
const idsOf = (root: ParquetNode): unknown =>
  root.children.length === 0 ? root.fieldId : [root.fieldId, ...root.children.map(idsOf)];

test.each<[string, ParquetNode, unknown]>([
  [
    'wraps its elements',
    node('list', 'repeated', node('item', 'optional', node('x', 'optional'))),
    [undefined, [2, 3]],
  ],
  ['repeats plain elements', node('anything', 'repeated'), 2],
  [
    'repeats structs of several',
    node('bag', 'repeated', node('x', 'optional'), node('y', 'optional')),
    [2, 3, undefined],
  ],
  ['repeats structs of one named array', node('array', 'repeated', node('x', 'optional')), [2, 3]],
  ['repeats structs of one named after it', node('items_tuple', 'repeated', node('x', 'optional')), [2, 3]],
])('the elements of a list that %s', (_how, repeated, expected) => {
  const root = node('root', 'required', node('items', 'optional', repeated));
  expect(idsOf(withMappedIds(root, mapping))).toEqual([undefined, [1, expected]]);
});
