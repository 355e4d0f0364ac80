import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isRawJson, type JsonValue, parseJson, stringifyJson } from './json.ts';

test.each([
  ['9007199254740991', 9007199254740991],
  ['9007199254740992', 9007199254740992n],
  ['9007199254740993', 9007199254740993n],
  ['-9007199254740993', -9007199254740993n],
  ['7591105599309644717', 7591105599309644717n],
  ['0', 0],
  ['-1', -1],
  ['1.5', 1.5],
  ['1e+21', 1e21],
])('%s is read without loss', (text, value) => {
  expect(parseJson(text)).toBe(value);
  expect(stringifyJson(parseJson(text))).toBe(text);
});

test.each(['1.0', '-0', '1E5', '1e400', '0.1000000000000000000001', '12345678901234567890.5'])(
  '%s, which a double would print otherwise, is kept as text',
  (text) => {
    expect(isRawJson(parseJson(text))).toBe(true);
    expect(stringifyJson({ a: [parseJson(text)] })).toBe(`{"a":[${text}]}`);
  },
);

test('what JSON.parse refuses is a SyntaxError', () => {
  for (const text of ['', '{', '01', '[1,]', '"\\x"', 'NaN'])
    expect(() => parseJson(text)).toThrow(SyntaxError);
});

test('a member named __proto__ is a member like others', () => {
  const text = '{"__proto__":{"id":9007199254740993},"constructor":1}';
  expect(stringifyJson(parseJson(text))).toBe(text);
});

const jsonValue = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.string({ unit: 'binary' }),
    fc.integer(),
    fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).filter((n) => !Number.isSafeInteger(Number(n))),
    fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .filter((n) => String(n) === JSON.stringify(n) && !isUnsafe(n)),
    fc.array(tie('value')),
    fc.dictionary(fc.string(), tie('value'), { noNullPrototype: true }),
  ),
})).value;

/** Doubles that print as integers beyond 2^53 come back as bigints, by intent; -0 is printed as 0. */
function isUnsafe(n: number): boolean {
  return Object.is(n, -0) || (Number.isInteger(n) && !Number.isSafeInteger(n));
}

test('every value comes back as it was printed, and prints the same again', () => {
  fc.assert(
    fc.property(jsonValue, (value) => {
      const text = stringifyJson(value);
      expect(parseJson(text)).toEqual(value);
      expect(stringifyJson(parseJson(text))).toBe(text);
    }),
    { numRuns: 500 },
  );
});

test('every integer text of any length comes back digit by digit', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }), (n) => {
      expect(stringifyJson(parseJson(String(n)))).toBe(String(n));
    }),
  );
});
