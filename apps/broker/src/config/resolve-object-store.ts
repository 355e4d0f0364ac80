import { join, relative } from 'node:path';
import { localBaseUri } from '@danube/objectstore';
import { contradiction, unsupported } from './config-errors.ts';
import { ICEBERG_KEY, type IcebergConfig } from './config-schema.ts';
import { directoryOf, type Place, type ToPath } from './resolve-warehouse.ts';
import type { ObjectStoreSettings } from './settings.ts';

type ObjectStoreKeys = NonNullable<IcebergConfig['object_store']>;

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

/** Where a catalog that places the tables itself puts them if nothing else is said. @throws BrokerError `CONFIG_INVALID` */
export function defaultPlace({ object_store: keys = {} }: IcebergConfig, dataDir: string): Place {
  if (keys.type !== 's3') return { key: ICEBERG_KEY, location: localBaseUri(join(dataDir, 'warehouse')) };
  if (keys.bucket !== undefined) return { key: `${STORE}.bucket`, location: `s3://${keys.bucket}/warehouse` };
  throw contradiction(
    `${STORE}.bucket`,
    `expected a bucket, or ${ICEBERG_KEY}.warehouse with an s3:// location`,
  );
}

/**
 * The store, which must fit the tables' place. Without `object_store.type` the place decides; where only the catalog's
 * server knows it, a `root` does, else it is S3.
 *
 * @throws BrokerError `CONFIG_INVALID`, `UNSUPPORTED`
 */
export function resolveObjectStore(
  { object_store: keys = {} }: IcebergConfig,
  place: Place | undefined,
  at: ToPath,
): ObjectStoreSettings {
  switch (keys.type ?? fittingType(keys, place)) {
    case 'memory':
      throw unsupported(
        `${STORE}.type`,
        'tables in memory would be gone after a restart while the catalog still names them; use "local" or "s3"',
      );
    case 's3':
      return s3Store(keys, place);
    default:
      return localStore(keys, place, at);
  }
}

function fittingType({ root }: ObjectStoreKeys, place: Place | undefined): 'local' | 's3' {
  const onS3 = place === undefined ? root === undefined : place.location.startsWith('s3');
  return onS3 ? 's3' : 'local';
}

function localStore(keys: ObjectStoreKeys, place: Place | undefined, at: ToPath): ObjectStoreSettings {
  for (const key of S3_KEYS) {
    if (keys[key] !== undefined)
      throw contradiction(`${STORE}.${key}`, 'this key has no meaning for the local object store');
  }
  if (place !== undefined && !place.location.startsWith('file://'))
    throw contradiction(place.key, 'expected a directory or a file:/// URI for the local object store');
  const dir = place === undefined ? undefined : place.location.slice('file://'.length) || '/';
  const root = keys.root === undefined ? dir : directoryOf(keys.root, `${STORE}.root`, at);
  if (root === undefined) {
    throw contradiction(
      `${STORE}.root`,
      `expected a directory that holds the tables, or ${ICEBERG_KEY}.warehouse with one`,
    );
  }
  if (dir !== undefined && relative(root, dir).startsWith('..'))
    throw contradiction(`${STORE}.root`, 'expected a directory that holds the warehouse');
  return { kind: 'local', root };
}

function s3Store(keys: ObjectStoreKeys, place: Place | undefined): ObjectStoreSettings {
  if (keys.root !== undefined)
    throw contradiction(`${STORE}.root`, 'this key has no meaning for the s3 object store');
  if (place !== undefined && !S3_LOCATION.test(place.location))
    throw contradiction(place.key, 'expected s3://BUCKET or s3://BUCKET/PREFIX');
  const { region, endpoint } = keys;
  if (endpoint !== undefined && !/^https?:\/\/[^\s/?#@]+\/?$/.test(endpoint)) {
    throw contradiction(`${STORE}.endpoint`, 'expected a URL such as http://localhost:9000');
  }
  const credentials = credentialsOf(keys);
  return {
    kind: 's3',
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    pathStyle: keys.path_style ?? endpoint !== undefined,
    ...(credentials !== undefined && { credentials }),
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
