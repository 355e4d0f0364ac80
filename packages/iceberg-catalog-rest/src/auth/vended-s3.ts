import { IcebergError, type TableIdentifier } from '@danube/iceberg';
import type { RestCatalog } from '../rest-catalog.ts';
import { credentialFor, type StorageAccess } from '../storage-access.ts';

/** Keys that the server gave for files on S3. Has the shape of `S3VendedCredentials` of `@danube/objectstore`. */
export interface VendedS3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  /** Milliseconds since the epoch. Not there if the server does not say it. */
  readonly expiresAtMs?: number | undefined;
}

/** Where the server says that a table's files are on S3. The names are those of `S3ObjectStoreOptions`. */
export interface VendedS3Settings {
  readonly region?: string;
  readonly endpoint?: string;
  readonly pathStyle?: boolean;
}

/** Where keys come from, after the first ones. */
export interface VendedS3CredentialsOptions {
  /** Is asked for further keys: by its credentials endpoint where it has one, else by a load of the table. */
  readonly catalog: Pick<RestCatalog, 'loadCredentials' | 'storageAccess'>;
  /** The table. */
  readonly identifier: TableIdentifier;
  /** Which files the keys are for. Default: the location of the table. */
  readonly location?: string;
  /** Milliseconds since the epoch, for tests. Default `Date.now`. */
  readonly nowMs?: () => number;
}

/** Keys that end sooner than this are not handed out when others can be had. */
const ABOUT_TO_END_MS = 30_000;

/**
 * The keys of a table for the `credentials` of `openS3ObjectStore`: a function that gives those of `access` first, and
 * asks the server for others whenever it is called again, as the store does before they end and when they are refused.
 * `undefined` if the server gave no keys: the store has to have its own.
 *
 * All parts of a key come from one place: the credential with the longest prefix of the location that has S3 keys, else
 * the table's `config`. The function rejects with `ACCESS_DENIED` if the server gives no keys any more, with
 * `INVALID_METADATA` if they are incomplete, and with whatever the catalog rejects with.
 */
export function vendedS3Credentials(
  access: StorageAccess,
  options: VendedS3CredentialsOptions,
): (() => Promise<VendedS3Credentials>) | undefined {
  const { location = access.location, nowMs = Date.now } = options;
  let first = keysFor(access, location);
  if (first === undefined) return undefined;
  return async () => {
    const given = first;
    first = undefined;
    if (given !== undefined) {
      const credentials = readKeys(given, location);
      if (nowMs() + ABOUT_TO_END_MS < (credentials.expiresAtMs ?? Number.POSITIVE_INFINITY))
        return credentials;
    }
    const keys = await askForKeys(options, location);
    if (keys !== undefined) return readKeys(keys, location);
    throw new IcebergError('ACCESS_DENIED', `the catalog gives no S3 keys for ${location} any more`, {
      context: { location },
    });
  };
}

/** Region, endpoint and path style that the server gave with a table, for `openS3ObjectStore`; empty if it gave none. */
export function vendedS3Settings(access: StorageAccess, location = access.location): VendedS3Settings {
  const config = { ...access.config, ...credentialFor(access, location)?.config };
  const region = config['s3.region'] ?? config['client.region'];
  const endpoint = config['s3.endpoint'];
  const pathStyle = config['s3.path-style-access'];
  return {
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    ...(pathStyle !== undefined && { pathStyle: pathStyle.toLowerCase() === 'true' }),
  };
}

type Config = Readonly<Record<string, string>>;

async function askForKeys(
  { catalog, identifier }: VendedS3CredentialsOptions,
  location: string,
): Promise<Config | undefined> {
  try {
    const credentials = await catalog.loadCredentials(identifier);
    const keys = keysFor({ config: {}, credentials }, location);
    if (keys !== undefined) return keys;
  } catch (error) {
    if (!IcebergError.is(error, 'UNSUPPORTED_FEATURE')) throw error;
  }
  // Servers without that endpoint, and those that have keys in the config of a table alone.
  return keysFor(await catalog.storageAccess(identifier), location);
}

const hasKeys = (config: Config) => config['s3.access-key-id'] !== undefined;

function keysFor(access: Omit<StorageAccess, 'location'>, location: string): Config | undefined {
  const best = credentialFor(access, location, ({ config }) => hasKeys(config))?.config;
  return best ?? (hasKeys(access.config) ? access.config : undefined);
}

function readKeys(config: Config, location: string): VendedS3Credentials {
  const { 's3.access-key-id': accessKeyId, 's3.secret-access-key': secretAccessKey } = config;
  const { 's3.session-token': sessionToken, 's3.session-token-expires-at-ms': expiresAt } = config;
  // Of what it has not, a server may send an empty text.
  const expiresAtMs = expiresAt ? Number(expiresAt) : undefined;
  if (!accessKeyId || !secretAccessKey || Number.isNaN(expiresAtMs)) {
    const text = `the S3 keys that the catalog gave for ${location} lack a part, or end at no time`;
    throw new IcebergError('INVALID_METADATA', text, { context: { location } });
  }
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken && { sessionToken }),
    ...(expiresAtMs !== undefined && { expiresAtMs }),
  };
}
