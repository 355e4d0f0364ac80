import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PrimitiveType } from '../metadata/schema.ts';
import { applyTransform } from '../metadata/transform.ts';
import { isPromotionAllowed } from './type-promotion.ts';

const transforms = ['identity', 'bucket[16]', 'bucket[7]', 'truncate[10]', 'truncate[1]', 'void'] as const;
const asLong = (value: unknown): unknown => (typeof value === 'number' ? BigInt(value) : value);

// A file's partition was made of the narrow value, a filter asks with the wide one: they must meet.
test('a widened column has the same partition values', () => {
  const int = fc.integer({ min: -(2 ** 31) + 10, max: 2 ** 31 - 1 });
  fc.assert(
    fc.property(fc.constantFrom(...transforms), int, (transform, value) => {
      const narrow = applyTransform(transform, 'int', value);
      const wide = applyTransform(transform, 'long', BigInt(value));
      // What `truncate` and `identity` give has the source's own type.
      expect(asLong(narrow)).toEqual(asLong(wide));
    }),
  );
  const unscaled = fc.bigInt({ min: -(10n ** 9n) + 1n, max: 10n ** 9n - 1n });
  fc.assert(
    fc.property(fc.constantFrom(...transforms), unscaled, (transform, value) => {
      const narrow = applyTransform(transform, 'decimal(9,2)', value);
      expect(applyTransform(transform, 'decimal(38,2)', value)).toEqual(narrow);
    }),
  );
  const single = fc.float({ noNaN: true });
  fc.assert(
    fc.property(single, (value) => {
      expect(applyTransform('identity', 'double', value)).toBe(applyTransform('identity', 'float', value));
    }),
  );
});

test('types are widened one way, and only where every value stays what it is', () => {
  const types: readonly PrimitiveType[] = [
    ...(['boolean', 'int', 'long', 'float', 'double', 'date', 'time', 'timestamp', 'timestamptz'] as const),
    ...(['string', 'uuid', 'binary', 'fixed[4]', 'decimal(9,2)', 'decimal(10,2)', 'decimal(10,3)'] as const),
  ];
  const allowed = types.flatMap((from) =>
    types.filter((to) => isPromotionAllowed(from, to)).map((to) => `${from} ${to}`),
  );
  expect(allowed).toEqual(['int long', 'float double', 'decimal(9,2) decimal(10,2)']);
});
