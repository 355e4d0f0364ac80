import type { PartitionValue } from '../manifest/data-file.ts';
import type { PartitionSpec } from '../metadata/partition-spec.ts';
import type { PrimitiveValue } from '../metadata/primitive-value.ts';
import { findField, isPrimitiveType, type PrimitiveType, type Schema } from '../metadata/schema.ts';
import {
  bindTransform,
  type ParsedTransform,
  parseTransform,
  transformResultType,
} from '../metadata/transform.ts';
import {
  type BoundExpression,
  type BoundPredicate,
  boundAnd,
  boundFalse,
  boundOr,
  boundTrue,
  type ColumnReference,
  type PartitionReference,
} from './expression-bound.ts';
import { sortValues } from './sorted-values.ts';

type Projected = BoundExpression<PartitionReference>;

/**
 * Projects a row filter onto the partitions of a spec, inclusively: a partition that holds a matching row always
 * fulfils the projection; one that fulfils it need not hold any. Fields whose transform is unknown, takes several
 * columns, or can say nothing about a predicate are left out (they fulfil everything).
 *
 * @param schema a schema that holds the columns of the filter; gives the partition fields their types
 * @see https://iceberg.apache.org/spec/#scan-planning
 */
export function projectToPartition(
  schema: Pick<Schema, 'fields'>,
  spec: PartitionSpec,
  expression: BoundExpression<ColumnReference>,
): BoundExpression<PartitionReference> {
  return project(expression, partitionSources(schema, spec));
}

/** A partition field whose transform this release understands. */
interface PartitionSource {
  readonly sourceId: number;
  readonly sourceType: PrimitiveType;
  readonly transform: ParsedTransform;
  readonly apply: (value: PrimitiveValue | null) => PartitionValue;
  readonly reference: PartitionReference & { readonly type: PrimitiveType };
}

function partitionSources(schema: Pick<Schema, 'fields'>, spec: PartitionSpec): PartitionSource[] {
  return spec.fields.flatMap((field, position) => {
    const source = findField(schema, field.sourceId);
    if (!source || !isPrimitiveType(source.type) || (field.sourceIds?.length ?? 1) > 1) return [];
    const type = transformResultType(field.transform, source.type);
    if (type === undefined) return [];
    return {
      sourceId: field.sourceId,
      sourceType: source.type,
      transform: parseTransform(field.transform),
      apply: bindTransform(field.transform, source.type),
      reference: { position, type },
    };
  });
}

function project(
  expression: BoundExpression<ColumnReference>,
  sources: readonly PartitionSource[],
): Projected {
  switch (expression.type) {
    case 'true':
      return boundTrue;
    case 'false':
      return boundFalse;
    case 'and':
      return boundAnd(expression.operands.map((operand) => project(operand, sources)));
    case 'or':
      return boundOr(expression.operands.map((operand) => project(operand, sources)));
    default: {
      const about = sources.filter((source) => source.sourceId === expression.reference.id);
      return boundAnd(about.map((source) => projectPredicate(expression, source)));
    }
  }
}

function projectPredicate(predicate: BoundPredicate<ColumnReference>, source: PartitionSource): Projected {
  const { transform, reference } = source;
  if (transform.kind === 'void' || transform.kind === 'unknown') return boundTrue;
  if (transform.kind === 'identity') return { ...predicate, reference };
  switch (predicate.type) {
    // Every other transform makes null of null, and nothing else.
    case 'is-null':
    case 'not-null':
      return { type: predicate.type, reference };
    case 'eq':
      return projectValues([predicate.value], source);
    case 'in':
      return projectValues(predicate.values, source);
    case 'lt':
    case 'lt-eq':
    case 'gt':
    case 'gt-eq':
      return transform.kind === 'bucket' ? boundTrue : projectOrder(predicate.type, predicate.value, source);
    default:
      return boundTrue;
  }
}

function projectValues(values: readonly PrimitiveValue[], source: PartitionSource): Projected {
  const { reference } = source;
  const results = new Set<PrimitiveValue>();
  for (const value of values) {
    const result = source.apply(value) as PrimitiveValue;
    results.add(result);
    if (roundedTowardsZero(source, result)) results.add((result as number) + 1);
  }
  if (results.size > 1) return { type: 'in', reference, values: sortValues(reference.type, [...results]) };
  return { type: 'eq', reference, value: [...results][0] as PrimitiveValue };
}

/** For transforms that keep order. Whole numbers are first made inclusive: `a < 10` is `a <= 9`. */
function projectOrder(
  type: 'lt' | 'lt-eq' | 'gt' | 'gt-eq',
  value: PrimitiveValue,
  source: PartitionSource,
): Projected {
  const { reference } = source;
  const below = type === 'lt' || type === 'lt-eq';
  const step = type === 'lt' ? -1 : type === 'gt' ? 1 : 0;
  const inclusive = shifted(value, step);
  const result = source.apply(inclusive) as PrimitiveValue;
  const wrap = wrapThreshold(source);
  if (below) {
    const limit = roundedTowardsZero(source, result) ? (result as number) + 1 : result;
    const projected: Projected = { type: 'lt-eq', reference, value: limit };
    return wrap === undefined ? projected : boundOr([projected, { type: 'gt', reference, value: wrap }]);
  }
  // Truncation wrapped around below the smallest number: no order can be told.
  if (wrap !== undefined && result > inclusive) return boundTrue;
  return { type: 'gt-eq', reference, value: result };
}

function shifted(value: PrimitiveValue, step: number): PrimitiveValue {
  if (typeof value === 'bigint') return value + BigInt(step);
  return typeof value === 'number' ? value + step : value;
}

/**
 * Early Iceberg writers rounded times before 1970 towards zero, so that a partition below zero may hold values
 * of the next lower one. Java widens its projections for them, and so do we.
 */
function roundedTowardsZero(source: PartitionSource, result: PrimitiveValue): boolean {
  const { kind } = source.transform;
  if (kind === 'bucket' || kind === 'truncate') return false;
  if (kind === 'day' && source.sourceType === 'date') return false;
  return (result as number) < 0;
}

/**
 * Truncating an int or long near the smallest one wraps around to the top, in Java as here. Partition values
 * above this may be such, and hold the smallest values of the column.
 */
function wrapThreshold(source: PartitionSource): PrimitiveValue | undefined {
  if (source.transform.kind !== 'truncate') return undefined;
  const { width } = source.transform;
  if (source.sourceType === 'int') return 0x7fffffff - width;
  return source.sourceType === 'long' ? 2n ** 63n - 1n - BigInt(width) : undefined;
}
