import { IcebergError } from '../errors.ts';
import {
  firstPartitionFieldId,
  type PartitionField,
  type PartitionSpec,
  type UnboundPartitionSpec,
} from './partition-spec.ts';
import {
  findField,
  findFieldByName,
  isPrimitiveType,
  type PrimitiveType,
  type Schema,
  walkFields,
} from './schema.ts';
import type { SortOrder, UnboundSortOrder } from './sort-order.ts';
import { transformResultType } from './transform.ts';

type UnboundField = UnboundPartitionSpec['fields'][number];

/**
 * Gives the fields of a spec their ids and checks them against a schema (`INVALID_ARGUMENT`). A field that
 * some earlier spec has (same sources, same transform) gets that one's id, others the next free id.
 * Spec: https://iceberg.apache.org/spec/#partition-evolution
 */
export function bindPartitionFields(
  spec: UnboundPartitionSpec,
  schema: Schema,
  existing: readonly PartitionSpec[] = [],
  lastPartitionId: number = firstPartitionFieldId - 1,
): PartitionField[] {
  const known = existing.flatMap((other) => other.fields);
  const names = new Set<string>();
  const ids = new Set<number>();
  let last = Math.max(lastPartitionId, ...spec.fields.map((field) => field.fieldId ?? 0));
  return spec.fields.map((field) => {
    checkPartitionField(field, schema);
    const same = known.find((other) => isSameField(other, field));
    const fieldId = field.fieldId ?? same?.fieldId ?? ++last;
    const owner = known.find((other) => other.fieldId === fieldId);
    if (fieldId < firstPartitionFieldId || (owner !== undefined && !mayShareId(owner, field))) {
      refuse(`partition field "${field.name}" cannot have the id ${fieldId}`, field);
    }
    if (names.has(field.name)) refuse(`two partition fields are named "${field.name}"`, field);
    if (ids.has(fieldId)) refuse(`two partition fields have the id ${fieldId}`, field);
    names.add(field.name);
    ids.add(fieldId);
    return { ...field, fieldId };
  });
}

/** True if both specs lay rows out alike: the same sources, transforms and names in the same order. */
export function isSameLayout(left: UnboundPartitionSpec, right: UnboundPartitionSpec): boolean {
  return (
    left.fields.length === right.fields.length &&
    left.fields.every((field, index) => {
      const other = right.fields[index]!;
      return field.name === other.name && isSameField(field, other);
    })
  );
}

/** Checks the columns and transforms of an order against a schema (`INVALID_ARGUMENT`). */
export function checkSortOrder(order: UnboundSortOrder, schema: Schema): void {
  for (const field of order.fields) checkTransform(field, schema, 'sort field');
}

/** True if both orders sort alike. */
export function isSameOrder(
  left: UnboundSortOrder | SortOrder,
  right: UnboundSortOrder | SortOrder,
): boolean {
  return (
    left.fields.length === right.fields.length &&
    left.fields.every((field, index) => {
      const other = right.fields[index]!;
      return (
        isSameField(field, other) &&
        field.direction === other.direction &&
        field.nullOrder === other.nullOrder
      );
    })
  );
}

type TransformField = Pick<UnboundField, 'sourceId' | 'sourceIds' | 'transform'>;

function isSameField(left: TransformField, right: TransformField): boolean {
  const sources = (field: TransformField): string => (field.sourceIds ?? [field.sourceId]).join();
  return left.transform === right.transform && sources(left) === sources(right);
}

/** In tables that were v1, a field that was removed is kept as `void` under its id. */
function mayShareId(owner: TransformField, field: TransformField): boolean {
  const isVoid = owner.transform === 'void' || field.transform === 'void';
  return isSameField(owner, field) || (isVoid && owner.sourceId === field.sourceId);
}

function checkPartitionField(field: UnboundField, schema: Schema): void {
  if (field.name === '') refuse('a partition field has no name', field);
  // The column that a void field was made of may be gone.
  if (field.transform !== 'void') checkTransform(field, schema, `partition field "${field.name}"`);
  const column = findFieldByName(schema, field.name);
  const mayBeNamedSo = field.transform === 'identity' || field.transform === 'void';
  // A reader could not tell the partition field from the column, but where they agree or the field says nothing.
  if (column !== undefined && !(mayBeNamedSo && column.id === field.sourceId)) {
    refuse(`partition field "${field.name}" has the name of a column`, field);
  }
}

function checkTransform(field: TransformField, schema: Schema, what: string): void {
  if (field.sourceIds !== undefined) refuse(`${what}: transforms of several columns need format v3`, field);
  const type = sourceType(schema, field.sourceId);
  if (type === undefined)
    refuse(`${what}: no primitive column outside lists and maps with id ${field.sourceId}`, field);
  if (transformResultType(field.transform, type) === undefined) {
    refuse(`${what}: transform ${field.transform} does not apply to type ${type}`, field);
  }
}

function sourceType(schema: Schema, id: number): PrimitiveType | undefined {
  for (const { field, repeated } of walkFields(schema.fields)) {
    if (field.id === id) return !repeated && isPrimitiveType(field.type) ? field.type : undefined;
  }
  return undefined;
}

/** The result type of each field of a spec; undefined for fields that can only be kept, not understood. */
export function partitionTypes(
  spec: PartitionSpec,
  schemas: readonly Schema[],
): readonly (PrimitiveType | undefined)[] {
  return spec.fields.map((field) => {
    for (const schema of schemas) {
      const type = findField(schema, field.sourceId)?.type;
      if (type !== undefined && isPrimitiveType(type)) return transformResultType(field.transform, type);
    }
    return undefined;
  });
}

function refuse(message: string, field: TransformField & { readonly name?: string }): never {
  throw new IcebergError('INVALID_ARGUMENT', message, {
    context: { name: field.name, sourceId: field.sourceId, transform: field.transform },
  });
}
