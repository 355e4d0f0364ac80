import { describe, expect, test } from 'vitest';
import { encodeSingleValue } from '../metadata/single-value.ts';
import { valueConverter } from '../parquet/parquet-convert.ts';
import type { ChunkStatistics, ParquetRowGroup } from '../parquet/parquet-footer.ts';
import type { ParquetNode } from '../parquet/parquet-schema.ts';
import { summarizeColumn } from './column-summary.ts';

const node = (repetition: 'required' | 'optional'): ParquetNode => ({
  name: 'c',
  repetition,
  definitionLevel: repetition === 'optional' ? 1 : 0,
  repetitionLevel: 0,
  children: [],
  leaf: { index: 0, physicalType: 'INT64', typeLength: 0 },
});

const group = (valueCount: number, statistics?: ChunkStatistics): ParquetRowGroup => ({
  rowStart: 0,
  rowCount: valueCount,
  chunks: [
    {
      codec: 'ZSTD',
      valueCount,
      range: { start: 4, endExclusive: 14 },
      uncompressedSize: 10,
      hasOrder: true,
      ...(statistics ? { statistics } : {}),
    },
  ],
});

const bounds = (min: bigint, max: bigint) => ({
  min: encodeSingleValue('long', min),
  max: encodeSingleValue('long', max),
});

const place = { id: 1, name: 'c', neverNull: false };

const summary = (
  groups: readonly ParquetRowGroup[],
  repetition: 'required' | 'optional' = 'optional',
  repeated = false,
) => {
  const column = { ...place, type: 'long' as const, node: node(repetition), repeated };
  return summarizeColumn({ ...column, convert: valueConverter('long', column.node) }, groups);
};

describe('a column over row groups', () => {
  test('has the sums of counts and the widest bounds', () => {
    const groups = [
      group(3, { ...bounds(2n ** 60n, 2n ** 60n + 1n), nullCount: 1 }),
      group(2, { ...bounds(-5n, 7n), nullCount: 0 }),
    ];
    expect(summary(groups)).toEqual({
      size: 20,
      valueCount: 5,
      nullCount: 1,
      lower: -5n,
      upper: 2n ** 60n + 1n,
    });
  });

  test('has no bounds when one row group with values says nothing, and no null count when one does not count', () => {
    expect(summary([group(3, { ...bounds(1n, 2n), nullCount: 0 }), group(2)])).toEqual({
      size: 20,
      valueCount: 5,
    });
    expect(summary([group(2), group(3, { ...bounds(1n, 2n), nullCount: 0 })])).toEqual({
      size: 20,
      valueCount: 5,
    });
    const half = { min: encodeSingleValue('long', 1n), nullCount: 0 };
    expect(summary([group(3, half)])).toEqual({ size: 10, valueCount: 3, nullCount: 0, lower: 1n });
  });

  test('passes over row groups of nulls only and over empty ones', () => {
    const groups = [group(3, { nullCount: 3 }), group(0), group(1, { ...bounds(4n, 4n), nullCount: 0 })];
    expect(summary(groups)).toEqual({ size: 30, valueCount: 4, nullCount: 3, lower: 4n, upper: 4n });
  });

  test('that cannot be null has no nulls, counted or not', () => {
    expect(summary([group(3, bounds(1n, 2n))], 'required').nullCount).toBe(0);
  });

  test('with more nulls than values does not count', () => {
    expect(summary([group(3, { ...bounds(1n, 2n), nullCount: 4 })]).nullCount).toBeUndefined();
  });

  test('with a bound of the wrong length has no such bound', () => {
    expect(
      summary([group(3, { ...bounds(1n, 2n), max: Uint8Array.of(1, 2, 3), nullCount: 0 })]).upper,
    ).toBeUndefined();
  });

  test('of floats stands for both zeros, and for none where NaN got into a bound', () => {
    const leaf = { index: 0, physicalType: 'DOUBLE', typeLength: 0 } as const;
    const column = {
      ...place,
      type: 'double',
      node: { ...node('required'), leaf },
      repeated: false,
    } as const;
    const of = (min: number, max: number) =>
      summarizeColumn({ ...column, convert: valueConverter('double', column.node) }, [
        group(2, { min: encodeSingleValue('double', min), max: encodeSingleValue('double', max) }),
      ]);
    expect(of(0, -0)).toMatchObject({ lower: -0, upper: 0 });
    expect(of(0, 3)).toMatchObject({ lower: -0, upper: 3 });
    expect(of(1, Number.NaN)).not.toHaveProperty('lower');
    expect(of(Number.NaN, 1)).not.toHaveProperty('upper');
  });

  test('in a list has none', () => {
    expect(summary([group(3, { ...bounds(1n, 2n), nullCount: 0 })], 'optional', true)).toEqual({
      size: 10,
      valueCount: 3,
      nullCount: 0,
    });
  });
});
