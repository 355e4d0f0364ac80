import type { LoadedTable } from '@danube/iceberg';
import { currentSnapshot } from '@danube/iceberg';
import type { BrokerSettings, ObjectStoreSettings } from '../config/settings.ts';
import { catalogUri } from '../embedded-catalog.ts';
import { findTable } from './find-table.ts';
import { type CommandFlags, settingsFromFlags } from './settings-from-flags.ts';
import type { Terminal } from './terminal.ts';

/** Prints how to query a topic's table, or that nothing is committed yet. @returns the exit code */
export async function table(
  topic: string,
  flags: CommandFlags,
  terminal: Terminal,
  environment = process.env,
): Promise<number> {
  const settings = settingsFromFlags(flags, environment);
  const found = await findTable(topic, settings.storage);
  if (found === undefined) {
    const age = settings.storage.flush.maxAgeMs / 1000;
    terminal.out(`Nothing of ${topic} is committed yet in ${settings.dataDir}.`);
    terminal.out(
      `A running broker commits ${age} s after the first message, and when it stops. Only reliable topics have tables.`,
    );
    return 0;
  }
  await found.embedded.close();
  for (const line of queryLines(topic, found.table, settings)) terminal.out(line);
  return 0;
}

/** Ready-made queries of a table for DuckDB and PyIceberg. */
export function queryLines(
  topic: string,
  { identifier, metadata, metadataLocation }: LoadedTable,
  settings: BrokerSettings,
): readonly string[] {
  const name = [...identifier.namespace, identifier.name].join('.');
  const rows = currentSnapshot(metadata)?.summary['total-records'];
  const { catalog, warehouse, objectStore } = settings.storage;
  return [
    `${topic} is the table ${name}: ${rows} rows in snapshot ${metadata.currentSnapshotId}`,
    `  ${metadataLocation}`,
    '',
    'DuckDB (this snapshot; run the command again for a newer one):',
    '  INSTALL iceberg; LOAD iceberg;',
    ...duckdbAccess(objectStore),
    `  SELECT segment_offset, publish_time, attributes, decode(payload) FROM iceberg_scan(${sqlText(metadataLocation)}) ORDER BY segment_offset LIMIT 10;`,
    '',
    'PyIceberg (always the latest):',
    '  from pyiceberg.catalog.sql import SqlCatalog',
    `  catalog = SqlCatalog(${pyText(catalog.name)}, uri=${pyText(catalogUri(settings.storage))}, warehouse=${pyText(warehouse)}${pyicebergAccess(objectStore)})`,
    `  print(catalog.load_table(${pyText(name)}).scan(limit=10).to_arrow())`,
  ];
}

/** What DuckDB must know of an S3 store. Credentials are never printed: it finds them where the AWS tools do. */
function duckdbAccess(store: ObjectStoreSettings): readonly string[] {
  if (store.kind !== 's3') return [];
  const url = store.endpoint === undefined ? undefined : new URL(store.endpoint);
  const facts = [
    'TYPE s3',
    'PROVIDER credential_chain',
    ...(store.region === undefined ? [] : [`REGION ${sqlText(store.region)}`]),
    ...(url === undefined ? [] : [`ENDPOINT ${sqlText(url.host)}`, `USE_SSL ${url.protocol === 'https:'}`]),
    ...(store.pathStyle ? ["URL_STYLE 'path'"] : []),
  ];
  return [
    '  INSTALL httpfs; LOAD httpfs; INSTALL aws; LOAD aws; -- with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY set, or a profile',
    `  CREATE SECRET (${facts.join(', ')});`,
  ];
}

/** The same for PyIceberg, as further arguments; each begins with a comma. */
function pyicebergAccess(store: ObjectStoreSettings): string {
  if (store.kind !== 's3') return '';
  const properties = {
    ...(store.endpoint !== undefined && { 's3.endpoint': store.endpoint }),
    ...(store.region !== undefined && { 's3.region': store.region }),
    ...(!store.pathStyle && { 's3.force-virtual-addressing': 'true' }),
  };
  return Object.keys(properties).length === 0 ? '' : `, **${JSON.stringify(properties)}`;
}

function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A Python string literal; JSON's is one. */
function pyText(text: string): string {
  return JSON.stringify(text);
}
