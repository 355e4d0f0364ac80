import { join } from 'node:path';
import { contradiction, unsupported } from './config-errors.ts';
import { ICEBERG_KEY, type IcebergConfig } from './config-schema.ts';
import { defaultPlace, resolveObjectStore } from './resolve-object-store.ts';
import { resolveWarehouse, type ToPath } from './resolve-warehouse.ts';
import type {
  CatalogAuthSettings,
  ObjectStoreSettings,
  RestCatalogSettings,
  StorageSettings,
} from './settings.ts';

type CatalogKeys = NonNullable<IcebergConfig['catalog']>;

const CATALOG = `${ICEBERG_KEY}.catalog`;
const REST_KEYS = [
  'token',
  'credential',
  'oauth2_server_uri',
  'scope',
  'prefix',
  'headers',
  'signing_region',
  'signing_name',
  'access_delegation',
] as const;

/**
 * The catalog, the tables' place, and the store that reaches their files, which must fit each other.
 *
 * @throws BrokerError `CONFIG_INVALID`, `UNSUPPORTED`
 */
export function resolveCatalog(
  config: IcebergConfig,
  dataDir: string,
  at: ToPath,
): Pick<StorageSettings, 'catalog' | 'warehouse' | 'objectStore'> {
  const { catalog: keys = {} } = config;
  const type = keys.type ?? 'sql';
  if (type === 'glue') {
    throw unsupported(
      `${CATALOG}.type`,
      'the glue catalog is not supported by this version; use "rest", or "sql", the embedded catalog',
    );
  }
  const place = resolveWarehouse(config, type, at);
  if (type === 'rest') {
    refuseKeys(keys, ['name', 'database'], type);
    const objectStore = resolveObjectStore(config, place, at);
    if (keys.access_delegation !== undefined) checkVending(objectStore);
    const catalog = restCatalogOf(keys, keys.warehouse ?? config.warehouse);
    return { catalog, warehouse: place?.location, objectStore };
  }
  refuseKeys(keys, ['database', ...REST_KEYS], type);
  const tables = place ?? defaultPlace(config, dataDir);
  const objectStore = resolveObjectStore(config, tables, at);
  const warehouse = tables.location;
  const file = catalogFileOf(keys.uri, dataDir, at);
  return { catalog: { kind: 'sql', file, name: keys.name ?? 'danube', warehouse }, warehouse, objectStore };
}

function checkVending(store: ObjectStoreSettings): void {
  const key = `${CATALOG}.access_delegation`;
  if (store.kind !== 's3') throw contradiction(key, 'expected it with the s3 object store alone');
  if (store.credentials !== undefined)
    throw contradiction(key, `expected it without ${ICEBERG_KEY}.object_store.access_key_id`);
}

function refuseKeys(keys: CatalogKeys, names: readonly (keyof CatalogKeys)[], type: string): void {
  for (const name of names) {
    if (keys[name] !== undefined)
      throw contradiction(`${CATALOG}.${name}`, `this key has no meaning for the ${type} catalog`);
  }
}

function catalogFileOf(uri: string | undefined, dataDir: string, at: ToPath): string {
  if (uri === undefined) return join(dataDir, 'catalog.db');
  // As SQLAlchemy and PyIceberg write it: three slashes, then the path; four make it absolute.
  const match = /^sqlite:\/\/\/(.+)$/.exec(uri);
  if (match === null) throw contradiction(`${CATALOG}.uri`, 'expected sqlite:///FILE for the sql catalog');
  return at(match[1]!);
}

function restCatalogOf(keys: CatalogKeys, warehouse: string | undefined): RestCatalogSettings {
  const { uri, prefix, headers = {}, access_delegation: accessDelegation } = keys;
  const auth = authOf(keys);
  const own = Object.keys(headers).find((name) => name.toLowerCase() === 'authorization');
  if (own !== undefined && (auth.kind === 'bearer' || auth.kind === 'oauth2'))
    throw contradiction(`${CATALOG}.headers.${own}`, 'expected it alone: token and credential say the same');
  return {
    kind: 'rest',
    uri: checkedUri(uri, 'uri', 'http://localhost:8181'),
    ...(warehouse !== undefined && { warehouse }),
    ...(prefix !== undefined && { prefix }),
    headers,
    auth,
    ...(accessDelegation !== undefined && { accessDelegation }),
  };
}

/** One proof of who calls, complete. */
function authOf(keys: CatalogKeys): CatalogAuthSettings {
  const { token, credential, scope, signing_region: region, signing_name: service } = keys;
  const proofs = (['token', 'credential', 'signing_region'] as const).filter(
    (key) => keys[key] !== undefined,
  );
  if (proofs.length > 1) throw contradiction(`${CATALOG}.${proofs[0]}`, `expected it without ${proofs[1]}`);
  requires(keys, 'oauth2_server_uri', 'credential');
  requires(keys, 'scope', 'credential');
  requires(keys, 'signing_name', 'signing_region');
  requires(keys, 'signing_region', 'signing_name');
  if (token !== undefined) return { kind: 'bearer', token };
  if (region !== undefined && service !== undefined) return { kind: 'sigv4', region, service };
  if (credential === undefined) return { kind: 'none' };
  const serverUri = checkedUri(
    keys.oauth2_server_uri,
    'oauth2_server_uri',
    'https://idp.example.com/oauth2/token',
  );
  return { kind: 'oauth2', serverUri, credential, ...(scope !== undefined && { scope }) };
}

function requires(keys: CatalogKeys, key: keyof CatalogKeys, other: keyof CatalogKeys): void {
  if (keys[key] !== undefined && keys[other] === undefined)
    throw contradiction(`${CATALOG}.${other}`, `expected it beside ${key}`);
}

/** Not repeated when it is refused: it may be refused for the password in it. */
function checkedUri(text: string | undefined, key: 'uri' | 'oauth2_server_uri', example: string): string {
  const uri = text !== undefined && URL.canParse(text) ? new URL(text) : undefined;
  const isPlain =
    uri !== undefined &&
    /^https?:$/.test(uri.protocol) &&
    [uri.username, uri.password, uri.hash, key === 'uri' ? uri.search : ''].every((part) => part === '');
  if (isPlain) return text as string;
  const without = key === 'uri' ? 'user name, query and fragment' : 'user name and fragment';
  throw contradiction(
    `${CATALOG}.${key}`,
    `expected an http or https URI such as ${example}, without ${without}`,
  );
}
