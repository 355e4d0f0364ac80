import { IcebergError } from '../errors.ts';
import type { PartitionSpec } from './partition-spec.ts';
import { findField, findFieldByName, isPrimitiveType, type Schema } from './schema.ts';
import type { SortOrder } from './sort-order.ts';
import { parseTransform, transformResultType } from './transform.ts';

/**
 * Checks that the columns which the default spec and the default order use are in the current schema, with types that
 * their transforms take (`INVALID_ARGUMENT`). Older specs may name columns that were dropped since.
 */
export function checkLayoutColumns(schema: Schema, spec: PartitionSpec, order: SortOrder): void {
  for (const field of spec.fields) {
    // What is void today was something else once, of a column that may be gone.
    if (field.transform === 'void') continue;
    checkSource(schema, field, `partition field "${field.name}"`, 'remove it from the spec');
  }
  for (const field of order.fields) {
    checkSource(schema, field, `the ${field.transform} sort field`, 'replace the order');
  }
}

/**
 * Checks that a new schema has no column of the name of a partition field (`INVALID_ARGUMENT`): engines refuse to load
 * such a table. A field may have the name of its own source column if it is `identity` or `void`; what was so before
 * stays.
 */
export function checkPartitionNames(schema: Schema, before: Schema, specs: readonly PartitionSpec[]): void {
  for (const { name, sourceId, transform } of specs.flatMap((spec) => spec.fields)) {
    const column = findFieldByName(schema, name);
    if (column === undefined || findFieldByName(before, name)?.id === column.id) continue;
    if (column.id === sourceId && (transform === 'identity' || transform === 'void')) continue;
    throw new IcebergError(
      'INVALID_ARGUMENT',
      `a column cannot be named "${name}": a partition field is. Choose another name, or rename the partition field`,
      { context: { column: name, sourceId, transform } },
    );
  }
}

function checkSource(
  schema: Schema,
  field: { readonly sourceId: number; readonly transform: string },
  what: string,
  hint: string,
): void {
  const { sourceId, transform } = field;
  const type = findField(schema, sourceId)?.type;
  const context = { sourceId, transform };
  if (type === undefined) {
    throw new IcebergError(
      'INVALID_ARGUMENT',
      `${what} needs the column with id ${sourceId}: ${hint} first`,
      {
        context,
      },
    );
  }
  // A transform that nobody here knows is kept, and cannot be judged.
  if (parseTransform(transform).kind === 'unknown') return;
  if (isPrimitiveType(type) && transformResultType(transform, type) !== undefined) return;
  throw new IcebergError('INVALID_ARGUMENT', `${what} does not apply to the type of its column`, { context });
}
