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

test('texts of every shape are taken or refused as by JSON.parse', () => {
  const piece = fc.constantFrom(
    ...[
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '"a"',
      '"\\n"',
      '"\\u00e9"',
      '"\\x"',
      '"\n"',
      'null',
      'true',
      'fals',
      '0',
      '-',
      '-1',
    ],
    ...[
      '01',
      '1.',
      '.5',
      '1.5',
      '1e',
      '1e+2',
      'NaN',
      'Infinity',
      ' ',
      '\t',
      '\n',
      '\u00a0',
      '\ufeff',
      '//',
      '\\',
      '+1',
    ],
  );
  const outcome = (parse: () => unknown): unknown => {
    try {
      return ['taken', parse()];
    } catch (error) {
      expect(error).toBeInstanceOf(SyntaxError);
      return 'refused';
    }
  };
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const text = pieces.join('');
      expect(outcome(() => plain(parseJson(text)))).toEqual(outcome(() => JSON.parse(text)));
    }),
    { numRuns: 3000 },
  );
  fc.assert(
    fc.property(fc.json(), fc.nat(), (text, at) => {
      const cut = text.slice(0, at % (text.length + 1));
      expect(outcome(() => plain(parseJson(text)))).toEqual(outcome(() => JSON.parse(text)));
      expect(outcome(() => plain(parseJson(cut)))).toEqual(outcome(() => JSON.parse(cut)));
    }),
    { numRuns: 1000 },
  );
});

/** The value with numbers as doubles, as JSON.parse gives it. */
function plain(value: JsonValue): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (isRawJson(value)) return Number(value.rawJSON);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value as object).map(([key, member]) => [key, plain(member)]));
}

test('nesting up to 512 levels is read, beyond it is a SyntaxError and not a crash', () => {
  const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  expect(stringifyJson(parseJson(nested(512)))).toBe(nested(512));
  for (const depth of [600, 100_000]) expect(() => parseJson(nested(depth))).toThrow(SyntaxError);
});
