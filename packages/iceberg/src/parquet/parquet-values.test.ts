import { describe, expect, test } from 'vitest';
import type { PhysicalType } from './parquet-schema.ts';
import { decodeIndexes, decodeValues } from './parquet-values.ts';

const leaf = (physicalType: PhysicalType, typeLength = 0) => ({ index: 0, physicalType, typeLength });

/** A page within a larger buffer, as a page is: what lies behind it must never be read. */
function within(page: readonly number[]): Uint8Array {
  const buffer = new Uint8Array(page.length + 64).fill(0xaa);
  buffer.set(page, 8);
  return buffer.subarray(8, 8 + page.length);
}

describe('values that reach beyond their page are an error, though the buffer goes on', () => {
  const plain = 0;
  test.each<[string, PhysicalType, number, readonly number[], number]>([
    ['a byte string', 'BYTE_ARRAY', plain, [1, 0, 0, 0, 7, 5, 0, 0, 0, 1, 2], 2],
    ['the length of a byte string', 'BYTE_ARRAY', plain, [1, 0, 0, 0, 7, 5, 0], 2],
    ['a byte string of 4 GiB', 'BYTE_ARRAY', plain, [255, 255, 255, 255], 1],
    ['numbers of 32 bits', 'INT32', plain, [1, 0, 0, 0, 2, 0], 2],
    ['numbers of 64 bits', 'INT64', plain, [1, 0, 0, 0, 0, 0, 0], 1],
    ['singles', 'FLOAT', plain, [0, 0, 0], 1],
    ['doubles', 'DOUBLE', plain, [0, 0, 0], 1],
    ['booleans', 'BOOLEAN', plain, [1], 9],
    ['run-length booleans', 'BOOLEAN', 3, [2, 0, 0, 0, 4, 1], 9],
    ['split singles', 'FLOAT', 9, [0, 0, 0, 0], 2],
    // Blocks of 128 values in 4 miniblocks, one value: a length of 20, of which two bytes follow.
    ['a delta-encoded byte string', 'BYTE_ARRAY', 6, [128, 1, 4, 1, 40, 1, 2], 1],
    ['delta-encoded numbers', 'INT64', 5, [128, 1, 4, 40, 0], 40],
  ])('%s', (_what, type, encoding, page, count) => {
    expect(() => decodeValues(leaf(type), encoding, within(page), count)).toThrow();
  });

  test('fixed-length byte strings', () => {
    expect(() => decodeValues(leaf('FIXED_LEN_BYTE_ARRAY', 4), plain, within([1, 2, 3, 4, 5]), 2)).toThrow();
  });
});

test('an index outside the dictionary is an error, not an undefined value', () => {
  // Bit width 3, one run of five times index 5.
  const page = within([3, 10, 5]);
  expect([...decodeIndexes(page, 5, 6)]).toEqual([5, 5, 5, 5, 5]);
  expect(() => decodeIndexes(page, 5, 5)).toThrow('index 5 in a dictionary of 5');
  expect(() => decodeIndexes(within([]), 1, 5)).toThrow();
});

test('text that is not UTF-8 is an error; text that holds the replacement character is not', () => {
  const texts = decodeValues(
    leaf('BYTE_ARRAY'),
    0,
    within([2, 0, 0, 0, 0x61, 0xff, 3, 0, 0, 0, 0xef, 0xbf, 0xbd]),
    2,
  );
  if (texts.kind !== 'bytes') throw new Error('not bytes');
  expect(() => texts.values.text(0)).toThrow('not UTF-8');
  expect(texts.values.text(1)).toBe('\ufffd');
});

test('an encoding that does not fit the type, or is unknown, is an error', () => {
  expect(() => decodeValues(leaf('FLOAT'), 5, within([]), 1)).toThrow();
  expect(() => decodeValues(leaf('INT32'), 7, within([]), 1)).toThrow();
  expect(() => decodeValues(leaf('INT32'), 3, within([]), 1)).toThrow();
  expect(() => decodeValues(leaf('INT96'), 0, within(new Array(12).fill(0)), 1)).toThrow('INT96');
  expect(() => decodeValues(leaf('INT32'), 42, within([]), 1)).toThrow('encoding 42');
});
