import { describe, expect, test } from 'vitest';
import java from '../../test/fixtures/murmur3/java.json' with { type: 'json' };
import vectors from '../../test/fixtures/murmur3/vectors.json' with { type: 'json' };
import { murmur3 } from './murmur3.ts';
import type { PrimitiveValue } from './primitive-value.ts';
import type { PrimitiveType } from './schema.ts';
import { decodeSingleValue, encodeSingleValue } from './single-value.ts';
import { applyTransform } from './transform.ts';

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const singleValue = (type: string, hex: string) => decodeSingleValue(type as PrimitiveType, bytes(hex));

describe('other implementations', () => {
  test('hash the same: mmh3, the reference in C', () => {
    expect(vectors.murmur3).toHaveLength(42);
    for (const [hex, hash] of vectors.murmur3 as [string, number][])
      expect([hex, murmur3(bytes(hex))]).toEqual([hex, hash]);
  });

  type Vector = readonly [transform: string, type: string, hex: string, wanted: string | null];
  const all = vectors.transforms as unknown as readonly Vector[];
  const transforms = [...new Set(all.map(([transform]) => transform))];

  test.each(transforms)('give the same partition values: PyIceberg, %s', (transform) => {
    for (const [, type, hex, wanted] of all.filter(([name]) => name === transform)) {
      const result = applyTransform(transform, type as PrimitiveType, singleValue(type, hex));
      const keepsType = transform === 'identity' || transform.startsWith('truncate');
      const text =
        result === null
          ? null
          : keepsType
            ? Buffer.from(encodeSingleValue(type as PrimitiveType, result)).toString('hex')
            : String(result);
      expect([type, hex, text]).toEqual([type, hex, wanted]);
    }
  });

  test.each(java.hashes as [string, string, number][])('hash the same: Java, %s %s', (type, hex, hash) => {
    const bucket = applyTransform('bucket[2147483647]', type as PrimitiveType, singleValue(type, hex));
    expect(bucket).toBe((hash & 0x7fffffff) % 2147483647);
  });

  const parse = (type: string, text: string): PrimitiveValue => {
    if (type === 'int') return Number(text);
    if (type === 'string') return text;
    return type === 'binary' ? bytes(text) : BigInt(text);
  };

  test.each(java.truncate as [string, number, string, string][])(
    'truncate the same: Java, %s',
    (type, width, from, to) => {
      const wanted = to.split(' ').map((text) => parse(type, text));
      const values = from.split(' ').map((text) => parse(type, text));
      expect(
        values.map((value) => applyTransform(`truncate[${width}]`, type as PrimitiveType, value)),
      ).toEqual(wanted);
    },
  );
});
