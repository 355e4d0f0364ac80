/** What the server gave for the files under one location. Secrets: keep it out of logs. */
export interface StorageCredential {
  /** Locations that begin with this are reached by it; of several the longest counts. */
  readonly prefix: string;
  /** `s3.access-key-id` and the like. */
  readonly config: Readonly<Record<string, string>>;
}

/** How the server lets a client reach the files of one table. Secrets: keep it out of logs. */
export interface StorageAccess {
  /** Location of the table. */
  readonly location: string;
  /** `config` of the server's reply: settings of the store, and credentials where no own ones are given. */
  readonly config: Readonly<Record<string, string>>;
  readonly credentials: readonly StorageCredential[];
}

/** Key, secret and session token belong together: of two sources they would be keys of nobody. */
const s3Keys = [
  's3.access-key-id',
  's3.secret-access-key',
  's3.session-token',
  's3.session-token-expires-at-ms',
];

/**
 * The settings for one file: those of the table, under those of the credential with the longest prefix of it. Keys for S3
 * come whole from the one or the other.
 */
export function storageConfigFor(access: StorageAccess, location: string): Readonly<Record<string, string>> {
  const best = credentialFor(access, location);
  if (best === undefined) return access.config;
  const ownKeys = s3Keys.some((name) => best.config[name] !== undefined);
  const config = Object.entries(access.config).filter(([name]) => !ownKeys || !s3Keys.includes(name));
  return { ...Object.fromEntries(config), ...best.config };
}

/** Of the credentials that fit, the one with the longest prefix of the location. */
export function credentialFor(
  { credentials }: Pick<StorageAccess, 'credentials'>,
  location: string,
  fits: (credential: StorageCredential) => boolean = () => true,
): StorageCredential | undefined {
  const lengthOf = ({ prefix }: StorageCredential) => plainScheme(prefix).length;
  return credentials
    .filter((credential) => plainScheme(location).startsWith(plainScheme(credential.prefix)))
    .filter(fits)
    .reduce<StorageCredential | undefined>(
      (best, next) => (best === undefined || lengthOf(next) > lengthOf(best) ? next : best),
      undefined,
    );
}

/** Hadoop's names of schemes mean the same bucket. */
function plainScheme(location: string): string {
  return location.replace(/^s3[an]:\/\//, 's3://');
}
