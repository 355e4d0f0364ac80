import { createTableMetadata, type TableMetadata } from '@danube/iceberg';
import { expect, test } from 'vitest';
import { MetadataCache } from './metadata-cache.ts';

const state: TableMetadata = createTableMetadata({
  schema: { fields: [{ id: 1, name: 'id', required: true, type: 'long' }] },
  location: 'file:///w/t',
});

test('the states used last stay, and a commit takes the place of what it was made on', () => {
  const cache = new MetadataCache(2);
  cache.set('a1', state);
  cache.set('b1', state);
  expect(cache.get('a1')).toBe(state);
  cache.set('a2', state, 'a1');
  expect(cache.get('a1')).toBeUndefined();
  expect(cache.get('b1')).toBe(state);
  cache.set('c1', state);
  expect(['a2', 'b1', 'c1'].filter((location) => cache.get(location) !== undefined)).toEqual(['b1', 'c1']);
});
