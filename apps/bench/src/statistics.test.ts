import { expect, test } from 'vitest';
import { quantile, ratioOfRounds, spread } from './statistics.ts';

test('quantiles are nearest-rank and never interpolate', () => {
  const values = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  expect(quantile(values, 0.5)).toBe(5);
  expect(quantile(values, 0.99)).toBe(10);
  expect(quantile(values, 0)).toBe(1);
  expect(quantile([42], 0.5)).toBe(42);
  expect(() => quantile([], 0.5)).toThrow(RangeError);
});

test('spread does not depend on the order of the rounds and leaves its input alone', () => {
  const rounds = [3, 1, 2];
  expect(spread(rounds)).toEqual({ median: 2, min: 1, max: 3 });
  expect(rounds).toEqual([3, 1, 2]);
});

test('a ratio is taken within each round, not between the medians', () => {
  // Medians are 20 and 10; yet in every round the first was three times the second or equal to it.
  expect(ratioOfRounds([10, 20, 30], [10, 20, 10])).toEqual({ median: 1, min: 1, max: 3 });
});

test('a round that lacks one of the two figures is left out of the ratio', () => {
  expect(ratioOfRounds([10, undefined, 40], [10, 5, 20])).toEqual({ median: 1, min: 1, max: 2 });
  expect(ratioOfRounds([1, undefined], [undefined, 1])).toBeUndefined();
});
