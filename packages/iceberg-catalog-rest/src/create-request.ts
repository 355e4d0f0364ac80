import {
  type CreateTableOptions,
  createTableMetadata,
  partitionSpecToJson,
  schemaToJson,
  sortOrderToJson,
  type TableIdentifier,
} from '@danube/iceberg';
import type { Caller } from './caller.ts';

/**
 * `INVALID_ARGUMENT` for a name, schema, spec or order that cannot be. Servers answer 500 to some, which would leave open
 * whether there is a table now. Formats that this release does not write are the server's to judge.
 */
export function checkCreation(
  identifier: TableIdentifier,
  options: CreateTableOptions,
  { urls }: Caller,
): void {
  // Checks the name, which is in the body only.
  urls.table(identifier);
  const { 'format-version': formatVersion = '2', ...properties } = options.properties ?? {};
  if (formatVersion !== '2') return;
  createTableMetadata({ ...options, properties, location: options.location ?? 'file:///checked' });
}

/** `CreateTableRequest` of the specification. */
export function createRequestToJson(identifier: TableIdentifier, options: CreateTableOptions): object {
  const { schema, partitionSpec, sortOrder, location, properties } = options;
  return {
    name: identifier.name,
    location,
    schema: schemaToJson({ schemaId: 0, ...schema }),
    ...(partitionSpec !== undefined && {
      'partition-spec': partitionSpecToJson({ specId: 0, ...partitionSpec }),
    }),
    ...(sortOrder !== undefined && { 'write-order': sortOrderToJson(sortOrder) }),
    // What the specification takes for granted; Nessie refuses a request that does not say it.
    'stage-create': false,
    properties: properties ?? {},
  };
}
