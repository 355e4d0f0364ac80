import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IcebergError } from '../errors.ts';
import type { PrimitiveValue } from './primitive-value.ts';
import type { PrimitiveType } from './schema.ts';
import { compareValues, decodeSingleValue, encodeSingleValue } from './single-value.ts';

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

/** Bytes as PyIceberg's `to_bytes` gives them. */
test.each<[PrimitiveType, PrimitiveValue, string]>([
  ['boolean', true, '01'],
  ['int', 34, '22000000'],
  ['int', -1, 'ffffffff'],
  ['long', 9_007_199_254_740_993n, '01 00 00 00 00 00 20 00'],
  ['date', -1, 'ffffffff'],
  ['timestamptz', -1n, 'ffffffffffffffff'],
  ['float', -0, '00000080'],
  ['double', 1, '000000000000f03f'],
  ['string', 'a𐀀', '61 f0 90 80 80'],
  ['uuid', 'f79c3e09-677c-4bbd-a479-3f349cb785e7', 'f79c3e09677c4bbda4793f349cb785e7'],
  ['fixed[2]', hex('00ff'), '00ff'],
  ['binary', hex(''), ''],
  ['decimal(9,2)', 1420n, '058c'],
  ['decimal(9,2)', -1n, 'ff'],
  ['decimal(38,0)', 128n, '0080'],
  ['decimal(9,2)', 0n, '00'],
])('%s %s is %s', (type, value, bytes) => {
  expect(encodeSingleValue(type, value)).toEqual(hex(bytes));
  expect(decodeSingleValue(type, hex(bytes))).toEqual(value);
});

test('bounds written before a type was widened keep their meaning', () => {
  expect(decodeSingleValue('long', hex('feffffff'))).toBe(-2n);
  expect(decodeSingleValue('double', hex('0000803f'))).toBe(1);
  expect(decodeSingleValue('timestamp', hex('ffffffff'))).toBe(-86_400_000_000n);
  expect(decodeSingleValue('timestamp_ns', hex('01000000'))).toBe(86_400_000_000_000n);
  expect(decodeSingleValue('decimal(38,2)', hex('058c'))).toBe(1420n);
});

const arbitraries: Record<string, fc.Arbitrary<PrimitiveValue>> = {
  boolean: fc.boolean(),
  int: fc.integer(),
  date: fc.integer(),
  long: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  time: fc.bigInt({ min: 0n, max: 86_399_999_999n }),
  timestamp: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  timestamptz_ns: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  float: fc.float(),
  double: fc.double(),
  string: fc.string({ unit: 'binary' }),
  uuid: fc.uuid(),
  binary: fc.uint8Array(),
  'fixed[5]': fc.uint8Array({ minLength: 5, maxLength: 5 }),
  'decimal(38,9)': fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }),
};

describe.each(Object.entries(arbitraries))('%s', (name, arbitrary) => {
  const type = name as PrimitiveType;

  test('comes back from its bytes', () => {
    fc.assert(
      fc.property(arbitrary, (value) => {
        expect(decodeSingleValue(type, encodeSingleValue(type, value))).toEqual(value);
      }),
    );
  });

  test('has an order that is total and consistent', () => {
    fc.assert(
      fc.property(arbitrary, arbitrary, arbitrary, (a, b, c) => {
        expect(Math.sign(compareValues(type, a, b))).toBe(-Math.sign(compareValues(type, b, a)) + 0);
        expect(compareValues(type, a, a)).toBe(0);
        if (compareValues(type, a, b) <= 0 && compareValues(type, b, c) <= 0) {
          expect(compareValues(type, a, c)).toBeLessThanOrEqual(0);
        }
      }),
    );
  });

  test('gives a typed error or a value for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
        try {
          decodeSingleValue(type, bytes);
        } catch (error) {
          expect(IcebergError.is(error, 'INVALID_ARGUMENT')).toBe(true);
        }
      }),
    );
  });
});

test('strings and uuids sort as their UTF-8 or big-endian bytes do', () => {
  const bytesOf = (type: PrimitiveType, value: string) => Buffer.from(encodeSingleValue(type, value));
  const sameSign = (type: PrimitiveType, a: string, b: string) => {
    expect(Math.sign(compareValues(type, a, b))).toBe(Buffer.compare(bytesOf(type, a), bytesOf(type, b)));
  };
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) =>
      sameSign('string', a, b),
    ),
  );
  fc.assert(fc.property(fc.uuid(), fc.uuid(), (a, b) => sameSign('uuid', a, b)));
  expect(compareValues('string', '\ue000', '\u{10000}')).toBeLessThan(0);
});

test.each<[PrimitiveType, unknown]>([
  ['int', 1n],
  ['int', 2 ** 31],
  ['int', 1.5],
  ['long', 1],
  ['long', 2n ** 63n],
  ['string', 1],
  ['uuid', 'no'],
  ['binary', 'x'],
  ['fixed[3]', new Uint8Array(2)],
  ['decimal(2,0)', 100n],
  ['boolean', 0],
  ['variant', 'x'],
])('a value that is not a %s is refused: %s', (type, value) => {
  try {
    encodeSingleValue(type, value as PrimitiveValue);
    expect.unreachable();
  } catch (error) {
    expect(IcebergError.is(error, 'INVALID_ARGUMENT')).toBe(true);
  }
});
