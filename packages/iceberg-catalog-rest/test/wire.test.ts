// What can go wrong below the messages of the protocol: a change is never reported as something that it may not be.
import { createTableMetadata, stringifyJson, tableMetadataToJson } from '@danube/iceberg';
import { expect, test } from 'vitest';
import { openRestCatalog } from '../src/index.ts';
import { orders, outcome, schema, scripted } from './support/open-catalog.ts';
import { json } from './support/scripted-server.ts';
import { startWireServer, type WireAnswer, wireReply } from './support/wire-server.ts';

const metadata = tableMetadataToJson(createTableMetadata({ schema, location: 's3://b/t' }));
const table = stringifyJson({ 'metadata-location': 's3://b/t/metadata/1.json', metadata });
const request = { requirements: [], updates: [{ action: 'set-properties', updates: { a: 'b' } }] } as const;

const chunk = `${Buffer.byteLength(table).toString(16)}\r\n${table}\r\n`;
const write =
  (text: string): WireAnswer =>
  (socket) =>
    void socket.write(text);
const end =
  (text: string): WireAnswer =>
  (socket) =>
    void socket.end(text);
/** A byte now and then, longer than anybody waits; the first ones at once. */
const slowly =
  (text: string, atOnce = 0): WireAnswer =>
  (socket) => {
    const bytes = [text.slice(0, atOnce), ...text.slice(atOnce)];
    const timer = setInterval(() => socket.write(bytes.shift() ?? ''), 20);
    socket.on('close', () => clearInterval(timer));
  };

const lost = 'COMMIT_STATE_UNKNOWN';
const notDone = 'CATALOG_UNAVAILABLE';

test.each<[string, WireAnswer, commit: string, transaction: string]>([
  ['a whole reply', write(wireReply('200 OK', table)), 'table', 'done'],
  [
    'a whole reply in a chunk',
    write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunk}0\r\n\r\n`),
    'table',
    'done',
  ],
  ['one that goes on to the end of the connection', end(`HTTP/1.0 200 OK\r\n\r\n${table}`), 'table', 'done'],
  [
    'one after an early hint',
    write(`HTTP/1.1 103 Early Hints\r\n\r\n${wireReply('200 OK', table)}`),
    'table',
    'done',
  ],
  ['two replies', write(wireReply('200 OK', table) + wireReply('200 OK', '{}')), 'table', 'done'],
  [
    'a body cut off by the end of the connection',
    end(`HTTP/1.0 200 OK\r\n\r\n${table.slice(0, 99)}`),
    lost,
    lost,
  ],
  ['a body shorter than it says', end(`HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n${table}`), lost, lost],
  ['a body longer than it says', write(`HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n${table}`), lost, lost],
  ['no last chunk', end(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunk}`), lost, lost],
  [
    'two lengths',
    write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n${chunk}0\r\n\r\n`),
    lost,
    lost,
  ],
  ['a compression that is none', write(wireReply('200 OK', table, 'content-encoding: gzip\r\n')), lost, lost],
  [
    'a compression that nobody asked for',
    write(wireReply('200 OK', '\x0b\x02', 'content-encoding: br\r\n')),
    lost,
    lost,
  ],
  ['a head that is too long', write(wireReply('200 OK', table, `a: ${'a'.repeat(99_999)}\r\n`)), lost, lost],
  ['a slow head', slowly(wireReply('200 OK', table)), lost, lost],
  ['a slow body', slowly(wireReply('200 OK', table), 60), lost, lost],
  ['a status of work under way, and no other', write('HTTP/1.1 102 Processing\r\n\r\n'), lost, lost],
  [
    'another protocol',
    write('HTTP/1.1 101 Switching Protocols\r\nupgrade: a\r\nconnection: upgrade\r\n\r\n'),
    lost,
    lost,
  ],
  ['something that is not HTTP', write('220 mail.example.com\r\n\r\n'), lost, lost],
  ['a reset', (socket) => void socket.resetAndDestroy(), lost, lost],
  ['the end of the connection', end(''), lost, lost],
  ['a status that there is not', write(wireReply('600 What')), lost, lost],
  ['202: the work has not begun, perhaps', write(wireReply('202 Accepted')), lost, lost],
  [
    '303: it is done, says the standard',
    write(wireReply('303 See Other', '', 'location: /done\r\n')),
    lost,
    lost,
  ],
  [
    '307: it has to be sent elsewhere',
    write(wireReply('307 Temporary Redirect', '', 'location: /\r\n')),
    notDone,
    notDone,
  ],
])('a commit that is answered with %s', async (name, answer, commit, transaction) => {
  await using server = await startWireServer(answer);
  const resilience = {
    // Short only for what never comes: a busy machine is slow, too.
    timeoutMs: /slow|under way/.test(name) ? 300 : 5000,
    retry: { maxAttempts: 2, initialDelayMs: 1, maxDelayMs: 2 },
    breaker: false,
  } as const;
  await using catalog = await openRestCatalog({ uri: server.uri, resilience });
  const one = await outcome(catalog.commitTable(orders, request));
  expect(typeof one === 'string' ? one : 'table').toBe(commit);
  expect(await outcome(catalog.commitTransaction([{ identifier: orders, ...request }]))).toBe(transaction);
  // Each was sent once, and no connection is left that was given up.
  expect(server.requests).toHaveLength(2);
  await expect.poll(() => server.openCount).toBeLessThanOrEqual(2);
});

test('a connection that ends just as a commit goes out: what is not unknown is what the server saw', async () => {
  await using server = await startWireServer((socket) => {
    socket.write(wireReply('200 OK', table));
    setTimeout(() => socket.destroy(), Math.random() * 3);
  });
  await using catalog = await openRestCatalog({ uri: server.uri, resilience: { breaker: false } });
  for (let round = 0; round < 100; round += 1) {
    const before = server.requests.length;
    const result = await outcome(catalog.commitTable(orders, request));
    const arrived = server.requests.length - before;
    if (typeof result !== 'string') expect(arrived).toBe(1);
    else if (result !== lost) expect(arrived, result).toBe(0);
    await new Promise((done) => setTimeout(done, Math.random() * 4));
  }
});

test('calls beyond the connections wait unsent, and the time limit of their attempts does not run', async () => {
  await using server = await startWireServer((socket) => {
    setTimeout(() => socket.write(wireReply('200 OK', table)), 300);
  });
  const resilience = { timeoutMs: 1400, retry: { maxAttempts: 1 } } as const;
  await using catalog = await openRestCatalog({ uri: server.uri, maxConnections: 1, resilience });
  const commits = Array.from({ length: 5 }, () => outcome(catalog.commitTable(orders, request)));
  expect((await Promise.all(commits)).filter((result) => typeof result === 'string')).toEqual([]);
});

test('a commit that comes no further than a connection was not sent, however short the time of an attempt', async () => {
  // It listens, and never shakes hands.
  await using silent = await startWireServer(() => {});
  const config = { overrides: { uri: silent.uri.replace('http:', 'https:') } };
  const resilience = { timeoutMs: 1400, retry: { maxAttempts: 1 } } as const;
  await using at = await scripted(json(200, {}), { resilience }, config);
  expect(await outcome(at.catalog.commitTable(orders, request))).toBe(notDone);
});
