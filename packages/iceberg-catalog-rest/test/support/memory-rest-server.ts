import type { ServerResponse } from 'node:http';
import {
  applyCommit,
  type Catalog,
  createMemoryCatalog,
  createTableMetadata,
  type FileIO,
  IcebergError,
  type JsonObject,
  type JsonValue,
  type LoadedTable,
  type Namespace,
  newMetadataLocation,
  parseJson,
  stringifyJson,
  type TableIdentifier,
  type TableMetadata,
  type TableUpdate,
  tableMetadataToJson,
  tableRequirementFromJson,
  tableUpdateFromJson,
  writeTableMetadata,
} from '@danube/iceberg';
import {
  type Answer,
  type ReceivedRequest,
  type ScriptedServer,
  startScriptedServer,
} from './scripted-server.ts';

/** How a {@link startMemoryRestServer} differs from the plainest server. */
export interface MemoryServerOptions {
  readonly io: FileIO;
  /** Said to the client in the configuration. */
  readonly config?: {
    readonly overrides?: Readonly<Record<string, string>>;
    readonly [more: string]: unknown;
  };
  /** Entries per page of a listing, for clients that ask for pages. */
  readonly pageSize?: number;
  /** Asked before each request: true if it has answered, and the server shall do nothing. */
  readonly before?: (request: ReceivedRequest, response: ServerResponse) => boolean | Promise<boolean>;
  /** Asked when a request was carried out, before it is answered: true if it has answered itself. */
  readonly after?: (request: ReceivedRequest, response: ServerResponse) => boolean | Promise<boolean>;
}

/** A REST catalog on loopback, with the memory catalog behind it. */
export interface MemoryRestServer extends ScriptedServer {
  /** What the server has, with no client between. */
  readonly catalog: Catalog;
}

const statuses: Readonly<Record<string, readonly [number, string]>> = {
  TABLE_NOT_FOUND: [404, 'NoSuchTableException'],
  NAMESPACE_NOT_FOUND: [404, 'NoSuchNamespaceException'],
  ALREADY_EXISTS: [409, 'AlreadyExistsException'],
  NAMESPACE_NOT_EMPTY: [409, 'NamespaceNotEmptyException'],
  COMMIT_CONFLICT: [409, 'CommitFailedException'],
  INVALID_ARGUMENT: [400, 'BadRequestException'],
  INVALID_METADATA: [400, 'ValidationException'],
  UNSUPPORTED_FORMAT_VERSION: [400, 'BadRequestException'],
  IO_ERROR: [500, 'RuntimeIOException'],
};

/** Starts one; `/v1/config` says `namespace-separator` %2E unless told otherwise, as Apache's does. */
export async function startMemoryRestServer(options: MemoryServerOptions): Promise<MemoryRestServer> {
  const { io, config = {}, before, after } = options;
  const catalog = createMemoryCatalog({ io, warehouse: 'mem://warehouse' });
  const overrides = { 'namespace-separator': '%2E', ...config.overrides };
  const handler = new Handler(catalog, io, overrides['namespace-separator'], options.pageSize);
  const answer: Answer = async (request, response) => {
    if (await before?.(request, response)) return;
    const result = await handler.handle(request).catch((error: unknown) => {
      const known = IcebergError.is(error) ? statuses[error.code] : undefined;
      const [status, type] = known ?? [500, 'ServerErrorException'];
      return { status, body: { error: { message: String(error), type, code: status } } } satisfies Result;
    });
    if (await after?.(request, response)) return;
    const { status, body, etag } = result as Result;
    response.writeHead(status, { 'content-type': 'application/json', ...(etag !== undefined && { etag }) });
    response.end(body === undefined || request.method === 'HEAD' ? undefined : stringifyJson(body));
  };
  const server = await startScriptedServer(answer, { defaults: {}, ...config, overrides });
  return Object.assign(server, { catalog });
}

interface Result {
  readonly status: number;
  readonly body?: object;
  readonly etag?: string;
}

class Handler {
  readonly #catalog: Catalog;
  readonly #io: FileIO;
  readonly #separator: string;
  readonly #pageSize: number | undefined;
  readonly #staged = new Map<string, TableMetadata>();

  constructor(catalog: Catalog, io: FileIO, separator: string, pageSize: number | undefined) {
    this.#catalog = catalog;
    this.#io = io;
    this.#separator = separator;
    this.#pageSize = pageSize;
  }

  async handle(request: ReceivedRequest): Promise<Result> {
    const url = new URL(request.target, 'http://server');
    const [kind = '', name, collection, table] = url.pathname.replace(/^\/v1\//, '').split('/');
    const body = request.body === '' ? {} : (parseJson(request.body) as JsonObject);
    if (kind === 'tables') return this.#rename(body);
    if (kind === 'transactions') return this.#commitAll(body);
    if (name === undefined) return this.#namespaces(request.method, url, body);
    const namespace = name.split(this.#separator).map(decodeURIComponent);
    if (collection === undefined) return this.#namespace(request.method, namespace);
    if (collection === 'properties') return this.#properties(namespace, body);
    if (collection === 'register') return this.#register(namespace, body);
    if (table === undefined) return this.#tables(request.method, url, namespace, body);
    return this.#table(request, url, { namespace, name: decodeURIComponent(table) }, body);
  }

  async #namespaces(method: string, url: URL, body: JsonObject): Promise<Result> {
    if (method === 'POST') {
      await this.#catalog.createNamespace(
        body['namespace'] as Namespace,
        body['properties'] as Record<string, string>,
      );
      return { status: 200, body };
    }
    const parent = url.searchParams.get('parent')?.split(decodeURIComponent(this.#separator));
    return this.#page(url, 'namespaces', await this.#catalog.listNamespaces(parent));
  }

  async #namespace(method: string, namespace: Namespace): Promise<Result> {
    if (method === 'DELETE') return this.#done(this.#catalog.dropNamespace(namespace));
    const properties = await this.#catalog.loadNamespaceProperties(namespace);
    return { status: method === 'HEAD' ? 204 : 200, body: { namespace, properties } };
  }

  async #properties(namespace: Namespace, body: JsonObject): Promise<Result> {
    const change = body as unknown as Parameters<Catalog['updateNamespaceProperties']>[1];
    return { status: 200, body: await this.#catalog.updateNamespaceProperties(namespace, change) };
  }

  async #register(namespace: Namespace, body: JsonObject): Promise<Result> {
    const identifier = { namespace, name: body['name'] as string };
    return loaded(await this.#catalog.registerTable(identifier, body['metadata-location'] as string));
  }

  async #tables(method: string, url: URL, namespace: Namespace, body: JsonObject): Promise<Result> {
    if (method === 'GET') return this.#page(url, 'identifiers', await this.#catalog.listTables(namespace));
    const identifier = { namespace, name: body['name'] as string };
    const schema = updateOf('add-schema', { schema: body['schema'] ?? null }).schema;
    const options = {
      schema,
      ...(body['partition-spec'] !== undefined && {
        partitionSpec: updateOf('add-spec', { spec: body['partition-spec'] }).spec,
      }),
      ...(body['write-order'] !== undefined && {
        sortOrder: updateOf('add-sort-order', { 'sort-order': body['write-order'] }).sortOrder,
      }),
      ...(body['location'] !== undefined && { location: body['location'] as string }),
      properties: body['properties'] as Record<string, string>,
    };
    if (body['stage-create'] !== true) return loaded(await this.#catalog.createTable(identifier, options));
    if (await this.#catalog.tableExists(identifier))
      throw new IcebergError('ALREADY_EXISTS', identifier.name);
    const metadata = createTableMetadata({
      location: `mem://warehouse/staged-${this.#staged.size}`,
      ...options,
    });
    this.#staged.set(metadata.tableUuid, metadata);
    return { status: 200, body: { metadata: tableMetadataToJson(metadata) } };
  }

  async #table(
    request: ReceivedRequest,
    url: URL,
    identifier: TableIdentifier,
    body: JsonObject,
  ): Promise<Result> {
    switch (request.method) {
      case 'DELETE': {
        const purge = url.searchParams.get('purgeRequested') === 'true';
        return this.#done(this.#catalog.dropTable(identifier, { purge }));
      }
      case 'POST':
        return loaded(await this.#commit(identifier, body));
      default: {
        const refs = url.searchParams.get('snapshots') === 'refs';
        const table = await this.#catalog.loadTable(identifier);
        const result = loaded(refs ? withoutHistory(table) : table, refs ? 'refs' : 'all');
        if (request.method === 'HEAD') return { status: 204 };
        return request.headers['if-none-match'] === result.etag ? { status: 304 } : result;
      }
    }
  }

  async #commit(identifier: TableIdentifier, body: JsonObject): Promise<LoadedTable> {
    const requirements = (body['requirements'] as JsonValue[]).map((value) =>
      tableRequirementFromJson(value),
    );
    const updates = (body['updates'] as JsonValue[]).map((value) => tableUpdateFromJson(value));
    const isCreation = requirements.some(({ type }) => type === 'assert-create');
    if (isCreation && !(await this.#catalog.tableExists(identifier)))
      return this.#create(identifier, updates);
    return this.#catalog.commitTable(identifier, { requirements, updates });
  }

  async #create(identifier: TableIdentifier, updates: readonly TableUpdate[]): Promise<LoadedTable> {
    const uuid = updates.find((update) => update.action === 'assign-uuid')?.uuid ?? '';
    const base = this.#staged.get(uuid);
    if (base === undefined) throw new IcebergError('INVALID_ARGUMENT', 'no such staged table');
    const metadata = applyCommit(base, { requirements: [], updates });
    const location = newMetadataLocation(metadata);
    await writeTableMetadata(this.#io, metadata, location);
    return this.#catalog.registerTable(identifier, location);
  }

  /** All or none: the memory catalog has no such commit, so each is tried on a copy first. */
  async #commitAll(body: JsonObject): Promise<Result> {
    const changes = body['table-changes'] as unknown as (JsonObject & { identifier: TableIdentifier })[];
    for (const change of changes) {
      const { metadata } = await this.#catalog.loadTable(change.identifier);
      applyCommit(metadata, {
        requirements: (change['requirements'] as JsonValue[]).map((value) => tableRequirementFromJson(value)),
        updates: (change['updates'] as JsonValue[]).map((value) => tableUpdateFromJson(value)),
      });
    }
    for (const change of changes) await this.#commit(change.identifier, change);
    return { status: 204 };
  }

  async #rename(body: JsonObject): Promise<Result> {
    const { source, destination } = body as unknown as Record<'source' | 'destination', TableIdentifier>;
    return this.#done(this.#catalog.renameTable(source, destination));
  }

  async #done(change: Promise<void>): Promise<Result> {
    await change;
    return { status: 204 };
  }

  #page(url: URL, key: string, all: readonly unknown[]): Result {
    const token = url.searchParams.get('pageToken');
    if (token === null || this.#pageSize === undefined) {
      return { status: 200, body: { [key]: all, 'next-page-token': null } };
    }
    const start = Number(token);
    const end = start + this.#pageSize;
    return {
      status: 200,
      body: { [key]: all.slice(start, end), 'next-page-token': end < all.length ? String(end) : null },
    };
  }
}

function updateOf<A extends TableUpdate['action']>(
  action: A,
  members: JsonObject,
): Extract<TableUpdate, { action: A }> {
  return tableUpdateFromJson({ action, ...members }) as Extract<TableUpdate, { action: A }>;
}

function loaded({ metadataLocation, metadata }: LoadedTable, mode = 'all'): Result {
  const body = { 'metadata-location': metadataLocation, metadata: tableMetadataToJson(metadata), config: {} };
  return { status: 200, body, etag: `"${mode}-${metadataLocation}"` };
}

function withoutHistory(table: LoadedTable): LoadedTable {
  const pointed = new Set(Object.values(table.metadata.refs).map((ref) => ref.snapshotId));
  const snapshots = table.metadata.snapshots.filter(({ snapshotId }) => pointed.has(snapshotId));
  return { ...table, metadata: { ...table.metadata, snapshots } };
}
