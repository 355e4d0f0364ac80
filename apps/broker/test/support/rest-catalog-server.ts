import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import {
  type FileIO,
  IcebergError,
  type JsonObject,
  type JsonValue,
  type LoadedTable,
  parseJson,
  stringifyJson,
  type TableUpdate,
  tableMetadataToJson,
  tableRequirementFromJson,
  tableUpdateFromJson,
} from '@danube/iceberg';
import { openSqlCatalog } from '@danube/iceberg-catalog-sql';
import { createFileIO, localBaseUri, openLocalObjectStore } from '@danube/objectstore';
import { onCleanUp } from './clean-up.ts';

/** What the server is, and whom it answers. */
export interface RestServerOptions {
  /** Holds the server's `catalog.db` and, in `tables/`, the tables. Another server may go on with it. */
  readonly dir: string;
  /** 0 takes a free one, which is the default. */
  readonly port?: number;
  /** The bearer token that it wants. Default: anybody is answered. */
  readonly token?: string;
  /** `id:secret` to which `POST /token` gives that token. Default: nobody gets one. */
  readonly credential?: string;
  /** The only warehouse that it knows. Default: any. */
  readonly warehouse?: string;
  /** Status of the answer to everybody, such as 403. Default: none. */
  readonly refusing?: number;
  /** Where tables are instead, how the server reaches them, and the `config` that it gives with each. */
  readonly elsewhere?: {
    readonly warehouse: string;
    readonly io: FileIO;
    readonly config: Readonly<Record<string, string>>;
  };
  /** Takes requests and answers none. */
  readonly hangs?: boolean;
}

/** A running server. */
export interface RestServer {
  readonly uri: string;
  readonly port: number;
  /** Directory below which it places tables. */
  readonly tables: string;
  /** As `GET namespaces/default/tables/orders`, in their order. */
  readonly calls: readonly string[];
  /** Headers of the last request. */
  readonly headers: IncomingMessage['headers'];
  close(): Promise<void>;
}

interface Reply {
  readonly status: number;
  readonly body?: object;
}

const statuses: Readonly<Record<string, readonly [number, string]>> = {
  TABLE_NOT_FOUND: [404, 'NoSuchTableException'],
  NAMESPACE_NOT_FOUND: [404, 'NoSuchNamespaceException'],
  ALREADY_EXISTS: [409, 'AlreadyExistsException'],
  COMMIT_CONFLICT: [409, 'CommitFailedException'],
};

/** A REST catalog on loopback with tables in a local directory: as much of the protocol as a broker uses. */
export async function startRestServer(options: RestServerOptions): Promise<RestServer> {
  const tables = join(options.dir, 'tables');
  const store = await openLocalObjectStore({ root: tables });
  const baseUri = localBaseUri(tables);
  const {
    warehouse,
    io,
    config = {},
  } = options.elsewhere ?? { warehouse: baseUri, io: createFileIO({ store, baseUri }) };
  const catalog = await openSqlCatalog({
    file: join(options.dir, 'catalog.db'),
    name: 'rest',
    warehouse,
    io,
  });
  const calls: string[] = [];
  let headers: IncomingMessage['headers'] = {};

  const loaded = ({ metadata, metadataLocation }: LoadedTable): Reply => {
    const body = { 'metadata-location': metadataLocation, metadata: tableMetadataToJson(metadata), config };
    return { status: 200, body };
  };

  const answer = async (request: IncomingMessage, body: JsonObject): Promise<Reply> => {
    const url = new URL(request.url ?? '/', 'http://server');
    if (!url.pathname.startsWith('/v1/')) return { status: 404 };
    headers = request.headers;
    calls.push(`${request.method} ${url.pathname.slice('/v1/'.length)}`);
    const proof = request.headers.authorization;
    if (options.refusing !== undefined)
      return failure(options.refusing, 'ForbiddenException', `not you, ${proof}`);
    if (options.token !== undefined && proof !== `Bearer ${options.token}`)
      return failure(401, 'NotAuthorizedException', `${proof} is not allowed`);
    const [kind, space = '', collection, name] = url.pathname.slice('/v1/'.length).split('/');
    if (kind === 'config') {
      const wanted = url.searchParams.get('warehouse');
      return options.warehouse === undefined || options.warehouse === wanted
        ? { status: 200, body: { defaults: {}, overrides: {} } }
        : failure(404, 'NoSuchWarehouseException', `there is no warehouse ${wanted}`);
    }
    if (request.method === 'GET' && space !== '' && collection === undefined)
      return {
        status: 200,
        body: { namespace: [space], properties: await catalog.loadNamespaceProperties([space]) },
      };
    if (collection === undefined) {
      await catalog.createNamespace(body['namespace'] as string[]);
      return { status: 200, body };
    }
    if (name === undefined) {
      const identifier = { namespace: [space], name: body['name'] as string };
      const { schema } = updateOf('add-schema', { schema: body['schema'] ?? null });
      const { spec: partitionSpec } = updateOf('add-spec', { spec: body['partition-spec'] ?? null });
      const { sortOrder } = updateOf('add-sort-order', { 'sort-order': body['write-order'] ?? null });
      const properties = body['properties'] as Record<string, string>;
      return loaded(await catalog.createTable(identifier, { schema, partitionSpec, sortOrder, properties }));
    }
    const identifier = { namespace: [space], name };
    if (request.method === 'GET') return loaded(await catalog.loadTable(identifier));
    const requirements = (body['requirements'] as JsonValue[]).map((value) =>
      tableRequirementFromJson(value),
    );
    const updates = (body['updates'] as JsonValue[]).map((value) => tableUpdateFromJson(value));
    return loaded(await catalog.commitTable(identifier, { requirements, updates }));
  };

  const server = createServer(async (request, response) => {
    const sent = await text(request);
    if (options.hangs) return;
    if (request.url === '/token') {
      const form = new URLSearchParams(sent);
      const isKnown = `${form.get('client_id')}:${form.get('client_secret')}` === options.credential;
      const reply = isKnown
        ? { access_token: options.token, token_type: 'bearer', expires_in: 3600 }
        : { error: 'invalid_client', error_description: `nobody has ${form.get('client_secret')}` };
      response.writeHead(isKnown ? 200 : 401, { 'content-type': 'application/json' });
      return response.end(JSON.stringify(reply));
    }
    const { status, body } = await answer(request, sent === '' ? {} : (parseJson(sent) as JsonObject)).catch(
      (error: unknown) => {
        const known = IcebergError.is(error) ? statuses[error.code] : undefined;
        return failure(...(known ?? ([500, 'ServerErrorException'] as const)), String(error));
      },
    );
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(body === undefined ? undefined : stringifyJson(body));
  }).listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  let closed: Promise<void> | undefined;
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    await catalog.close();
    await store.close();
  };
  const running: RestServer = {
    uri: `http://127.0.0.1:${port}`,
    port,
    tables,
    calls,
    get headers() {
      return headers;
    },
    close: () => (closed ??= close()),
  };
  onCleanUp(() => running.close());
  return running;
}

function failure(status: number, type: string, message: string): Reply {
  return { status, body: { error: { message, type, code: status } } };
}

function updateOf<A extends TableUpdate['action']>(action: A, members: JsonObject) {
  return tableUpdateFromJson({ action, ...members }) as Extract<TableUpdate, { action: A }>;
}
