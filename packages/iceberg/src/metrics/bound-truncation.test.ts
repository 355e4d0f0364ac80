import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PrimitiveValue } from '../metadata/primitive-value.ts';
import { compareValues, encodeSingleValue } from '../metadata/single-value.ts';
import { truncateLower, truncateUpper } from './bound-truncation.ts';

const cut = (length: number) => ({ kind: 'truncate', length }) as const;

const points = fc.oneof(
  fc.constantFrom(0x61, 0x7f, 0x7ff, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10fffe, 0x10ffff),
  fc.integer({ min: 0, max: 0xd7ff }),
);
const text = fc.array(points, { maxLength: 8 }).map((codes) => String.fromCodePoint(...codes));
const bytes = fc.uint8Array({ maxLength: 8 }).map((drawn) => drawn.map((byte) => (byte > 200 ? 255 : byte)));

describe('cut bounds', () => {
  test.each<['string' | 'binary', fc.Arbitrary<PrimitiveValue>]>([
    ['string', text],
    ['binary', bytes],
  ])('of %s hold for every value, are short, and are as close as that length can be', (type, arbitrary) => {
    fc.assert(
      fc.property(arbitrary, fc.integer({ min: 1, max: 8 }), (value, length) => {
        const lower = truncateLower(type, cut(length), value);
        const upper = truncateUpper(type, cut(length), value);
        const sizeOf = (bound: PrimitiveValue) =>
          type === 'string' ? Array.from(bound as string).length : (bound as Uint8Array).length;
        expect(compareValues(type, lower, value)).toBeLessThanOrEqual(0);
        expect(sizeOf(lower)).toBeLessThanOrEqual(length);
        if (sizeOf(value) <= length) {
          expect([lower, upper]).toEqual([value, value]);
          return;
        }
        if (upper === undefined) {
          const kept = type === 'string' ? Array.from(value as string) : Array.from(value as Uint8Array);
          expect(kept.slice(0, length).every((unit) => unit === 255 || unit === '\u{10ffff}')).toBe(true);
          return;
        }
        expect(compareValues(type, upper, value)).toBeGreaterThan(0);
        expect(sizeOf(upper)).toBeLessThanOrEqual(length);
        // Well-formed: encoding and decoding give it back.
        const encoded = encodeSingleValue(type, upper);
        if (type === 'string') expect(new TextDecoder('utf-8', { fatal: true }).decode(encoded)).toBe(upper);
      }),
      { numRuns: 2000 },
    );
  });

  test('other types and modes are never cut', () => {
    const fixed = new Uint8Array(20).fill(255);
    expect(truncateUpper('fixed[20]', cut(16), fixed)).toBe(fixed);
    expect(truncateLower('decimal(38,0)', cut(1), 10n ** 37n)).toBe(10n ** 37n);
    expect(truncateUpper('string', { kind: 'full' }, 'x'.repeat(99))).toBe('x'.repeat(99));
  });
});
