import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ColumnPlan } from './schema.ts';
import {
  encodeSingleValue,
  truncateBinaryLower,
  truncateBinaryUpper,
  truncateStringLower,
  truncateStringUpper,
} from './single-value.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);
const hex = (bytes: Uint8Array | undefined) =>
  bytes === undefined ? undefined : Buffer.from(bytes).toString('hex');
const text = (bytes: Uint8Array | undefined) =>
  bytes === undefined ? undefined : new TextDecoder().decode(bytes);

describe('single-value binary form', () => {
  it.each([
    ['bits', 1, '01'],
    ['int32', -2, 'feffffff'],
    ['int64', 34n, '2200000000000000'],
    ['int64', -(2n ** 63n), '0000000000000080'],
    ['float32', -1.5, '0000c0bf'],
    ['float64', -0, '0000000000000080'],
    ['utf8', utf8('ü'), 'c3bc'],
    ['bytes', new Uint8Array([0, 255]), '00ff'],
  ] as const)('%s %s', (layout, value, expected) => {
    expect(hex(encodeSingleValue({ layout } as ColumnPlan, value))).toBe(expected);
  });
});

describe('truncated string bounds', () => {
  it.each([
    ['short enough stays exact', 'abc', 3, 'abc', 'abc'],
    ['cut and incremented', 'abcdef', 3, 'abc', 'abd'],
    ['counts code points, not bytes', 'äöüß', 3, 'äöü', 'äöý'],
    ['counts code points, not UTF-16 units', '😀😀😀', 2, '😀😀', '😀😁'],
    ['carries over the last code point', 'a\u{10ffff}z', 2, 'a\u{10ffff}', 'b'],
    ['skips the surrogates', '\ud7ffz', 1, '\ud7ff', '\ue000'],
    ['no upper bound when nothing can be incremented', '\u{10ffff}\u{10ffff}', 1, '\u{10ffff}', undefined],
  ])('%s', (_name, value, length, lower, upper) => {
    expect(text(truncateStringLower(utf8(value), length))).toBe(lower);
    expect(text(truncateStringUpper(utf8(value), length))).toBe(upper);
  });

  it('enclose the value and are never longer than asked', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 6 }), (value, length) => {
        const whole = utf8(value);
        const lower = truncateStringLower(whole, length);
        const upper = truncateStringUpper(whole, length);
        expect(Buffer.compare(lower, whole)).toBeLessThanOrEqual(0);
        expect(
          [...new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(lower)].length,
        ).toBeLessThanOrEqual(length);
        if (upper === undefined) return;
        expect(Buffer.compare(upper, whole)).toBeGreaterThanOrEqual(0);
        expect(
          [...new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(upper)].length,
        ).toBeLessThanOrEqual(length);
      }),
    );
  });
});

describe('truncated binary bounds', () => {
  it.each([
    ['010203', 3, '010203', '010203'],
    ['010203', 2, '0102', '0103'],
    ['01ff03', 2, '01ff', '02'],
    ['ffff03', 2, 'ffff', undefined],
  ])('%s cut to %i', (value, length, lower, upper) => {
    const bytes = new Uint8Array(Buffer.from(value, 'hex'));
    expect(hex(truncateBinaryLower(bytes, length))).toBe(lower);
    expect(hex(truncateBinaryUpper(bytes, length))).toBe(upper);
  });

  it('enclose the value', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 8 }), fc.integer({ min: 1, max: 4 }), (value, length) => {
        expect(Buffer.compare(truncateBinaryLower(value, length), value)).toBeLessThanOrEqual(0);
        const upper = truncateBinaryUpper(value, length);
        if (upper !== undefined) expect(Buffer.compare(upper, value)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
