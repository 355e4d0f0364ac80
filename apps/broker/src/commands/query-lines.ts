import { currentSnapshot, type LoadedTable } from '@danube/iceberg';
import { catalogUri } from '../catalog/open-catalog.ts';
import {
  type BrokerSettings,
  type ObjectStoreSettings,
  type RestCatalogSettings,
  type StorageSettings,
  usesVendedCredentials,
} from '../config/settings.ts';

/** Ready-made queries of a table for DuckDB and PyIceberg. */
export function queryLines(
  topic: string,
  { identifier, metadata, metadataLocation }: LoadedTable,
  settings: BrokerSettings,
): readonly string[] {
  const name = [...identifier.namespace, identifier.name].join('.');
  const rows = currentSnapshot(metadata)?.summary['total-records'];
  const { objectStore, catalog } = settings.storage;
  const isVended = usesVendedCredentials(catalog);
  return [
    `${topic} is the table ${name}: ${rows} rows in snapshot ${metadata.currentSnapshotId}`,
    `  ${metadataLocation}`,
    '',
    'DuckDB (this snapshot; run the command again for a newer one):',
    '  INSTALL iceberg; LOAD iceberg;',
    ...duckdbAccess(objectStore, isVended),
    `  SELECT segment_offset, publish_time, attributes, decode(payload) FROM iceberg_scan(${sqlText(metadataLocation)}) ORDER BY segment_offset LIMIT 10;`,
    '',
    'PyIceberg (always the latest):',
    ...(objectStore.kind === 's3' && !isVended ? [`  # ${AWS_KEYS}`] : []),
    ...pyicebergCatalog(settings.storage).map((line) => `  ${line}`),
    `  print(catalog.load_table(${pyText(name)}).scan(limit=10).to_arrow())`,
  ];
}

const AWS_KEYS = 'with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY set, or a profile';

/** What DuckDB must know of an S3 store. Credentials are never printed: it finds them where the AWS tools do. */
function duckdbAccess(store: ObjectStoreSettings, isVended: boolean): readonly string[] {
  if (store.kind !== 's3') return [];
  const url = store.endpoint === undefined ? undefined : new URL(store.endpoint);
  const facts = [
    'TYPE s3',
    'PROVIDER credential_chain',
    ...(store.region === undefined ? [] : [`REGION ${sqlText(store.region)}`]),
    ...(url === undefined ? [] : [`ENDPOINT ${sqlText(url.host)}`, `USE_SSL ${url.protocol === 'https:'}`]),
    ...(store.pathStyle ? ["URL_STYLE 'path'"] : []),
  ];
  // The catalog's keys go to clients of the catalog, and this line asks the files themselves.
  const whose = isVended ? ' (keys of your own, not those of the catalog)' : '';
  return [
    `  INSTALL httpfs; LOAD httpfs; INSTALL aws; LOAD aws; -- ${AWS_KEYS}${whose}`,
    `  CREATE SECRET (${facts.join(', ')});`,
  ];
}

function pyicebergCatalog(settings: StorageSettings): readonly string[] {
  const { catalog, objectStore } = settings;
  const uri = pyText(catalogUri(settings));
  if (catalog.kind === 'sql') {
    const more = pyArguments(pyicebergFiles(objectStore));
    return [
      'from pyiceberg.catalog.sql import SqlCatalog',
      `catalog = SqlCatalog(${pyText(catalog.name)}, uri=${uri}, warehouse=${pyText(catalog.warehouse)}${more})`,
    ];
  }
  const warehouse = catalog.warehouse === undefined ? '' : `, warehouse=${pyText(catalog.warehouse)}`;
  const more = pyArguments({ ...pyicebergAccess(catalog), ...pyicebergFiles(objectStore) });
  return [
    ...pyicebergSecrets(catalog).map((line) => `# ${line}`),
    'from pyiceberg.catalog import load_catalog',
    `catalog = load_catalog("danube", type="rest", uri=${uri}${warehouse}${more})`,
  ];
}

/** How PyIceberg proves to the catalog who it is, as far as that is no secret. */
function pyicebergAccess({ prefix, auth }: RestCatalogSettings): Readonly<Record<string, string>> {
  return {
    ...(prefix !== undefined && { prefix }),
    ...(auth.kind === 'oauth2' && { 'oauth2-server-uri': auth.serverUri, scope: auth.scope ?? 'catalog' }),
    ...(auth.kind === 'sigv4' && {
      'rest.sigv4-enabled': 'true',
      'rest.signing-region': auth.region,
      'rest.signing-name': auth.service,
    }),
  };
}

/** Where PyIceberg finds what is never printed; it reads these variables for the catalog that is named danube. */
function pyicebergSecrets({ auth, headers }: RestCatalogSettings): readonly string[] {
  const from = (variable: string, key: string) =>
    `with PYICEBERG_CATALOG__DANUBE__${variable} set to catalog.${key} of the broker's configuration`;
  const names = Object.keys(headers).map((name) => `header.${name}`);
  return [
    ...(auth.kind === 'bearer' ? [from('TOKEN', 'token')] : []),
    ...(auth.kind === 'oauth2' ? [from('CREDENTIAL', 'credential')] : []),
    ...(auth.kind === 'sigv4'
      ? ['with the AWS credentials of your environment or profile (needs boto3)']
      : []),
    ...(names.length > 0 ? [`add the headers of the broker's configuration: ${names.join(', ')}`] : []),
  ];
}

/** How PyIceberg reaches files on S3. */
function pyicebergFiles(store: ObjectStoreSettings): Readonly<Record<string, string>> {
  if (store.kind !== 's3') return {};
  return {
    ...(store.endpoint !== undefined && { 's3.endpoint': store.endpoint }),
    ...(store.region !== undefined && { 's3.region': store.region }),
    ...(!store.pathStyle && { 's3.force-virtual-addressing': 'true' }),
  };
}

/** Further arguments, which begin with a comma, or nothing. */
function pyArguments(properties: Readonly<Record<string, string>>): string {
  return Object.keys(properties).length === 0 ? '' : `, **${JSON.stringify(properties)}`;
}

function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A Python string literal; JSON's is one. */
function pyText(text: string): string {
  return JSON.stringify(text);
}
