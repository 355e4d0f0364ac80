import { expect, test } from 'vitest';
import { murmur3 } from './murmur3.ts';

const text = (value: string) => new TextEncoder().encode(value);

test.each([
  ['', 0],
  ['a', 1009084850],
  ['ab', -1681926305],
  ['abc', -1277324294],
  ['abcd', 1139631978],
  ['iceberg', 1210000089],
])('hashes %j as the reference implementation does', (input, expected) => {
  expect(murmur3(text(input))).toBe(expected);
});

test('reads the bytes of a view, not of the buffer below it', () => {
  const padded = text('xxicebergyy');
  expect(murmur3(padded.subarray(2, 9))).toBe(1210000089);
});
