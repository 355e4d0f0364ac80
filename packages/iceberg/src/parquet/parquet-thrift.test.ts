import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeThrift, ThriftFields, ThriftTruncatedError } from './parquet-thrift.ts';

const decode = (...bytes: number[]) => decodeThrift(Uint8Array.from(bytes));

test('reads the kinds of field Parquet uses', () => {
  const { value, end } = decode(
    ...[0x15, 0x05], // 1: i32 = -3
    ...[0x16, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10], // 2: i64 = 2^52
    ...[0x18, 0x02, 0x68, 0x69], // 3: "hi"
    ...[0x11], // 4: true
    ...[0x12], // 5: false
    ...[0x19, 0x25, 0x02, 0x04], // 6: list of i32 [1, 2]
    ...[0x1c, 0x15, 0x02, 0x00], // 7: struct {1: 1}
    ...[0x07, 0xc8, 0x01, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f], // 100: double = 1
    ...[0x13, 0xff], // 101: i8 = -1
    ...[0x19, 0x21, 0x01, 0x02], // 102: list of booleans [true, false]
    0,
  );
  const fields = new ThriftFields(value, 'a test');
  expect(fields.number(1)).toBe(-3);
  expect(value.get(2)).toBe(2n ** 52n);
  expect(fields.number(2)).toBe(2 ** 52);
  expect(fields.text(3)).toBe('hi');
  expect([fields.boolean(4), fields.boolean(5)]).toEqual([true, false]);
  expect(fields.list(6)).toEqual([1, 2]);
  expect(fields.struct(7, 'inner')?.number(1)).toBe(1);
  expect(value.get(100)).toBe(1);
  expect(value.get(101)).toBe(-1);
  expect(fields.list(102)).toEqual([true, false]);
  expect(end).toBe(43);
  expect(() => fields.text(1)).toThrow('a test: field 1 is not bytes');
  expect(() => fields.structs(6, 'x')).toThrow('not a list of structs');
  expect(() => fields.need(fields.number(99), 'thing')).toThrow('a test has no thing');
});

test('a number too large for a double is an error where a number is wanted', () => {
  const { value } = decode(0x16, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0);
  expect(value.get(1)).toBe(-(2n ** 63n));
  expect(() => new ThriftFields(value, 'x').number(1)).toThrow();
});

describe('bytes nobody vouches for', () => {
  test.each<[string, number[]]>([
    ['a struct without end', [0x15, 0x02]],
    ['a byte string longer than what is left', [0x18, 0xff, 0xff, 0xff, 0xff, 0x07, 1, 2]],
    ['a list longer than what is left', [0x19, 0xf5, 0xff, 0xff, 0xff, 0xff, 0x07, 1, 2]],
    ['a double cut short', [0x17, 0, 0, 0]],
  ])('%s is truncated', (_what, bytes) => {
    expect(() => decode(...bytes)).toThrow(ThriftTruncatedError);
  });

  test('a number without end is an error, and so is nesting without end', () => {
    expect(() => decode(0x16, ...new Array<number>(1000).fill(0xff))).toThrow('more than ten bytes');
    expect(() => decode(...new Array<number>(100_000).fill(0x1c))).toThrow('nested too deeply');
    expect(() => decode(...new Array<number>(100_000).fill(0x19))).toThrow();
    expect(() => decode(0x1b)).toThrow('type 11 is not used');
  });

  test('always give a struct or an Error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          expect(decodeThrift(bytes).end).toBeLessThanOrEqual(bytes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          expect(error).not.toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});
