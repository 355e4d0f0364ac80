import { expect, test } from 'vitest';
import { decodeSingleValue } from '../metadata/single-value.ts';
import { PartitionSummary } from './partition-summary.ts';

test('bounds are of values that are neither null nor NaN', () => {
  const summary = new PartitionSummary(['double']);
  for (const value of [Number.NaN, 2, null, -1]) summary.add([value]);
  const [field] = summary.fields();
  expect(field).toMatchObject({ containsNull: true, containsNan: true });
  expect(decodeSingleValue('double', field!.lowerBound!)).toBe(-1);
  expect(decodeSingleValue('double', field!.upperBound!)).toBe(2);
});

test.each([
  [0, -0],
  [-0, 0],
])('zero bounds admit both zeros, which other readers tell apart: %s and %s', (first, second) => {
  const summary = new PartitionSummary(['double', 'int']);
  for (const value of [first, second]) summary.add([value, 0]);
  const [double, int] = summary.fields();
  expect(decodeSingleValue('double', double!.lowerBound!)).toBe(-0);
  expect(decodeSingleValue('double', double!.upperBound!)).toBe(0);
  expect([int!.lowerBound, int!.upperBound]).toEqual([new Uint8Array(4), new Uint8Array(4)]);
});

test('without any value there are no bounds', () => {
  const summary = new PartitionSummary(['string']);
  summary.add([null]);
  expect(summary.fields()).toEqual([{ containsNull: true, containsNan: false }]);
});
