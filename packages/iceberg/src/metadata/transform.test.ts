import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IcebergError } from '../errors.ts';
import { murmur3 } from './murmur3.ts';
import type { PrimitiveType } from './schema.ts';
import { applyTransform, bindTransform, parseTransform, transformResultType } from './transform.ts';

const day = 86_400_000_000n;
const micros = (iso: string) => BigInt(Date.parse(iso)) * 1000n;
const days = (iso: string) => Date.parse(iso) / 86_400_000;

describe('parseTransform', () => {
  test('takes parameters apart, spaces allowed', () => {
    expect(parseTransform('bucket[16]')).toEqual({ kind: 'bucket', buckets: 16 });
    expect(parseTransform('truncate[ 4 ]')).toEqual({ kind: 'truncate', width: 4 });
    expect(parseTransform('day')).toEqual({ kind: 'day' });
  });

  test.each(['zorder', 'bucket', 'bucket[0]', 'bucket[-1]', 'truncate[99999999999]', 'Day', ''])(
    'keeps %j as unknown',
    (text) => {
      expect(parseTransform(text)).toEqual({ kind: 'unknown', text });
      expect(transformResultType(text, 'int')).toBeUndefined();
    },
  );
});

describe('times', () => {
  test('1970-01-01T00:00 is zero in every unit, one microsecond before is minus one', () => {
    for (const transform of ['year', 'month', 'day', 'hour']) {
      expect(applyTransform(transform, 'timestamptz', 0n)).toBe(0);
      expect(applyTransform(transform, 'timestamptz', -1n)).toBe(-1);
      expect(applyTransform(transform, 'timestamp_ns', -1n)).toBe(-1);
    }
  });

  test('known dates', () => {
    expect(applyTransform('year', 'timestamp', micros('2017-11-16T22:31:08Z'))).toBe(47);
    expect(applyTransform('month', 'timestamp', micros('2017-11-16T22:31:08Z'))).toBe(574);
    expect(applyTransform('day', 'timestamp', micros('2017-11-16T22:31:08Z'))).toBe(17486);
    expect(applyTransform('hour', 'timestamp', micros('2017-11-16T22:31:08Z'))).toBe(419686);
    expect(applyTransform('year', 'date', days('1969-12-31'))).toBe(-1);
    expect(applyTransform('month', 'date', days('1969-11-30'))).toBe(-2);
    expect(applyTransform('month', 'date', days('0000-03-01'))).toBe(-23_638);
  });

  test('the extremes of a 64-bit timestamp have a year and a day', () => {
    expect(applyTransform('year', 'timestamptz', 2n ** 63n - 1n)).toBe(294_247 - 1970);
    expect(applyTransform('year', 'timestamptz', -(2n ** 63n))).toBe(-290_308 - 1970);
    expect(applyTransform('day', 'timestamptz', -(2n ** 63n))).toBe(-106_751_992);
  });

  test('agree with Date for every day it can name', () => {
    fc.assert(
      fc.property(fc.integer({ min: -100_000_000, max: 100_000_000 }), (epochDay) => {
        const date = new Date(epochDay * 86_400_000);
        expect(applyTransform('year', 'date', epochDay)).toBe(date.getUTCFullYear() - 1970);
        expect(applyTransform('month', 'date', epochDay)).toBe(
          (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth(),
        );
        expect(applyTransform('day', 'date', epochDay)).toBe(epochDay);
      }),
    );
  });

  test('a timestamp lies within the day and hour its partition names, before 1970 too', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 61n), max: 2n ** 61n }), (value) => {
        const dayOf = BigInt(applyTransform('day', 'timestamptz', value) as number);
        const hourOf = BigInt(applyTransform('hour', 'timestamptz', value) as number);
        expect(dayOf * day <= value && value < (dayOf + 1n) * day).toBe(true);
        expect(hourOf * (day / 24n) <= value && value < (hourOf + 1n) * (day / 24n)).toBe(true);
      }),
    );
  });

  test('are monotone', () => {
    const value = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    fc.assert(
      fc.property(value, value, fc.constantFrom('year', 'month', 'day', 'hour'), (a, b, transform) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        const apply = bindTransform(transform, 'timestamptz');
        expect(apply(low) as number).toBeLessThanOrEqual(apply(high) as number);
      }),
    );
  });
});

/** Vectors of the specification, appendix B, checked with an independent murmur3 (mmh3). */
test.each<[PrimitiveType, number | bigint | string | Uint8Array, number]>([
  ['int', 34, 2017239379],
  ['long', 34n, 2017239379],
  ['date', days('2017-11-16'), -653330422],
  ['time', 81_068_000_000n, -662762989],
  ['timestamp', micros('2017-11-16T22:31:08Z'), -2047944441],
  ['timestamptz', micros('2017-11-16T22:31:08Z') + 1n, -1207196810],
  ['timestamp_ns', micros('2017-11-16T22:31:08Z') * 1000n, -2047944441],
  ['timestamptz_ns', micros('2017-11-16T22:31:08Z') * 1000n + 1001n, -1207196810],
  ['decimal(9,2)', 1420n, -500754589],
  ['string', 'iceberg', 1210000089],
  ['uuid', 'f79c3e09-677c-4bbd-a479-3f349cb785e7', 1488055340],
  ['binary', Uint8Array.of(0, 1, 2, 3), -188683207],
  ['fixed[4]', Uint8Array.of(0, 1, 2, 3), -188683207],
])('bucket of %s %s has the hash %i', (type, value, hash) => {
  expect(applyTransform('bucket[2147483647]', type, value)).toBe((hash & 0x7fffffff) % 2147483647);
  expect(applyTransform('bucket[16]', type, value)).toBe((hash & 0x7fffffff) % 16);
});

test('the hash of a double and a boolean follow the specification though no bucket takes them', () => {
  const double = new Uint8Array(Float64Array.of(1).buffer);
  expect(murmur3(double)).toBe(-142385009);
  expect(transformResultType('bucket[4]', 'double')).toBeUndefined();
  expect(transformResultType('bucket[4]', 'boolean')).toBeUndefined();
});

describe('truncate', () => {
  test('rounds numbers down to a multiple, below zero too', () => {
    expect(applyTransform('truncate[10]', 'int', 1)).toBe(0);
    expect(applyTransform('truncate[10]', 'int', -1)).toBe(-10);
    expect(applyTransform('truncate[10]', 'int', 10)).toBe(10);
    expect(applyTransform('truncate[10]', 'long', -1n)).toBe(-10n);
    expect(applyTransform('truncate[50]', 'decimal(9,2)', 1065n)).toBe(1050n);
    expect(Object.is(applyTransform('truncate[10]', 'int', 0), 0)).toBe(true);
  });

  test('counts code points of strings and bytes of binary', () => {
    expect(applyTransform('truncate[3]', 'string', 'iceberg')).toBe('ice');
    expect(applyTransform('truncate[2]', 'string', '𐀀é𐀁x')).toBe('𐀀é');
    expect(applyTransform('truncate[9]', 'string', 'short')).toBe('short');
    expect(applyTransform('truncate[2]', 'binary', Uint8Array.of(1, 2, 3))).toEqual(Uint8Array.of(1, 2));
  });
});

test('null stays null and void makes everything null', () => {
  for (const transform of ['identity', 'day', 'bucket[4]', 'void']) {
    expect(applyTransform(transform, 'timestamptz', null)).toBeNull();
  }
  expect(applyTransform('void', 'string', 'x')).toBeNull();
});

test.each<[string, PrimitiveType, PrimitiveType | undefined]>([
  ['identity', 'string', 'string'],
  ['identity', 'variant', undefined],
  ['day', 'timestamptz', 'date'],
  ['day', 'string', undefined],
  ['hour', 'date', undefined],
  ['hour', 'timestamp', 'int'],
  ['bucket[4]', 'uuid', 'int'],
  ['truncate[4]', 'decimal(9,2)', 'decimal(9,2)'],
  ['truncate[4]', 'uuid', undefined],
  ['void', 'double', 'double'],
])('result type of %s over %s is %s', (transform, source, expected) => {
  expect(transformResultType(transform, source)).toBe(expected);
});

test('an impossible source is refused', () => {
  try {
    applyTransform('day', 'string', 'x');
    expect.unreachable();
  } catch (error) {
    expect(IcebergError.is(error, 'INVALID_ARGUMENT')).toBe(true);
  }
});
