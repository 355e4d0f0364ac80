import { currentSnapshot, type LoadedTable } from '@danube/iceberg';
import type { StorageSettings } from '../config/settings.ts';
import { catalogExists, type EmbeddedCatalog, openEmbeddedCatalog } from '../embedded-catalog.ts';
import { parseTopicName } from '../topics/topic-name.ts';

/** A topic's table in a catalog that is open. */
export interface FoundTable {
  readonly embedded: EmbeddedCatalog;
  readonly table: LoadedTable;
}

/**
 * Looks for a topic's table by the property that says whose it is, so names and namespaces do not matter.
 * Partitions of a topic share the table of the whole. Creates nothing; works beside a running broker.
 *
 * @returns undefined when there is no catalog, no table, or nothing committed yet; else close `embedded`
 * @throws BrokerError `INVALID_REQUEST` for a malformed topic name
 */
export async function findTable(topic: string, settings: StorageSettings): Promise<FoundTable | undefined> {
  parseTopicName(topic);
  if (!catalogExists(settings)) return undefined;
  const embedded = await openEmbeddedCatalog(settings, { kind: 'read' });
  try {
    const owners = new Set([topic, `${topic.replace(/-part-\d+$/, '')}-part-*`]);
    for (const namespace of await embedded.catalog.listNamespaces()) {
      for (const id of await embedded.catalog.listTables(namespace)) {
        const table = await embedded.catalog.loadTable(id);
        if (owners.has(table.metadata.properties['danube.topic'] ?? '') && hasRows(table))
          return { embedded, table };
      }
    }
  } catch (error) {
    await embedded.close();
    throw error;
  }
  await embedded.close();
  return undefined;
}

/** A claimed topic has a snapshot without rows. */
function hasRows({ metadata }: LoadedTable): boolean {
  return Number(currentSnapshot(metadata)?.summary['total-records'] ?? 0) > 0;
}
