import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatDay } from '../metadata/calendar.ts';
import type { PrimitiveValue } from '../metadata/primitive-value.ts';
import type { PrimitiveType } from '../metadata/schema.ts';
import { formatPartitionValue } from './partition-text.ts';

test.each<[transform: string, type: PrimitiveType, value: PrimitiveValue, text: string]>([
  ['year', 'int', 47, '2017'],
  ['year', 'int', -1, '1969'],
  ['month', 'int', 574, '2017-11'],
  ['month', 'int', 0, '1970-01'],
  ['month', 'int', -1, '1969-12'],
  ['day', 'date', 17_486, '2017-11-16'],
  ['day', 'date', -1, '1969-12-31'],
  ['hour', 'int', 419_686, '2017-11-16-22'],
  ['hour', 'int', -1, '1969-12-31-23'],
  ['bucket[16]', 'int', 7, '7'],
  ['truncate[10]', 'long', -20n, '-20'],
  ['truncate[10]', 'string', 'ü😀', 'ü😀'],
  ['truncate[10]', 'decimal(9,2)', 1420n, '14.20'],
  ['identity', 'decimal(9,2)', -5n, '-0.05'],
  ['identity', 'decimal(9,0)', 12n, '12'],
  ['identity', 'boolean', true, 'true'],
  ['identity', 'date', 17_486, '2017-11-16'],
  ['identity', 'time', 81_068_000_000n, '22:31:08'],
  ['identity', 'time', 81_068_000_001n, '22:31:08.000001'],
  ['identity', 'timestamp', 1_510_871_468_000_000n, '2017-11-16T22:31:08'],
  ['identity', 'timestamp', -1n, '1969-12-31T23:59:59.999999'],
  ['identity', 'timestamptz', 1_510_871_468_000_001n, '2017-11-16T22:31:08.000001+00:00'],
  ['identity', 'timestamptz_ns', 1_510_871_468_000_001_001n, '2017-11-16T22:31:08.000001001+00:00'],
  ['identity', 'binary', Uint8Array.of(1, 2, 3), 'AQID'],
  ['identity', 'uuid', 'f79c3e09-677c-4bbd-a479-3f349cb785e7', 'f79c3e09-677c-4bbd-a479-3f349cb785e7'],
  ['made[up]', 'string', 'as it is', 'as it is'],
])('%s of %s: %s is %s', (transform, type, value, text) => {
  expect(formatPartitionValue(transform, type, value)).toBe(text);
});

test('days are written as Date writes them, as far as it goes, and beyond', () => {
  fc.assert(
    fc.property(fc.integer({ min: -719_528, max: 2_932_896 }), (day) => {
      expect(formatDay(day)).toBe(new Date(day * 86_400_000).toISOString().slice(0, 10));
    }),
  );
  expect(formatDay(106_751_991)).toBe('+294247-01-10');
  expect(formatDay(-719_529)).toBe('-0001-12-31');
});
