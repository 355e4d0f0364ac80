// A broker whose catalog is a server of Iceberg's REST protocol, over real sockets.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, DispatchStrategy, ProducerRequestSchema } from '@danube/client/protocol';
import { createFileIO, createMemoryObjectStore } from '@danube/objectstore';
import type { TopicStats } from '@danube/storage';
import { status } from '@grpc/grpc-js';
import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import type { Broker } from '../src/broker.ts';
import { table } from '../src/commands/table.ts';
import { BrokerError } from '../src/errors.ts';
import { onCleanUp, temporaryDirectory, until } from './support/clean-up.ts';
import { clientOf, rawClient, startTestBroker } from './support/harness.ts';
import { MemoryStorage } from './support/memory-storage.ts';
import { startRestServer } from './support/rest-catalog-server.ts';
import { startS3Server } from './support/s3-server.ts';

vi.setConfig({ testTimeout: 120_000 });

const TOPIC = '/default/my-orders';
const PENDING = 'Not everything is committed';
const SECRET = 'hunter2-s3cr3t-token';

/** The configuration of a broker at that server. */
const at = (server: { uri: string; tables: string }, keys: object = {}) => ({
  storage: {
    iceberg_config: {
      catalog: { type: 'rest', uri: server.uri, ...keys },
      object_store: { type: 'local', root: server.tables },
      flush: { max_age_ms: 100 },
    },
  },
});

/** A log of everything, as text. */
function recordingLogger() {
  const lines: string[] = [];
  const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
  return { logger, text: () => lines.join('') };
}

/** All that an error says, its causes too. */
function everything(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { context } = error as { context?: unknown };
  return `${error.stack} ${JSON.stringify({ ...error, context })} ${everything(error.cause)}`;
}

/** What the command `table` prints. */
async function tableOutput(dataDir: string, config: object): Promise<string> {
  const file = join(temporaryDirectory(), 'broker.yml');
  writeFileSync(file, JSON.stringify(config)); // JSON is YAML.
  const lines: string[] = [];
  const terminal = { out: (line: string) => void lines.push(line), err: () => {}, interactive: false };
  expect(await table(TOPIC, { configFile: file, dataDir }, terminal, {})).toBe(0);
  return lines.join('\n');
}

async function publish(broker: Broker, messages: number): Promise<void> {
  const client = clientOf(broker);
  const producer = await client.createProducer({ topic: TOPIC, name: 'p', dispatch: 'reliable' });
  for (let i = 0; i < messages; i += 1) await producer.send(Buffer.from(`${i}`));
  await client.close();
}

async function refusalOf(start: Promise<unknown>): Promise<BrokerError> {
  const error = await start.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!BrokerError.is(error)) throw new Error(`no refusal: ${String(error)}`);
  return error;
}

test('messages are rows of a table that the server made where it wants; a restart goes on', async () => {
  const server = await startRestServer({ dir: temporaryDirectory(), token: SECRET, warehouse: 'analytics' });
  const config = at(server, { token: SECRET, warehouse: 'analytics', headers: { 'X-Tenant': 'me' } });
  const dataDir = temporaryDirectory();
  const { logger, text } = recordingLogger();
  for (const _run of [1, 2]) {
    const broker = await startTestBroker(dataDir, config, { logger });
    await publish(broker, 5);
    for (const path of ['/metrics', '/readyz', '/healthz'])
      expect(await (await fetch(`${broker.httpUrl}${path}`)).text()).not.toContain(SECRET);
    await broker.stop();
  }
  expect(server.headers).toMatchObject({ authorization: `Bearer ${SECRET}`, 'x-tenant': 'me' });
  const before = server.calls.length;
  const out = await tableOutput(dataDir, config);
  expect(out).toContain(`${TOPIC} is the table default.my_orders: 10 rows`);
  expect(out).toContain(`iceberg_scan('file://${server.tables}/default`);
  // One table, not all that a shared catalog has.
  expect(server.calls.slice(before)).toEqual(['GET config', 'GET namespaces/default/tables/my_orders']);
  expect(text()).not.toContain(PENDING);
  expect(text() + out).not.toContain(SECRET);
});

test('a broker that stops and could not commit everything says so', async () => {
  const storage = new MemoryStorage();
  const topic = (unflushedBytes: number) => ({ topic: TOPIC, unflushedBytes }) as TopicStats;
  const stats = () => ({ ...MemoryStorage.prototype.stats(), topics: [topic(0), topic(7), topic(8)] });
  const openStorage = async () => Object.assign(storage.asStorage(), { stats });
  const { logger, text } = recordingLogger();
  const broker = await startTestBroker(temporaryDirectory(), {}, { logger, openStorage });
  expect(text()).not.toContain(PENDING);
  await broker.stop();
  expect(text()).toContain(`"topics":2,"bytes":15,"msg":"${PENDING}`);
});

test('OAuth2 client credentials: the token of the token endpoint is what the catalog is shown', async () => {
  const server = await startRestServer({
    dir: temporaryDirectory(),
    token: 'by-oauth2',
    credential: `me:${SECRET}`,
  });
  const oauth2_server_uri = `${server.uri}/token`;
  const { logger, text } = recordingLogger();
  const config = at(server, { credential: `me:${SECRET}`, oauth2_server_uri });
  await startTestBroker(temporaryDirectory(), config, { logger });
  expect(server.headers.authorization).toBe('Bearer by-oauth2');
  const wrong = at(server, { credential: `you:${SECRET}`, oauth2_server_uri });
  const error = await refusalOf(startTestBroker(temporaryDirectory(), wrong, { logger }));
  expect(error.sentence).toContain('ACCESS_DENIED');
  expect(error.sentence).toContain('invalid_client');
  expect(text() + everything(error)).not.toContain(SECRET);
});

test('a token endpoint that is away is a catalog that is away', async () => {
  const gone = await startRestServer({ dir: temporaryDirectory() });
  await gone.close();
  const server = await startRestServer({ dir: temporaryDirectory(), token: 'by-oauth2' });
  const config = at(server, { credential: `me:${SECRET}`, oauth2_server_uri: `${gone.uri}/token` });
  const { logger, text } = recordingLogger();
  await startTestBroker(temporaryDirectory(), config, { logger });
  expect(text()).toContain('Token endpoint of the catalog: retry');
  expect(text()).toContain('The catalog does not answer; commits wait until it does');
  expect(text()).not.toContain(SECRET);
  expect(server.calls).toEqual([]);
});

test('Signature Version 4: signed by the keys of the AWS credential chain', async () => {
  onCleanUp(() => void vi.unstubAllEnvs());
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', SECRET);
  const server = await startRestServer({ dir: temporaryDirectory() });
  const config = at(server, { signing_region: 'eu-central-1', signing_name: 'glue' });
  await startTestBroker(temporaryDirectory(), config);
  const scope = `AKIDEXAMPLE/\\d{8}/eu-central-1/glue/aws4_request`;
  expect(server.headers.authorization).toMatch(new RegExp(`^AWS4-HMAC-SHA256 Credential=${scope}, `));
  expect(JSON.stringify(server.headers)).not.toContain(SECRET);
});

test('vended credentials: files are reached by the keys that the catalog gives, and no others', async () => {
  const store = createMemoryObjectStore();
  const s3 = await startS3Server('lake', store);
  const server = await startRestServer({
    dir: temporaryDirectory(),
    elsewhere: {
      warehouse: 's3://lake/w',
      io: createFileIO({ store, baseUri: 's3://lake' }),
      config: {
        's3.endpoint': s3.endpoint,
        's3.path-style-access': 'true',
        's3.access-key-id': 'VENDED',
        's3.secret-access-key': SECRET,
      },
    },
  });
  const catalog = {
    type: 'rest',
    uri: server.uri,
    access_delegation: 'vended-credentials',
    warehouse: 's3://lake/w',
  };
  const config = { storage: { iceberg_config: { catalog, flush: { max_age_ms: 100 } } } };
  const { logger, text } = recordingLogger();
  const dataDir = temporaryDirectory();
  const broker = await startTestBroker(dataDir, config, { logger });
  expect(s3.requests).toEqual([]); // Nothing is checked with keys that the broker may not have.
  await publish(broker, 5);
  await broker.storage.flush(TOPIC);
  const offsets: number[] = [];
  for await (const batch of broker.storage.topic(TOPIC)!.read({ from: 0 }))
    offsets.push(...batch.map(({ offset }) => offset));
  expect(offsets).toEqual([0, 1, 2, 3, 4]);
  await broker.stop();
  expect(server.headers['x-iceberg-access-delegation']).toBe('vended-credentials');
  expect(s3.requests.some(({ method, path }) => method === 'PUT' && path.endsWith('.parquet'))).toBe(true);
  expect(new Set(s3.requests.map(({ accessKeyId }) => accessKeyId))).toEqual(new Set(['VENDED']));
  expect(text()).not.toContain(SECRET);
});

test.each([
  ['a wrong token', { token: 'right' }, { token: SECRET }, 'ACCESS_DENIED'],
  ['a user without rights', { refusing: 403 }, { token: SECRET }, 'ACCESS_DENIED'],
  ['an unknown warehouse', { warehouse: 'other' }, { warehouse: 'analytics' }, 'no warehouse analytics'],
  ['a header that the client sets itself', {}, { headers: { Host: SECRET } }, 'INVALID_ARGUMENT'],
])('%s keeps the broker from starting, and is said in one line', async (_what, server, keys, reason) => {
  const { logger, text } = recordingLogger();
  const running = await startRestServer({ dir: temporaryDirectory(), ...server });
  const error = await refusalOf(startTestBroker(temporaryDirectory(), at(running, keys), { logger }));
  expect(error.code).toBe('CATALOG_UNUSABLE');
  expect(error.sentence).toContain(`The catalog ${running.uri} cannot be used: `);
  expect(error.sentence).toContain(reason);
  expect(error.sentence).not.toContain('\n');
  expect(text() + everything(error)).not.toContain(SECRET);
});

test('a server that is no catalog keeps the broker from starting', async () => {
  const running = await startRestServer({ dir: temporaryDirectory() });
  const config = at({ ...running, uri: `${running.uri}/elsewhere` });
  expect((await refusalOf(startTestBroker(temporaryDirectory(), config))).code).toBe('CATALOG_UNUSABLE');
});

test('while the catalog is away a broker starts and acknowledges; when it is back the rows are in the table', async () => {
  const [dir, dataDir] = [temporaryDirectory(), temporaryDirectory()];
  const before = await startRestServer({ dir });
  const { port } = before;
  const config = at(before);
  const first = await startTestBroker(dataDir, config);
  await publish(first, 5);
  await first.stop();
  await before.close();

  const { logger, text } = recordingLogger();
  const broker = await startTestBroker(dataDir, config, { logger });
  expect(text()).toContain('The catalog does not answer; commits wait until it does');
  expect(text()).toContain('Catalog: retry');
  const readiness = await fetch(`${broker.httpUrl}/readyz`);
  expect([readiness.status, await readiness.json()]).toEqual([
    200,
    { ok: true, phase: 'ready', stoppedTopics: [] },
  ]);
  await publish(broker, 5);
  const created = rawClient(broker).producer.createProducer(
    create(ProducerRequestSchema, {
      requestId: 1n,
      producerName: 'p',
      topicName: '/default/another',
      dispatchStrategy: DispatchStrategy.Reliable,
    }),
  );
  await expect(created).rejects.toMatchObject({ code: status.UNAVAILABLE });

  await startRestServer({ dir, port });
  await until('all is committed', () => broker.storage.stats().topics[0]?.committedThrough === 9);
  expect(await tableOutput(dataDir, config)).toContain('10 rows');
  await publish(broker, 1);
  await broker.stop(); // Before the server goes.
});

test('a catalog that never answers neither keeps a broker from starting nor from stopping', async () => {
  const server = await startRestServer({ dir: temporaryDirectory(), hangs: true });
  const startedMs = Date.now();
  const broker = await startTestBroker(temporaryDirectory(), at(server));
  await broker.stop();
  expect(Date.now() - startedMs).toBeLessThan(25_000); // One attempt alone takes 30 s.
});
