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

/** The settings for one file: those of the table, under those of the credential with the longest prefix of it. */
export function storageConfigFor(access: StorageAccess, location: string): Readonly<Record<string, string>> {
  let best: StorageCredential | undefined;
  for (const credential of access.credentials) {
    if (!location.startsWith(credential.prefix)) continue;
    if (best === undefined || credential.prefix.length > best.prefix.length) best = credential;
  }
  return { ...access.config, ...best?.config };
}
