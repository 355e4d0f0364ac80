import {
  childFields,
  isPrimitiveType,
  type NestedField,
  type Schema,
  walkFields,
} from '../metadata/schema.ts';
import type { SortOrder } from '../metadata/sort-order.ts';
import { currentSchema, defaultSortOrder, type TableMetadata } from '../metadata/table-metadata.ts';
import { parseTransform } from '../metadata/transform.ts';

/**
 * What a manifest learns about a column: `none` its size only · `counts` also values and nulls · `truncate` also
 * bounds, strings cut to `length` code points and binary to `length` bytes · `full` also bounds, uncut.
 */
export type MetricsMode =
  | { readonly kind: 'none' | 'counts' | 'full' }
  | { readonly kind: 'truncate'; readonly length: number };

const defaultMode: MetricsMode = { kind: 'truncate', length: 16 };
const defaultColumns = 100;
const columnPrefix = 'write.metadata.metrics.column.';

/**
 * The metrics mode of each column by field id, as the table's properties want it and as Java reads them:
 *
 * - `write.metadata.metrics.column.<name>` for one column, nested ones by dotted name (`list.element`, `map.key`);
 * - for a column of the table's sort order, whose transform keeps order, at least `truncate(16)`;
 * - `write.metadata.metrics.default` for all others. Without it `truncate(16)` for the first
 *   `write.metadata.metrics.max-inferred-column-defaults` (100) columns, outer ones before nested ones, and `none`
 *   for the rest.
 *
 * A property that another writer has set to something else counts as absent.
 */
export function metricsModes(metadata: TableMetadata): (fieldId: number) => MetricsMode {
  const { properties } = metadata;
  const schema = currentSchema(metadata);
  const sorted = sortedColumns(defaultSortOrder(metadata));
  const fallback = fallbackModes(schema, properties);
  const named = new Map<number, MetricsMode>();
  for (const { field, path } of walkFields(schema.fields)) {
    const mode = parseMetricsMode(ownProperty(properties, columnPrefix + path.join('.')));
    if (mode) named.set(field.id, mode);
  }
  return (fieldId) => {
    const mode = named.get(fieldId) ?? fallback(fieldId);
    const promoted = sorted.has(fieldId) && !named.has(fieldId) && !hasBounds(mode);
    return promoted ? defaultMode : mode;
  };
}

/** Whether the mode keeps lower and upper bounds. */
export function hasBounds(mode: MetricsMode): boolean {
  return mode.kind === 'truncate' || mode.kind === 'full';
}

/** `truncate(16)`, `full`, `counts` or `none`, in any case; undefined for anything else. */
export function parseMetricsMode(text: string | undefined): MetricsMode | undefined {
  const lower = text?.trim().toLowerCase();
  if (lower === 'none' || lower === 'counts' || lower === 'full') return { kind: lower };
  const length = Number(/^truncate\(\s*(\d{1,9})\s*\)$/.exec(lower ?? '')?.[1]);
  return length >= 1 ? { kind: 'truncate', length } : undefined;
}

function fallbackModes(
  schema: Schema,
  properties: TableMetadata['properties'],
): (fieldId: number) => MetricsMode {
  const configured = ownProperty(properties, 'write.metadata.metrics.default');
  if (configured !== undefined) {
    const mode = parseMetricsMode(configured) ?? defaultMode;
    return () => mode;
  }
  const limit = columnLimit(ownProperty(properties, 'write.metadata.metrics.max-inferred-column-defaults'));
  const columns = [...walkFields(schema.fields)].filter(
    ({ field }) => isPrimitiveType(field.type) || field.type.type === 'struct',
  );
  if (columns.length <= limit) return () => defaultMode;
  const chosen = new Set(firstColumns(schema.fields, limit));
  return (fieldId) => (chosen.has(fieldId) ? defaultMode : { kind: 'none' });
}

function columnLimit(text: string | undefined): number {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : defaultColumns;
}

/** Ids of the first primitive fields: those of a struct before what is nested in it. */
function firstColumns(fields: readonly NestedField[], limit: number): number[] {
  const ids: number[] = [];
  const visit = (level: readonly NestedField[]) => {
    for (const { id, type } of level) if (isPrimitiveType(type) && ids.length < limit) ids.push(id);
    for (const { type } of level) if (!isPrimitiveType(type) && ids.length < limit) visit(childFields(type));
  };
  visit(fields);
  return ids;
}

function sortedColumns(order: SortOrder): ReadonlySet<number> {
  const keepsOrder = order.fields.filter(
    ({ transform }) => !['bucket', 'void', 'unknown'].includes(parseTransform(transform).kind),
  );
  return new Set(keepsOrder.map(({ sourceId }) => sourceId));
}

function ownProperty(properties: TableMetadata['properties'], key: string): string | undefined {
  return Object.hasOwn(properties, key) ? properties[key] : undefined;
}
