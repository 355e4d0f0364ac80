import {
  IcebergError,
  JsonFields,
  type JsonObject,
  type TableIdentifier,
  tableMetadataFromJson,
} from '@danube/iceberg';
import type { RestLoadedTable, SnapshotsLoaded } from './rest-catalog.ts';
import type { RestReply } from './rest-request.ts';
import type { StorageAccess, StorageCredential } from './storage-access.ts';

/** Reads a reply that holds a table: of a load, a creation or a commit. */
export function readTable(
  { json }: RestReply,
  identifier: TableIdentifier,
  snapshots: SnapshotsLoaded = 'all',
): RestLoadedTable {
  const what = `reply for ${[...identifier.namespace, identifier.name].join('.')}`;
  const fields = new JsonFields(json ?? null, what);
  const metadataLocation = fields.string('metadata-location');
  const metadata = tableMetadataFromJson(fields.raw('metadata') ?? null, metadataLocation);
  return { identifier: copyOf(identifier), metadataLocation, metadata, snapshots };
}

/** Reads the metadata of a table that is only staged. */
export function readStagedTable({ json }: RestReply, identifier: TableIdentifier): RestLoadedTable {
  const fields = new JsonFields(json ?? null, `reply for the staged table ${identifier.name}`);
  const metadataLocation = fields.optionalString('metadata-location') ?? '';
  const metadata = tableMetadataFromJson(fields.raw('metadata') ?? null, 'staged metadata');
  return { identifier: copyOf(identifier), metadataLocation, metadata, snapshots: 'all' };
}

/** Reads how the files of a loaded table are reached. Its errors do not quote the reply. */
export function readStorageAccess(reply: RestReply): StorageAccess {
  return unquoted(() => {
    const fields = new JsonFields(reply.json ?? null, 'reply');
    const { location } = tableMetadataFromJson(fields.raw('metadata') ?? null, 'metadata of the reply');
    return { location, config: fields.stringMap('config'), credentials: readCredentialList(fields) };
  });
}

/** Reads a reply of the credentials endpoint. Its errors do not quote the reply. */
export function readCredentials(reply: RestReply): readonly StorageCredential[] {
  return unquoted(() => readCredentialList(new JsonFields(reply.json ?? null, 'reply')));
}

function readCredentialList(fields: JsonFields): readonly StorageCredential[] {
  const read = (credential: JsonFields) => ({
    prefix: credential.string('prefix'),
    config: credential.stringMap('config'),
  });
  return fields.optionalObjects('storage-credentials', read) ?? [];
}

function unquoted<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    const field = IcebergError.is(error) ? (error.context as JsonObject)['field'] : undefined;
    const at = typeof field === 'string' && field !== '' ? ` at ${field}` : '';
    throw new IcebergError('INVALID_METADATA', `the reply with credentials breaks the specification${at}`);
  }
}

/** So that who asked cannot change what is kept. */
export function copyOf({ namespace, name }: TableIdentifier): TableIdentifier {
  return { namespace: [...namespace], name };
}
