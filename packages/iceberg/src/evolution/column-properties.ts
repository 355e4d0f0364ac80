import type { TableUpdate } from '../catalog/table-update.ts';
import { type Schema, walkFields } from '../metadata/schema.ts';

/** Properties that say something of one column, whose name follows. */
const columnPrefixes = [
  'write.metadata.metrics.column.',
  'write.parquet.bloom-filter-enabled.column.',
  'write.parquet.bloom-filter-fpp.column.',
  'write.parquet.bloom-filter-ndv.column.',
  'write.parquet.stats-enabled.column.',
];

/** Table properties about columns, after a change of the schema: they follow a renamed column and go with a dropped one. */
export function columnPropertyUpdates(
  properties: Readonly<Record<string, string>>,
  before: Schema,
  after: Schema,
): readonly TableUpdate[] {
  const newNames = new Map(
    [...walkFields(after.fields)].map(({ field, path }) => [field.id, path.join('.')]),
  );
  const oldIds = new Map([...walkFields(before.fields)].map(({ field, path }) => [path.join('.'), field.id]));
  const removed: string[] = [];
  const set: [string, string][] = [];
  for (const [key, value] of Object.entries(properties)) {
    const prefix = columnPrefixes.find((one) => key.startsWith(one));
    const id = prefix === undefined ? undefined : oldIds.get(key.slice(prefix.length));
    // Of a column that there never was: not ours to judge.
    if (prefix === undefined || id === undefined) continue;
    const name = newNames.get(id);
    if (`${prefix}${name}` === key) continue;
    removed.push(key);
    if (name !== undefined) set.push([`${prefix}${name}`, value]);
  }
  return propertyUpdates(Object.fromEntries(set), removed);
}

/** The updates that set some properties and remove others; none where there is nothing to do. */
export function propertyUpdates(
  updates: Readonly<Record<string, string>>,
  removed: readonly string[],
): readonly TableUpdate[] {
  const removals = removed.filter((key) => !Object.hasOwn(updates, key));
  return [
    ...(Object.keys(updates).length > 0 ? [{ action: 'set-properties', updates } as const] : []),
    ...(removals.length > 0 ? [{ action: 'remove-properties', removals } as const] : []),
  ];
}
