import {
  type CommitOptions,
  type CommitRequest,
  type CreateTableOptions,
  currentSchema,
  defaultPartitionSpec,
  defaultSortOrder,
  formatIdentifier,
  IcebergError,
  type TableIdentifier,
  type TableMetadata,
  type TableUpdate,
} from '@danube/iceberg';
import type { Caller } from './caller.ts';
import { type CommitCalls, hasSnapshots } from './commit-calls.ts';
import { checkCreation, createRequestToJson } from './create-request.ts';
import { translating } from './error-mapping.ts';
import type { RestLoadedTable, StagedTable } from './rest-catalog.ts';
import { type Seen, type Settling, settle } from './settle.ts';
import type { TableReads } from './table-reads.ts';
import { copyOf, readStagedTable } from './table-reply.ts';
import { tableSubject } from './table-subject.ts';

/** What staging works with. */
export interface StageContext {
  readonly caller: Caller;
  readonly tables: TableReads;
  readonly commits: CommitCalls;
  readonly settling: Settling;
}

/** Has the server prepare a table; see `RestCatalog.stageTable`. */
export async function stageTable(
  context: StageContext,
  identifier: TableIdentifier,
  options: CreateTableOptions,
): Promise<StagedTable> {
  const { caller, tables } = context;
  checkCreation(identifier, options, caller);
  const base = await translating(tableSubject(identifier), () =>
    caller.send({
      operation: 'stageTable',
      url: caller.urls.namespace(identifier.namespace, 'tables'),
      body: { ...createRequestToJson(identifier, options), 'stage-create': true },
      read: (reply) => readStagedTable(reply, identifier),
    }),
  );
  // Some servers say where the metadata file will be.
  if (base.metadataLocation !== '' && (await tables.exists(identifier))) {
    const message = `the server stages no tables: it made ${formatIdentifier(identifier)} at once`;
    throw new IcebergError('UNSUPPORTED_FEATURE', message, { context: { identifier } });
  }
  return {
    identifier: copyOf(identifier),
    base: { ...base, metadataLocation: '' },
    commit: (changes, commitOptions) => commitStaged(context, base, changes, commitOptions),
  };
}

/** Sending it again is safe: it asserts that there is no table, and the uuid tells whose table there is. */
async function commitStaged(
  { caller, tables, commits, settling }: StageContext,
  { identifier, metadata }: RestLoadedTable,
  changes: CommitRequest = { requirements: [], updates: [] },
  options: CommitOptions = {},
): Promise<RestLoadedTable> {
  const request: CommitRequest = {
    requirements: [{ type: 'assert-create' }],
    updates: [...updatesToCreate(metadata), ...changes.updates],
  };
  const key = caller.newKey(options.idempotencyKey);
  const look = async (): Promise<Seen<RestLoadedTable>> => {
    const found = await tables.find(identifier);
    if (found === undefined) return { kind: 'not-yet' };
    if (found.metadata.tableUuid !== metadata.tableUuid) return { kind: 'refused', error: taken(identifier) };
    // An earlier commit of the staged table may have made it, without the rows of this one.
    const hasRows = hasSnapshots(found.metadata, changes.updates);
    return hasRows ? { kind: 'happened', value: found } : { kind: 'unclear' };
  };
  try {
    const send = () => commits.send(identifier, request, key);
    return await settle({ subject: tableSubject(identifier), send, look }, settling);
  } catch (error) {
    if (!IcebergError.is(error, 'COMMIT_CONFLICT')) throw error;
    // The name is taken: perhaps by an earlier commit of the same table, whose outcome was unknown.
    const seen = await look().catch(() => undefined);
    if (seen?.kind === 'happened') return seen.value;
    throw taken(identifier, error);
  }
}

/** What makes the staged table of nothing. */
function updatesToCreate(metadata: TableMetadata): readonly TableUpdate[] {
  return [
    { action: 'assign-uuid', uuid: metadata.tableUuid },
    { action: 'upgrade-format-version', formatVersion: metadata.formatVersion },
    { action: 'add-schema', schema: currentSchema(metadata), lastColumnId: metadata.lastColumnId },
    { action: 'set-current-schema', schemaId: -1 },
    { action: 'add-spec', spec: defaultPartitionSpec(metadata) },
    { action: 'set-default-spec', specId: -1 },
    { action: 'add-sort-order', sortOrder: defaultSortOrder(metadata) },
    { action: 'set-default-sort-order', sortOrderId: -1 },
    { action: 'set-location', location: metadata.location },
    { action: 'set-properties', updates: metadata.properties },
  ];
}

function taken(identifier: TableIdentifier, cause?: unknown): IcebergError {
  return new IcebergError('ALREADY_EXISTS', `a table ${formatIdentifier(identifier)} was made meanwhile`, {
    context: { identifier },
    cause,
  });
}
