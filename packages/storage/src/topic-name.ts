import type { TableIdentifier } from '@danube/iceberg';
import { StorageError } from './errors.ts';

/** Where a topic's rows go, and whose the table is. */
export interface TableName {
  readonly identifier: TableIdentifier;
  /** Value of the table property `danube.topic`. */
  readonly owner: string;
  /** Whether the table is shared by the partitions of one partitioned topic. */
  readonly shared: boolean;
}

const TOPIC = /^\/([A-Za-z0-9_-]+)\/([A-Za-z0-9_-]+)$/;
const PARTITION = /^(.+)-part-(0|[1-9][0-9]*)$/;

/**
 * The table of a topic, for those who look for its rows without opening it. `/default/orders` → `default.orders`; in a
 * fixed namespace (that of the topic's target) `<namespace>.default_orders`. Characters outside A–Z a–z 0–9 _ become
 * `_`: two topics may then want one table, and the second is refused by the property `danube.topic`. The partitions
 * `/default/x-part-<i>` share `default.x`, owned by `/default/x-part-*`. Whether that table is there, and is the topic's,
 * only the catalog knows.
 *
 * @throws StorageError `INVALID_TOPIC` unless the name is `/namespace/topic` of letters, digits, `_`, `-`
 */
export function tableNameOf(topic: string, namespace?: readonly string[]): TableName {
  const match = TOPIC.exec(topic);
  if (match === null)
    throw new StorageError('INVALID_TOPIC', `${JSON.stringify(topic)} is not /namespace/topic`, {
      context: { topic },
    });
  const space = match[1] as string;
  const partition = PARTITION.exec(match[2] as string);
  const base = partition?.[1] ?? (match[2] as string);
  const identifier =
    namespace === undefined
      ? { namespace: [sanitise(space)], name: sanitise(base) }
      : { namespace, name: sanitise(`${space}_${base}`) };
  return {
    identifier,
    owner: partition === null ? topic : `/${space}/${base}-part-*`,
    shared: partition !== null,
  };
}

function sanitise(part: string): string {
  return part.replaceAll(/[^A-Za-z0-9_]/g, '_');
}

/** `namespace.name`, for messages and events. */
export function formatIdentifier(identifier: TableIdentifier): string {
  return [...identifier.namespace, identifier.name].join('.');
}
