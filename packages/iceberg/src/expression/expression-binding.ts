import { IcebergError } from '../errors.ts';
import type { PrimitiveValue } from '../metadata/primitive-value.ts';
import { isPrimitiveType, type PrimitiveType, type Schema, walkFields } from '../metadata/schema.ts';
import { checkValue, valueKey } from '../metadata/single-value.ts';
import type { ComparisonType, Expression, SetType, UnaryType } from './expression.ts';
import {
  type BoundExpression,
  boundAnd,
  boundFalse,
  boundOr,
  boundTrue,
  type ColumnReference,
} from './expression-bound.ts';
import { oppositeComparison } from './expression-complement.ts';
import { sortValues } from './sorted-values.ts';

/** How {@link bindExpression} looks columns up. */
export interface BindOptions {
  /** Whether column names must match in case. Default true. */
  readonly caseSensitive?: boolean;
}

type Bound = BoundExpression<ColumnReference>;

/**
 * Ties an expression to a schema: finds every column, checks every value against its column's type, and pushes
 * every `not` down. A whole `number` is taken for a `long` column when it is exact; nothing else is converted,
 * least of all times, where milliseconds and microseconds are easily mistaken.
 *
 * @throws IcebergError `INVALID_ARGUMENT` naming the column and what was expected: no such column, a column
 *   inside a list or map, a value of another type, NaN or null as a value, a comparison with a nested column
 */
export function bindExpression(
  schema: Pick<Schema, 'fields'>,
  expression: Expression,
  options: BindOptions = {},
): BoundExpression<ColumnReference> {
  return bind(expression, false, columnFinder(schema, options.caseSensitive ?? true));
}

type FindColumn = (name: string) => FoundColumn;

interface FoundColumn {
  readonly name: string;
  readonly reference: ColumnReference;
  /** True when neither the column nor a struct around it can be null. */
  readonly neverNull: boolean;
}

function bind(expression: Expression, negated: boolean, find: FindColumn): Bound {
  switch (expression.type) {
    case 'true':
    case 'false':
      return (expression.type === 'true') === negated ? boundFalse : boundTrue;
    case 'not':
      return bind(expression.child, !negated, find);
    case 'and':
    case 'or': {
      const operands = expression.operands.map((operand) => bind(operand, negated, find));
      return (expression.type === 'and') === negated ? boundOr(operands) : boundAnd(operands);
    }
    case 'is-null':
    case 'not-null':
    case 'is-nan':
    case 'not-nan':
      return bindUnary(negated ? negatedUnary[expression.type] : expression.type, find(expression.term));
    case 'in':
    case 'not-in':
      return bindSet(
        (expression.type === 'in') === negated ? 'not-in' : 'in',
        find(expression.term),
        expression.values,
      );
    case 'eq':
    case 'not-eq':
    case 'lt':
    case 'lt-eq':
    case 'gt':
    case 'gt-eq':
      return bindComparison(expression.type, negated, find(expression.term), expression.value);
    default:
      throw invalid(`unknown expression ${JSON.stringify((expression as { type?: unknown }).type)}`, {});
  }
}

const negatedUnary: Record<UnaryType, UnaryType> = {
  'is-null': 'not-null',
  'not-null': 'is-null',
  // The negation of "is NaN" is open for null, so null is kept by neither.
  'is-nan': 'not-nan',
  'not-nan': 'is-nan',
};

function bindUnary(type: UnaryType, column: FoundColumn): Bound {
  const { reference, neverNull } = column;
  if (type === 'is-null' && neverNull) return boundFalse;
  if (type === 'not-null' && neverNull) return boundTrue;
  if (type === 'is-nan' || type === 'not-nan') {
    if (!isFloat(reference)) {
      throw invalid(`column ${column.name} of type ${typeName(reference)} is never NaN`, column);
    }
  }
  return { type, reference };
}

function bindComparison(
  type: ComparisonType,
  negated: boolean,
  column: FoundColumn,
  value: PrimitiveValue,
): Bound {
  const { reference } = column;
  const literal = literalOf(column, value);
  if (!negated) return { type, reference, value: literal };
  const opposite: Bound = { type: oppositeComparison[type], reference, value: literal };
  // For a NaN both `a < 1` and `a >= 1` are false, and so `not(a < 1)` is true.
  const ordered = type !== 'eq' && type !== 'not-eq';
  return ordered && isFloat(reference) ? boundOr([opposite, { type: 'is-nan', reference }]) : opposite;
}

function bindSet(type: SetType, column: FoundColumn, values: readonly PrimitiveValue[]): Bound {
  const { reference } = column;
  const distinct = new Map<unknown, PrimitiveValue>();
  for (const value of values) {
    const literal = literalOf(column, value);
    const key = valueKey(literal);
    if (!distinct.has(key)) distinct.set(key, literal);
  }
  const literals = [...distinct.values()];
  if (literals.length === 0) return type === 'in' ? boundFalse : boundTrue;
  if (literals.length > 1)
    return { type, reference, values: sortValues(reference.type as PrimitiveType, literals) };
  return { type: type === 'in' ? 'eq' : 'not-eq', reference, value: literals[0] as PrimitiveValue };
}

function literalOf(column: FoundColumn, value: PrimitiveValue): PrimitiveValue {
  const { type } = column.reference;
  if (!isPrimitiveType(type)) {
    throw invalid(`column ${column.name} is a ${type.type} and cannot be compared with a value`, column);
  }
  if (value === null || value === undefined) {
    throw invalid(`column ${column.name} cannot be compared with null; use isNull or notNull`, column);
  }
  if (Number.isNaN(value)) {
    throw invalid(`column ${column.name} cannot be compared with NaN; use isNaN_ or notNaN`, column);
  }
  const literal = type === 'long' && Number.isSafeInteger(value) ? BigInt(value as number) : value;
  try {
    checkValue(type, literal);
  } catch (cause) {
    throw invalid(`column ${column.name}: ${(cause as IcebergError).message}`, column, cause);
  }
  // Bounds and rows of a float column hold singles: 0.1 must be compared as the single nearest to it.
  if (type === 'float') return singleOf(column, literal as number);
  return type === 'uuid' ? (literal as string).toLowerCase() : literal;
}

/** A number beyond all singles would become infinite, and equal what it is not. */
function singleOf(column: FoundColumn, value: number): number {
  const single = Math.fround(value);
  if (Number.isFinite(single) || !Number.isFinite(value)) return single;
  throw invalid(`column ${column.name}: ${value} is beyond the range of type float`, column);
}

function columnFinder(schema: Pick<Schema, 'fields'>, caseSensitive: boolean): FindColumn {
  const normalise = (name: string) => (caseSensitive ? name : name.toLowerCase());
  return (name) => {
    const neverNull = new Map<string, boolean>();
    let found: FoundColumn | undefined;
    for (const { field, path, repeated } of walkFields(schema.fields)) {
      const key = path.join('.');
      const parentNeverNull = path.length === 1 || neverNull.get(path.slice(0, -1).join('.')) === true;
      neverNull.set(key, parentNeverNull && field.required);
      if (normalise(key) !== normalise(name)) continue;
      if (repeated) throw invalid(`column ${name} is inside a list or map and cannot be filtered`, { name });
      if (found) throw invalid(`column ${name} is ambiguous: ${found.name} and ${key}`, { name });
      found = {
        name: key,
        reference: { id: field.id, path, type: field.type },
        neverNull: parentNeverNull && field.required,
      };
    }
    if (found) return found;
    const known = schema.fields.map((field) => field.name).join(', ');
    throw invalid(`no column ${name}; there are ${known}`, { name });
  };
}

function isFloat(reference: ColumnReference): boolean {
  return reference.type === 'float' || reference.type === 'double';
}

function typeName(reference: ColumnReference): string {
  return isPrimitiveType(reference.type) ? reference.type : reference.type.type;
}

function invalid(message: string, facts: { readonly name?: string }, cause?: unknown): IcebergError {
  return new IcebergError('INVALID_ARGUMENT', message, {
    context: { column: facts.name },
    ...(cause === undefined ? {} : { cause }),
  });
}
