import { IcebergError } from '../errors.ts';
import { checkOptions } from '../options.ts';
import type { OperationPlan, TableOperation } from '../transaction/table-operation.ts';
import { propertyUpdates } from './column-properties.ts';

/** What a change of table properties does. */
export interface PropertiesChange {
  readonly set?: Readonly<Record<string, string>>;
  /** Keys; those that are not there are passed over. */
  readonly remove?: readonly string[];
}

/** Names that say what metadata itself says: as properties they would be forgotten, or contradict it. */
const reservedKeys: ReadonlySet<string> = new Set([
  'uuid',
  'snapshot-count',
  'current-snapshot-summary',
  'current-snapshot-id',
  'current-snapshot-timestamp-ms',
  'current-schema',
  'default-partition-spec',
  'default-sort-order',
]);

/**
 * Sets and removes table properties. Others may change properties at the same time: each key is what was set last.
 *
 * @throws IcebergError `INVALID_ARGUMENT` at once for a key that is both set and removed, a value that is no string, or
 *   a reserved key (`format-version`: use {@link upgradeFormatVersion})
 */
export function updateProperties(change: PropertiesChange): TableOperation {
  checkOptions('updateProperties', change, { set: true, remove: true });
  const { set = {}, remove = [] } = change;
  for (const [key, value] of Object.entries(set)) {
    if (key === 'format-version') throw refuse(key, 'is changed by upgradeFormatVersion');
    if (reservedKeys.has(key)) throw refuse(key, 'is reserved: it says what the metadata says');
    if (typeof value !== 'string') throw refuse(key, 'needs a string');
    if (remove.includes(key)) throw refuse(key, 'is both set and removed');
  }
  return {
    name: 'updateProperties',
    plan: ({ metadata: { properties } }): OperationPlan => {
      const has = (key: string): boolean => Object.hasOwn(properties, key);
      const changed = Object.entries(set).filter(([key, value]) => !has(key) || properties[key] !== value);
      return { updates: propertyUpdates(Object.fromEntries(changed), remove.filter(has)) };
    },
  };
}

function refuse(key: string, why: string): IcebergError {
  return new IcebergError('INVALID_ARGUMENT', `property ${key} ${why}`, { context: { key } });
}
