import fc from 'fast-check';
import type { Expression } from '../../src/expression/expression.ts';
import type { PrimitiveValue } from '../../src/metadata/primitive-value.ts';
import type { PrimitiveType, Schema } from '../../src/metadata/schema.ts';

/** Types whose values the random tests draw, each with a domain that collides often and has its extremes. */
export const columnDomains: Readonly<Record<string, readonly PrimitiveValue[]>> = {
  boolean: [false, true],
  int: [-2147483648, -2147483647, -11, -10, -1, 0, 1, 8, 9, 10, 2147483646, 2147483647],
  long: [-(2n ** 63n), -(2n ** 53n) - 1n, -10n, -1n, 0n, 1n, 8n, 9n, 10n, 2n ** 53n + 1n, 2n ** 63n - 1n],
  double: [Number.NaN, Number.NEGATIVE_INFINITY, -1.5, -0, 0, 1, 1.5, Number.POSITIVE_INFINITY],
  date: [-800, -366, -365, -31, -1, 0, 1, 29, 30, 31, 365, 20000],
  timestamptz: [
    -(2n ** 62n),
    -86_400_000_001n,
    -86_400_000_000n,
    -3_600_000_001n,
    -1n,
    0n,
    1n,
    3_600_000_000n,
    86_399_999_998n,
    86_399_999_999n,
    86_400_000_000n,
    1_700_000_000_000_001n,
  ],
  'decimal(9,2)': [-1001n, -1000n, -1n, 0n, 1n, 999n, 1000n],
  string: ['', 'a', 'ab', 'abc', 'abcd', 'abd', '\ue000', '\u{10000}', '\u{10ffff}', '\u{10ffff}\u{10ffff}b'],
  uuid: ['00000000-0000-0000-0000-000000000000', '80000000-0000-0000-0000-000000000001'],
  binary: [[], [0], [1, 2], [1, 2, 3], [1, 255], [255, 255], [255, 255, 1]].map((bytes) =>
    Uint8Array.from(bytes),
  ),
};

/** One optional column for each type, named after it. */
export const wideSchema: Schema = {
  schemaId: 0,
  fields: Object.keys(columnDomains).map((type, index) => ({
    id: index + 1,
    name: type.replace(/\W/g, '_'),
    required: false,
    type: type as PrimitiveType,
  })),
};

export type PlainRow = Record<string, PrimitiveValue | null>;

const columns = wideSchema.fields.map((field) => ({
  name: field.name,
  domain: columnDomains[field.type as string] as readonly PrimitiveValue[],
}));

export const arbitraryRow: fc.Arbitrary<PlainRow> = fc.record(
  Object.fromEntries(
    columns.map(({ name, domain }) => [name, fc.option(fc.constantFrom(...domain), { freq: 4 })]),
  ),
);

const arbitraryPredicate = (names: readonly string[]): fc.Arbitrary<Expression> =>
  fc
    .constantFrom(...columns.filter(({ name }) => names.includes(name)))
    .chain(({ name, domain }): fc.Arbitrary<Expression> => {
      const literals = domain.filter((value) => !Number.isNaN(value));
      const value = fc.constantFrom(...literals);
      const unary =
        name === 'double' ? ['is-nan', 'not-nan', 'is-null', 'not-null'] : ['is-null', 'not-null'];
      return fc.oneof(
        {
          weight: 5,
          arbitrary: fc.record({
            type: fc.constantFrom('eq', 'not-eq', 'lt', 'lt-eq', 'gt', 'gt-eq'),
            term: fc.constant(name),
            value,
          }) as fc.Arbitrary<Expression>,
        },
        fc.record({
          type: fc.constantFrom('in', 'not-in'),
          term: fc.constant(name),
          values: fc.array(value, { maxLength: 3 }),
        }) as fc.Arbitrary<Expression>,
        fc.record({ type: fc.constantFrom(...unary), term: fc.constant(name) }) as fc.Arbitrary<Expression>,
      );
    });

/** Filters over these columns of {@link wideSchema}, up to three levels deep. */
export const arbitraryExpressionOver = (names: readonly string[]): fc.Arbitrary<Expression> =>
  fc.letrec<{ any: Expression }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      arbitraryPredicate(names),
      fc.record({
        type: fc.constantFrom('and' as const, 'or' as const),
        operands: fc.array(tie('any'), { maxLength: 3 }),
      }),
      fc.record({ type: fc.constant('not' as const), child: tie('any') }),
    ),
  })).any;

/** Filters over any columns of {@link wideSchema}. */
export const arbitraryExpression = arbitraryExpressionOver(columns.map(({ name }) => name));
