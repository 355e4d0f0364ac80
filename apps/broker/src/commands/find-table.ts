import { currentSnapshot, IcebergError, type LoadedTable } from '@danube/iceberg';
import { type CatalogWithFiles, catalogExists, openCatalog } from '../catalog/open-catalog.ts';
import type { StorageSettings } from '../config/settings.ts';
import { parseTopicName } from '../topics/topic-name.ts';

/** A topic's table in a catalog that is open. */
export interface FoundTable {
  readonly opened: CatalogWithFiles;
  readonly table: LoadedTable;
}

/**
 * Loads a topic's table by the name that storage gives it; it is the topic's if its property says so. Partitions of a
 * topic share the table of the whole. Creates nothing; works beside a running broker.
 *
 * @returns undefined when there is no catalog, no table, or nothing committed yet; else close `opened`
 * @throws BrokerError `INVALID_REQUEST` for a malformed topic name; errors of the catalog
 */
export async function findTable(topic: string, settings: StorageSettings): Promise<FoundTable | undefined> {
  const { namespace, topic: name } = parseTopicName(topic);
  const whole = /^(.+)-part-(?:0|[1-9]\d*)$/.exec(name)?.[1] ?? name;
  if (!catalogExists(settings)) return undefined;
  const opened = await openCatalog(settings, { kind: 'read' });
  let table: LoadedTable | undefined;
  try {
    table = await opened.catalog.loadTable({ namespace: [tablePart(namespace)], name: tablePart(whole) });
  } catch (error) {
    if (!IcebergError.is(error, 'TABLE_NOT_FOUND') && !IcebergError.is(error, 'NAMESPACE_NOT_FOUND')) {
      await opened.close();
      throw error;
    }
  }
  const owners = [topic, `/${namespace}/${whole}-part-*`];
  if (
    table !== undefined &&
    owners.includes(table.metadata.properties['danube.topic'] ?? '') &&
    hasRows(table)
  )
    return { opened, table };
  await opened.close();
  return undefined;
}

/** `/default/my-orders` is the table `default.my_orders`, see the README of `@danube/storage`. */
function tablePart(part: string): string {
  return part.replaceAll(/[^A-Za-z0-9_]/g, '_');
}

/** A claimed topic has a snapshot without rows. */
function hasRows({ metadata }: LoadedTable): boolean {
  return Number(currentSnapshot(metadata)?.summary['total-records'] ?? 0) > 0;
}
