import { IcebergError } from '../errors.ts';
import type { PartitionValue } from '../manifest/data-file.ts';
import type { PartitionField, PartitionSpec } from '../metadata/partition-spec.ts';
import type { PrimitiveValue } from '../metadata/primitive-value.ts';
import { findField, isPrimitiveType, type PrimitiveType, type Schema } from '../metadata/schema.ts';
import { checkValue, compareValues } from '../metadata/single-value.ts';
import { initialDefaultOf } from '../metadata/single-value-json.ts';
import { bindTransform, parseTransform, transformResultType } from '../metadata/transform.ts';
import type { ColumnSummary } from './column-summary.ts';

/** What partition values are found from. */
export interface PartitionEvidence {
  /** Names the file in errors. */
  readonly location: string;
  readonly schema: Pick<Schema, 'fields'>;
  readonly spec: PartitionSpec;
  /** By field id; a column that is not there is in no row of the file. */
  readonly columns: ReadonlyMap<number, ColumnSummary>;
}

/**
 * The partition values of a file. Where the caller gives them, they are checked against the types and against what
 * the footer proves; otherwise they are inferred, where the footer leaves no doubt.
 *
 * @throws IcebergError `INVALID_ARGUMENT` naming file and partition field: the value cannot be told, or is not
 *   what the file holds
 */
export function partitionValues(
  evidence: PartitionEvidence,
  given: readonly PartitionValue[] | undefined,
): PartitionValue[] {
  const { fields } = evidence.spec;
  if (given && given.length !== fields.length) {
    throw refuse(
      evidence,
      `${given.length} partition values are given for the ${fields.length} fields of its spec`,
    );
  }
  return fields.map((field, position) => {
    const type = resultType(evidence, field);
    const inferred = infer(evidence, field);
    const value = given?.[position];
    if (value !== undefined) return checked(evidence, field, type, value, inferred);
    if ('value' in inferred) return inferred.value;
    throw refuse(
      evidence,
      `its partition value ${field.name} cannot be told, because ${inferred.doubt}; give it`,
    );
  });
}

type Inferred = { readonly value: PartitionValue } | Doubt;

/** Why the value cannot be told, and what the footer proves of it all the same. */
interface Doubt {
  readonly doubt: string;
  /** Absent when nulls are not counted. */
  readonly hasNulls?: boolean;
  /** Between these is the partition value of every row that is neither null nor NaN. */
  readonly range?: readonly [low: PrimitiveValue, high: PrimitiveValue];
}

function infer(
  { location, schema, columns }: PartitionEvidence,
  { sourceId, transform }: PartitionField,
): Inferred {
  const field = findField(schema, sourceId);
  if (transform === 'void') return { value: null };
  if (!field || !isPrimitiveType(field.type)) return { doubt: 'its source column is not in the table' };
  const { type } = field;
  const apply = bindTransform(transform, type);
  const column = columns.get(sourceId);
  if (!column) {
    return { value: apply(initialDefaultOf(location, field) as PrimitiveValue | null) };
  }
  return inferFromBounds(column, type, apply, parseTransform(transform).kind === 'bucket');
}

/**
 * All transforms but `bucket` keep order: if the lower and the upper bound, truncated or not, give the same value,
 * so does everything between them. A bucket needs the bounds themselves to be the same.
 */
function inferFromBounds(
  { valueCount, nullCount, lower, upper }: ColumnSummary,
  type: PrimitiveType,
  apply: (value: PrimitiveValue | null) => PartitionValue,
  scatters: boolean,
): Inferred {
  if (valueCount === 0) return { doubt: 'the file has no rows' };
  if (nullCount === undefined) return { doubt: 'the file does not count nulls' };
  if (nullCount === valueCount) return { value: null };
  if (nullCount > 0) return { doubt: 'the column has nulls and values', hasNulls: true };
  const known = { hasNulls: false };
  if (lower === undefined || upper === undefined) {
    return { ...known, doubt: 'the file has no bounds of the column' };
  }
  if (scatters && compareValues(type, lower, upper) !== 0) {
    return { ...known, doubt: 'the column has several values' };
  }
  const range = [apply(lower) as PrimitiveValue, apply(upper) as PrimitiveValue] as const;
  const [low, high] = range;
  const isFloat = type === 'float' || type === 'double';
  if (isFloat) return { ...known, doubt: 'bounds do not tell of NaN', range };
  const order = compareValues(type, low, high);
  if (order === 0) return { value: low };
  // Truncation wraps around at the smallest number; the results are in no order then.
  return { ...known, doubt: `it holds ${show(low)} to ${show(high)}`, ...(order < 0 ? { range } : {}) };
}

function checked(
  evidence: PartitionEvidence,
  field: PartitionField,
  type: PrimitiveType,
  value: PartitionValue,
  inferred: Inferred,
): PartitionValue {
  if (value !== null) {
    try {
      checkValue(type, value);
    } catch (cause) {
      throw refuse(evidence, `partition value ${field.name}: ${(cause as IcebergError).message}`, cause);
    }
  }
  const rows = contradiction(type, value, inferred);
  if (rows === undefined) return value;
  throw refuse(evidence, `partition value ${field.name} is given as ${show(value)}, and ${rows}`);
}

/** What the footer proves of the rows that cannot be with this value. */
function contradiction(type: PrimitiveType, value: PartitionValue, inferred: Inferred): string | undefined {
  if ('value' in inferred) {
    return isSame(type, value, inferred.value) ? undefined : `all its rows have ${show(inferred.value)}`;
  }
  const { hasNulls, range } = inferred;
  if (hasNulls === true) return 'its rows have nulls and values, which no partition has both';
  if (value === null) return hasNulls === false ? 'none of its rows has a null' : undefined;
  if (range === undefined || Number.isNaN(value)) return undefined;
  const [low, high] = range;
  const within = compareValues(type, low, value) <= 0 && compareValues(type, value, high) <= 0;
  return within ? undefined : `its rows have ${show(low)} to ${show(high)}`;
}

function isSame(type: PrimitiveType, left: PartitionValue, right: PartitionValue): boolean {
  return left === null || right === null ? left === right : compareValues(type, left, right) === 0;
}

function resultType(
  evidence: PartitionEvidence,
  { sourceId, transform, name }: PartitionField,
): PrimitiveType {
  const source = findField(evidence.schema, sourceId)?.type;
  // A source that was dropped leaves a field that only `void` may still use.
  const type = source && isPrimitiveType(source) ? transformResultType(transform, source) : undefined;
  if (type !== undefined) return type;
  if (transform === 'void') return 'unknown';
  throw refuse(evidence, `this release cannot write its partition field ${name} (${transform})`);
}

function show(value: PartitionValue): string {
  return value instanceof Uint8Array ? `0x${Buffer.from(value).toString('hex')}` : String(value);
}

function refuse({ location, spec }: PartitionEvidence, problem: string, cause?: unknown): IcebergError {
  return new IcebergError('INVALID_ARGUMENT', `${location}: ${problem}`, {
    context: { location, specId: spec.specId },
    ...(cause === undefined ? {} : { cause }),
  });
}
