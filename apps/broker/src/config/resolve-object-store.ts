import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { localBaseUri } from '@danube/objectstore';
import { contradiction, unsupported } from './config-errors.ts';
import { ICEBERG_KEY, type IcebergConfig } from './config-schema.ts';
import type { ObjectStoreSettings } from './settings.ts';

/** The tables' place and the store that holds it. */
export interface ResolvedObjectStore {
  readonly warehouse: string;
  readonly objectStore: ObjectStoreSettings;
}

type ObjectStoreKeys = NonNullable<IcebergConfig['object_store']>;
type ToPath = (path: string) => string;

const STORE = `${ICEBERG_KEY}.object_store`;
const S3_KEYS = [
  'bucket',
  'region',
  'endpoint',
  'path_style',
  'access_key_id',
  'secret_access_key',
  'session_token',
] as const;

/** A bucket, and segments of which none is empty or made of dots; nothing that could be taken for a query. */
const S3_LOCATION = /^s3[an]?:\/\/[^/?#@\\]+(?:\/(?!\.{1,2}(?:\/|$))[^/?#\\]+)*$/;

/**
 * The store and the warehouse, which must fit each other. Without `object_store.type` the warehouse's location decides.
 *
 * @throws BrokerError `CONFIG_INVALID`, `UNSUPPORTED`
 */
export function resolveObjectStore(config: IcebergConfig, dataDir: string, at: ToPath): ResolvedObjectStore {
  const { object_store: keys = {} } = config;
  if (keys.type === 'memory') {
    throw unsupported(
      `${STORE}.type`,
      'tables in memory would be gone after a restart while the catalog still names them; use "local" or "s3"',
    );
  }
  const warehouse = warehouseOf(config, at);
  const onS3 = keys.type === 's3' || (keys.type === undefined && warehouse?.location.startsWith('s3'));
  return onS3 ? s3Store(keys, warehouse) : localStore(keys, warehouse, dataDir, at);
}

interface Warehouse {
  readonly key: string;
  /** Without a slash at its end. */
  readonly location: string;
}

function localStore(
  keys: ObjectStoreKeys,
  warehouse: Warehouse | undefined,
  dataDir: string,
  at: ToPath,
): ResolvedObjectStore {
  for (const key of S3_KEYS) {
    if (keys[key] !== undefined)
      throw contradiction(`${STORE}.${key}`, 'this key has no meaning for the local object store');
  }
  const location = warehouse?.location ?? localBaseUri(join(dataDir, 'warehouse'));
  if (!location.startsWith('file://')) {
    throw contradiction(
      warehouse?.key ?? ICEBERG_KEY,
      'expected a directory or a file:/// URI for the local object store',
    );
  }
  const dir = location.slice('file://'.length) || '/';
  const root = keys.root === undefined ? dir : directoryOf(keys.root, `${STORE}.root`, at);
  if (relative(root, dir).startsWith('..')) {
    throw contradiction(`${STORE}.root`, 'expected a directory that holds the warehouse');
  }
  return { warehouse: location, objectStore: { kind: 'local', root } };
}

function s3Store(keys: ObjectStoreKeys, warehouse: Warehouse | undefined): ResolvedObjectStore {
  if (keys.root !== undefined)
    throw contradiction(`${STORE}.root`, 'this key has no meaning for the s3 object store');
  const named =
    warehouse?.location ?? (keys.bucket === undefined ? undefined : `s3://${keys.bucket}/warehouse`);
  if (named === undefined) {
    throw contradiction(
      `${STORE}.bucket`,
      `expected a bucket, or ${ICEBERG_KEY}.warehouse with an s3:// location`,
    );
  }
  if (!S3_LOCATION.test(named)) {
    throw contradiction(warehouse?.key ?? `${STORE}.bucket`, 'expected s3://BUCKET or s3://BUCKET/PREFIX');
  }
  const { region, endpoint } = keys;
  if (endpoint !== undefined && !/^https?:\/\/[^\s/?#@]+\/?$/.test(endpoint)) {
    throw contradiction(`${STORE}.endpoint`, 'expected a URL such as http://localhost:9000');
  }
  const credentials = credentialsOf(keys);
  return {
    warehouse: named,
    objectStore: {
      kind: 's3',
      ...(region !== undefined && { region }),
      ...(endpoint !== undefined && { endpoint }),
      pathStyle: keys.path_style ?? endpoint !== undefined,
      ...(credentials !== undefined && { credentials }),
    },
  };
}

function credentialsOf(keys: ObjectStoreKeys) {
  const {
    access_key_id: accessKeyId,
    secret_access_key: secretAccessKey,
    session_token: sessionToken,
  } = keys;
  if (accessKeyId === undefined && secretAccessKey === undefined && sessionToken === undefined)
    return undefined;
  for (const [key, value] of [
    ['access_key_id', accessKeyId],
    ['secret_access_key', secretAccessKey],
  ] as const) {
    if (value === undefined)
      throw contradiction(`${STORE}.${key}`, 'expected it beside the other credentials');
  }
  return {
    accessKeyId: accessKeyId!,
    secretAccessKey: secretAccessKey!,
    ...(sessionToken !== undefined && { sessionToken }),
  };
}

/** The plan names the warehouse in two places; they contradict each other only if they mean different ones. */
function warehouseOf(config: IcebergConfig, at: ToPath): Warehouse | undefined {
  const places = [
    [`${ICEBERG_KEY}.warehouse`, config.warehouse],
    [`${ICEBERG_KEY}.catalog.warehouse`, config.catalog?.warehouse],
  ] as const;
  const [first, second] = places.flatMap(([key, text]) =>
    text === undefined ? [] : [{ key, location: locationOf(text, key, at) }],
  );
  if (first !== undefined && second !== undefined && first.location !== second.location) {
    throw contradiction(first.key, `expected the same place as ${second.key}, or only one of the two`);
  }
  return first;
}

/** A directory, a `file:` URI or an `s3:` location as a location without a slash at its end. */
function locationOf(text: string, key: string, at: ToPath): string {
  const scheme = schemeOf(text);
  if (scheme === 's3' || scheme === 's3a' || scheme === 's3n') {
    return `${scheme}${text.slice(scheme.length)}`.replace(/\/+$/, '');
  }
  return localBaseUri(directoryOf(text, key, at));
}

/** A path or a `file:` URI as an absolute path. */
function directoryOf(text: string, key: string, at: ToPath): string {
  const scheme = schemeOf(text);
  if (scheme === undefined) return at(text);
  if (scheme !== 'file') {
    throw unsupported(
      key,
      `a ${/^[a-z0-9]{1,10}$/.test(scheme) ? scheme : 'foreign'}:// location needs an object store this version does not have; use a directory, a file:// URI or s3://`,
    );
  }
  try {
    return at(fileURLToPath(text));
  } catch {
    throw contradiction(key, 'expected a directory or a file:/// URI'); // The cause would repeat the value.
  }
}

function schemeOf(text: string): string | undefined {
  return /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
}
