// Tables on a signing S3 server, reached by nothing but what a REST catalog hands out with them.
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  commitTransaction,
  createMemoryCatalog,
  describeParquetFile,
  fastAppend,
  type LoadedTable,
  scanRows,
  stringifyJson,
  tableMetadataToJson,
} from '../../packages/iceberg/src/index.ts';
import { openRestCatalog } from '../../packages/iceberg-catalog-rest/src/index.ts';
import {
  type ScriptedServer,
  startScriptedServer,
} from '../../packages/iceberg-catalog-rest/test/support/scripted-server.ts';
import { createFileIO, openS3ObjectStore } from '../../packages/objectstore/src/index.ts';
import {
  answerError,
  type Fault,
  openFaultProxy,
} from '../../packages/objectstore/test/support/fault-proxy.ts';
import { createBucket } from '../../packages/objectstore/test/support/s3-client.ts';
import { type S3Server, startVersitygw } from '../../packages/objectstore/test/support/s3-servers.ts';
import { createParquetEncoder } from '../../packages/parquet-writer/src/index.ts';
import { openVendedStore } from './open-vended-store.ts';

const BUCKET = 'danube-vended';
const ROOT = `s3://${BUCKET}/`;
const orders = { namespace: ['db'], name: 'orders' };
const TABLE = 'namespaces/{namespace}/tables/{table}';

let s3: S3Server;
let table: LoadedTable;

beforeAll(async () => {
  s3 = await startVersitygw();
  await createBucket(s3, BUCKET);
  table = await writeTable();
});
afterAll(() => s3?.stop());

/** A table of three rows, written with the server's own keys. */
async function writeTable(): Promise<LoadedTable> {
  const { endpoint, region, accessKeyId, secretAccessKey } = s3;
  const credentials = { accessKeyId, secretAccessKey };
  const store = await openS3ObjectStore({ bucket: BUCKET, endpoint, region, pathStyle: true, credentials });
  const io = createFileIO({ store, baseUri: ROOT });
  const catalog = createMemoryCatalog({ io, warehouse: `${ROOT}warehouse` });
  await catalog.createNamespace(['db']);
  const schema = { fields: [{ id: 1, name: 'id', required: true, type: 'long' }] } as const;
  const { metadata } = await catalog.createTable(orders, { schema });
  const encoder = createParquetEncoder();
  const writer = encoder.open({ fields: schema.fields });
  await writer.write({ rowCount: 3, columns: { id: new BigInt64Array([1n, 2n, 3n]) } });
  const location = `${metadata.location}/data/00000.parquet`;
  await io.writeFile(location, (await writer.finish()).bytes);
  await encoder.close();
  const dataFiles = [await describeParquetFile(io, metadata, location)];
  const done = await commitTransaction({ catalog, identifier: orders, io }, [fastAppend({ dataFiles })]);
  await store.close();
  return done.table;
}

interface Vending {
  /** `config` of the table, beside what says where the server is. */
  readonly config?: Readonly<Record<string, string>>;
  readonly credentials?: readonly {
    readonly prefix: string;
    readonly config: Readonly<Record<string, string>>;
  }[];
  /** What the credentials endpoint gives; without it there is no such endpoint. */
  readonly renewed?: Vending['credentials'];
  /** Where the catalog says that the S3 server is. Default: where it is. */
  readonly endpoint?: string;
}

/** A REST catalog that knows one table, and hands out these keys. */
async function startCatalog({ config, credentials, renewed, endpoint }: Vending): Promise<ScriptedServer> {
  const where = {
    's3.endpoint': endpoint ?? s3.endpoint,
    's3.path-style-access': 'true',
    'client.region': s3.region,
  };
  const load = {
    'metadata-location': table.metadataLocation,
    metadata: tableMetadataToJson(table.metadata),
    config: { ...where, ...config },
    'storage-credentials': credentials ?? [],
  };
  const endpoints = [`GET /v1/{prefix}/${TABLE}`];
  if (renewed !== undefined) endpoints.push(`GET /v1/{prefix}/${TABLE}/credentials`);
  return startScriptedServer(
    ({ target, headers }, response) => {
      const isKnown = /^\/v1\/namespaces\/db\/tables\/orders(\/credentials)?(\?|$)/.test(target);
      const isAsked = headers['x-iceberg-access-delegation'] === 'vended-credentials';
      if (!isKnown || !isAsked) return void response.writeHead(400).end();
      const body = target.includes('/credentials') ? { 'storage-credentials': renewed } : load;
      response.writeHead(200, { 'content-type': 'application/json' }).end(stringifyJson(body));
    },
    { defaults: {}, overrides: {}, endpoints },
  );
}

/** Reads the table as a client does that has no keys of its own. */
async function readBy(vending: Vending): Promise<{ ids: bigint[]; calls: readonly string[] }> {
  await using server = await startCatalog(vending);
  await using catalog = await openRestCatalog({
    uri: server.uri,
    accessDelegation: ['vended-credentials'],
  });
  const store = await openVendedStore(catalog, orders);
  try {
    const io = createFileIO({ store, baseUri: ROOT });
    const { metadata } = await catalog.loadTable(orders);
    const ids: bigint[] = [];
    for await (const row of scanRows(metadata, io)) ids.push(row['id'] as bigint);
    await io.writeFile(`${metadata.location}/data/written-by-vended-keys`, new Uint8Array([1]));
    return { ids: ids.sort(), calls: server.calls.map((call) => call.replace(/.*orders/, '')) };
  } finally {
    await store.close();
  }
}

const good = () => ({
  's3.access-key-id': s3.accessKeyId,
  's3.secret-access-key': s3.secretAccessKey,
});
const wrong = () => ({ ...good(), 's3.secret-access-key': 'withdrawn' });
const rows = [1n, 2n, 3n];

describe('a table on S3 is read and written', () => {
  test('by the keys in the config of the table', async () => {
    expect((await readBy({ config: good() })).ids).toEqual(rows);
  });

  test('by the keys of the longest prefix, though shorter ones and the config have others', async () => {
    const credentials = [
      { prefix: ROOT, config: wrong() },
      { prefix: table.metadata.location, config: good() },
      { prefix: `${ROOT}warehouse`, config: wrong() },
    ];
    expect((await readBy({ config: wrong(), credentials })).ids).toEqual(rows);
  });

  test('by the keys of the credentials endpoint, when the server refuses those of the load', async () => {
    const credentials = [{ prefix: ROOT, config: wrong() }];
    const renewed = [{ prefix: ROOT, config: good() }];
    const { ids, calls } = await readBy({ credentials, renewed });
    expect(ids).toEqual(rows);
    expect(calls.filter((call) => call === '/credentials')).toHaveLength(1);
  });

  test('by the keys of the credentials endpoint, when those of the load have ended', async () => {
    const ended = { ...good(), 's3.session-token-expires-at-ms': String(Date.now() - 1000) };
    const later = { ...good(), 's3.session-token-expires-at-ms': String(Date.now() + 3_600_000) };
    const { ids, calls } = await readBy({
      credentials: [{ prefix: ROOT, config: ended }],
      renewed: [{ prefix: ROOT, config: later }],
    });
    expect(ids).toEqual(rows);
    expect(calls.filter((call) => call === '/credentials')).toHaveLength(1);
  });
});

// What AWS answers when a session has ended, and what a server says that gives no reason.
const ended: readonly (readonly [string, Fault])[] = [
  ['400 ExpiredToken', answerError(400, 'ExpiredToken')],
  ['403 ExpiredToken', answerError(403, 'ExpiredToken')],
  ['400 InvalidToken', answerError(400, 'InvalidToken')],
  ['403 without a word', { kind: 'answer', status: 403 }],
];

describe.each(ended)('keys that S3 says have ended, by %s', (_, fault) => {
  test.each(['first', 'later', 'last'])('are renewed by the catalog, at the %s request', async (which) => {
    const proxy = await openFaultProxy(s3.endpoint);
    onTestFinished(() => proxy.close());
    // The last one writes a file; before it three files are read.
    const met = which === 'last' ? { method: 'PUT' } : { nth: which === 'first' ? 1 : 3 };
    proxy.rule('ended', { ...met, fault });
    const vending = { config: good(), renewed: [{ prefix: ROOT, config: good() }], endpoint: proxy.endpoint };
    const { ids, calls } = await readBy(vending);
    expect(ids).toEqual(rows);
    expect(proxy.fired('ended')).toBe(1);
    expect(calls.filter((call) => call === '/credentials')).toHaveLength(1);
  });
});

test('keys that stay wrong are UNAUTHENTICATED, and are not shown', async () => {
  const credentials = [{ prefix: ROOT, config: wrong() }];
  const error = await readBy({ credentials, renewed: credentials }).then(
    () => undefined,
    (reason: unknown) => reason as Error,
  );
  expect(error).toMatchObject({ code: 'IO_ERROR', cause: { code: 'UNAUTHENTICATED' } });
  expect(`${error?.stack} ${JSON.stringify(error)}`).not.toContain('withdrawn');
});
