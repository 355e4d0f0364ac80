import { describe, expect, test } from 'vitest';
import { createTableMetadata } from '../metadata/create-table-metadata.ts';
import type { NestedField } from '../metadata/schema.ts';
import { metricsModes, parseMetricsMode } from './metrics-mode.ts';

const ints = (count: number): NestedField[] =>
  Array.from({ length: count }, (_, at) => ({
    id: at + 1,
    name: `c${at + 1}`,
    required: false,
    type: 'int',
  }));

const modesOf = (
  fields: readonly NestedField[],
  properties: Record<string, string>,
  sorted: readonly [number, string][] = [],
) => {
  const sortOrder = {
    fields: sorted.map(([sourceId, transform]) => ({
      sourceId,
      transform,
      direction: 'asc' as const,
      nullOrder: 'nulls-first' as const,
    })),
  };
  const metadata = createTableMetadata({ location: 'mem://t', schema: { fields }, properties, sortOrder });
  const modeOf = metricsModes(metadata);
  return (id: number) => {
    const mode = modeOf(id);
    return mode.kind === 'truncate' ? `truncate(${mode.length})` : mode.kind;
  };
};

const prefix = 'write.metadata.metrics';

describe('metrics modes', () => {
  test('truncate(16) unless the properties say otherwise, by column before default', () => {
    const mode = modesOf(ints(4), {
      [`${prefix}.default`]: 'counts',
      [`${prefix}.column.c2`]: 'FULL',
      [`${prefix}.column.c3`]: 'truncate(4)',
      [`${prefix}.column.nobody`]: 'none',
    });
    expect([1, 2, 3, 4].map(mode)).toEqual(['counts', 'full', 'truncate(4)', 'counts']);
    expect(modesOf(ints(1), {})(1)).toBe('truncate(16)');
  });

  test('of a wide table only the first columns, unless a default is set', () => {
    const at = [1, 100, 101, 102];
    expect(at.map(modesOf(ints(102), {}))).toEqual(['truncate(16)', 'truncate(16)', 'none', 'none']);
    expect(at.map(modesOf(ints(102), { [`${prefix}.default`]: 'full' }))).toEqual([
      'full',
      'full',
      'full',
      'full',
    ]);
    expect(at.map(modesOf(ints(102), { [`${prefix}.max-inferred-column-defaults`]: '101' }))).toEqual([
      'truncate(16)',
      'truncate(16)',
      'truncate(16)',
      'none',
    ]);
    expect(at.map(modesOf(ints(102), { [`${prefix}.column.c102`]: 'counts' }))[3]).toBe('counts');
    expect(modesOf(ints(100), {})(100)).toBe('truncate(16)');
  });

  test('outer columns are counted before nested ones', () => {
    const struct: NestedField = {
      id: 1,
      name: 's',
      required: false,
      type: { type: 'struct', fields: [{ id: 2, name: 'a', required: false, type: 'int' }] },
    };
    // Ids are assigned anew, outer ones first: s, c, d, then s.a.
    const fields = [struct, { ...ints(1)[0]!, id: 3 }, { ...ints(1)[0]!, id: 4, name: 'd' }] as const;
    const mode = modesOf(fields, { [`${prefix}.max-inferred-column-defaults`]: '2' });
    expect([2, 3, 4].map(mode)).toEqual(['truncate(16)', 'truncate(16)', 'none']);
  });

  test('nested columns have dotted names, in lists and maps too', () => {
    const mode = modesOf(
      [
        {
          id: 1,
          name: 'tags',
          required: false,
          type: { type: 'list', elementId: 2, elementRequired: true, element: 'string' },
        },
      ],
      { [`${prefix}.column.tags.element`]: 'none' },
    );
    expect(mode(2)).toBe('none');
  });

  test('a column of the sort order has bounds, if its transform keeps order and nobody names it', () => {
    const mode = modesOf(ints(4), { [`${prefix}.default`]: 'none', [`${prefix}.column.c4`]: 'counts' }, [
      [1, 'identity'],
      [2, 'bucket[4]'],
      [4, 'identity'],
    ]);
    expect([1, 2, 3, 4].map(mode)).toEqual(['truncate(16)', 'none', 'none', 'counts']);
  });

  test.each([
    '',
    'truncate',
    'truncate(0)',
    'truncate(-1)',
    'truncate(1.5)',
    'most',
    'truncate(99999999999)',
  ])('what another writer set to %j counts as absent', (text) => {
    expect(parseMetricsMode(text)).toBeUndefined();
    expect(modesOf(ints(1), { [`${prefix}.default`]: text })(1)).toBe('truncate(16)');
    expect(modesOf(ints(1), { [`${prefix}.column.c1`]: text })(1)).toBe('truncate(16)');
  });
});
