import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LocationSet } from './location-set.ts';

test('it holds what was added and not removed, through growth and removal', () => {
  const step = fc.tuple(fc.constantFrom('add', 'delete', 'has'), fc.integer({ min: 0, max: 400 }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 1_500 }), (steps) => {
      const set = new LocationSet();
      const model = new Set<string>();
      for (const [what, n] of steps) {
        const location = `s3://bucket/table/data/${n}.parquet`;
        if (what === 'has') expect(set.has(location)).toBe(model.has(location));
        if (what === 'delete') expect(set.delete(location)).toBe(model.delete(location));
        if (what === 'add')
          expect(set.add(location)).toBe(!model.has(location) && model.add(location) && true);
        expect(set.size).toBe(model.size);
      }
    }),
    { numRuns: 15 },
  );
});

test('5,000 locations, half of them removed, are told apart', () => {
  const set = new LocationSet();
  for (let n = 0; n < 5_000; n += 1) set.add(`file:///warehouse/t/data/${n}.parquet`);
  for (let n = 0; n < 5_000; n += 2) set.delete(`file:///warehouse/t/data/${n}.parquet`);
  let found = 0;
  for (let n = 0; n < 10_000; n += 1) if (set.has(`file:///warehouse/t/data/${n}.parquet`)) found += 1;
  expect(found).toBe(2_500);
  expect(set.size).toBe(2_500);
});
