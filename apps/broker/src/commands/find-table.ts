import { currentSnapshot, type LoadedTable, saysMissing } from '@danube/iceberg';
import { tableNameOf } from '@danube/storage';
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
 * topic share one table. Creates nothing; works beside a running broker.
 *
 * @returns undefined when there is no catalog, no table, or nothing committed yet; else close `opened`
 * @throws BrokerError `INVALID_REQUEST` for a malformed topic name; errors of the catalog
 */
export async function findTable(topic: string, settings: StorageSettings): Promise<FoundTable | undefined> {
  const { identifier, owner } = tableNameOf(parseTopicName(topic).full);
  if (!catalogExists(settings)) return undefined;
  const opened = await openCatalog(settings, { kind: 'read' });
  let table: LoadedTable | undefined;
  try {
    table = await opened.catalog.loadTable(identifier);
  } catch (error) {
    if (!saysMissing(error)) {
      await opened.close();
      throw error;
    }
  }
  if (table !== undefined && table.metadata.properties['danube.topic'] === owner && hasRows(table))
    return { opened, table };
  await opened.close();
  return undefined;
}

/** A claimed topic has a snapshot without rows. */
function hasRows({ metadata }: LoadedTable): boolean {
  return Number(currentSnapshot(metadata)?.summary['total-records'] ?? 0) > 0;
}
