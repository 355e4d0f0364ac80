import type { PrimitiveValue } from '../metadata/primitive-value.ts';
import type { Type } from '../metadata/schema.ts';
import type { ComparisonType, SetType, UnaryType } from './expression.ts';

/** What a bound predicate speaks of: a column of a schema, or a field of a partition. */
export interface Reference {
  readonly type: Type;
}

/** A column found in a schema. */
export interface ColumnReference extends Reference {
  /** Field id. */
  readonly id: number;
  /** Names from the top-level column down. */
  readonly path: readonly string[];
}

/** A field of a partition, in the transform's result type. */
export interface PartitionReference extends Reference {
  /** Position in the partition spec, and so in `DataFile.partition`. */
  readonly position: number;
}

/**
 * A filter tied to what it speaks of: every reference resolved, every value checked and in the column's own
 * type, every `not` pushed down into the predicates. Each predicate is false for null, so the whole is true
 * exactly for the rows to keep.
 */
export type BoundExpression<R extends Reference> =
  | { readonly type: 'true' }
  | { readonly type: 'false' }
  | { readonly type: 'and' | 'or'; readonly operands: readonly BoundExpression<R>[] }
  | BoundPredicate<R>;

/** A leaf of a {@link BoundExpression}. The values of a set are sorted: the least first. */
export type BoundPredicate<R extends Reference> =
  | { readonly type: ComparisonType; readonly reference: R; readonly value: PrimitiveValue }
  | { readonly type: SetType; readonly reference: R; readonly values: readonly PrimitiveValue[] }
  | { readonly type: UnaryType; readonly reference: R };

export const boundTrue = Object.freeze({ type: 'true' } as const);
export const boundFalse = Object.freeze({ type: 'false' } as const);

/** `and` of the operands, with constants folded away and nested `and`s taken in. */
export function boundAnd<R extends Reference>(operands: readonly BoundExpression<R>[]): BoundExpression<R> {
  return fold('and', operands, 'true', boundFalse);
}

/** `or` of the operands, with constants folded away and nested `or`s taken in. */
export function boundOr<R extends Reference>(operands: readonly BoundExpression<R>[]): BoundExpression<R> {
  return fold('or', operands, 'false', boundTrue);
}

function fold<R extends Reference>(
  type: 'and' | 'or',
  operands: readonly BoundExpression<R>[],
  neutral: 'true' | 'false',
  absorbing: BoundExpression<R>,
): BoundExpression<R> {
  const kept: BoundExpression<R>[] = [];
  for (const operand of operands) {
    if (operand.type === absorbing.type) return absorbing;
    if (operand.type === type) kept.push(...operand.operands);
    else if (operand.type !== neutral) kept.push(operand);
  }
  if (kept.length === 0) return { type: neutral };
  return kept.length === 1 ? (kept[0] as BoundExpression<R>) : { type, operands: kept };
}

/** Every reference in the expression, duplicates included. */
export function* referencesOf<R extends Reference>(expression: BoundExpression<R>): Generator<R> {
  if ('operands' in expression) {
    for (const operand of expression.operands) yield* referencesOf(operand);
  } else if ('reference' in expression) {
    yield expression.reference;
  }
}
