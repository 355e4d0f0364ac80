import { gzipSync } from 'node:zlib';
import { prepareAppend, stringifyJson, tableMetadataToJson } from '@danube/iceberg';
import { describe, expect, test } from 'vitest';
import { storageConfigFor } from '../src/index.ts';
import { invoices, orders, outcome, schema, scripted, working } from './support/open-catalog.ts';
import { type Answer, inTurn, json, type ReceivedRequest } from './support/scripted-server.ts';

describe('listings', () => {
  const table = (name: string) => ({ namespace: ['shop'], name });

  test('have all pages, in their order, and say how long pages shall be', async () => {
    const pages = inTurn(
      json(200, { identifiers: [table('a'), table('b')], 'next-page-token': 'p 2' }),
      json(200, { identifiers: [], 'next-page-token': 'p3' }),
      json(200, { identifiers: [table('c')] }),
    );
    await using at = await scripted(pages, { pageSize: 2 });
    expect((await at.catalog.listTables(['shop'])).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect(at.server.requests.map(({ target }) => target.replace(/.*\?/, ''))).toEqual([
      'pageToken=&pageSize=2',
      'pageToken=p%202&pageSize=2',
      'pageToken=p3&pageSize=2',
    ]);
  });

  test('that go round in circles end', async () => {
    await using at = await scripted(json(200, { namespaces: [['a']], 'next-page-token': 'again' }));
    expect(await outcome(at.catalog.listNamespaces())).toBe('INVALID_METADATA');
  });

  test('that are none are INVALID_METADATA', async () => {
    await using at = await scripted(json(200, { namespaces: ['a'] }));
    expect(await outcome(at.catalog.listNamespaces())).toBe('INVALID_METADATA');
  });
});

describe('a table that is loaded again', () => {
  const loads = (requests: readonly ReceivedRequest[]) =>
    requests.filter(({ method }) => method === 'GET').map(({ headers }) => headers['if-none-match']);

  test('is not sent again while it is the same, and is when it is another one', async () => {
    await using at = await working();
    const created = await at.catalog.createTable(orders, { schema });
    const first = await at.catalog.loadTable(orders);
    expect(first.metadata).toBe(created.metadata);
    await at.server.catalog.commitTable(orders, {
      requirements: [],
      updates: [{ action: 'set-properties', updates: { a: 'b' } }],
    });
    expect((await at.catalog.loadTable(orders)).metadata.properties).toEqual({ a: 'b' });
    const tag = loads(at.server.requests)[0];
    expect(tag).toMatch(/^"all-/);
    expect(loads(at.server.requests)).toEqual([tag, tag]);
  });

  test('is another one after a drop, under the same name', async () => {
    await using at = await working();
    const first = await at.catalog.createTable(orders, { schema });
    await at.server.catalog.dropTable(orders);
    expect(await outcome(at.catalog.loadTable(orders))).toBe('TABLE_NOT_FOUND');
    await at.server.catalog.createTable(orders, { schema });
    expect((await at.catalog.loadTable(orders)).metadata.tableUuid).not.toBe(first.metadata.tableUuid);
  });

  test('is asked for by its tag only among the tables used last', async () => {
    await using at = await working({}, { cachedTables: 1 });
    await at.catalog.createTable(orders, { schema });
    await at.catalog.createTable(invoices, { schema });
    await at.catalog.loadTable(invoices);
    await at.catalog.loadTable(orders);
    expect(loads(at.server.requests).map((tag) => tag !== undefined)).toEqual([true, false]);
  });

  test('has all snapshots, unless only those of refs are asked for, which says so', async () => {
    await using at = await working();
    await at.server.catalog.createTable(orders, { schema });
    for (let i = 0; i < 3; i += 1) {
      const base = await at.catalog.loadTable(orders);
      const { request } = await prepareAppend({ base, io: at.io, dataFiles: [] });
      await at.catalog.commitTable(orders, request);
    }
    const refs = await at.catalog.loadTable(orders, { snapshots: 'refs' });
    expect([refs.snapshots, refs.metadata.snapshots.length]).toEqual(['refs', 1]);
    const all = await at.catalog.loadTable(orders);
    expect([all.snapshots, all.metadata.snapshots.length]).toEqual(['all', 3]);
    expect((await at.catalog.loadTable(orders, { snapshots: 'refs' })).metadata).toBe(refs.metadata);
  });

  test.each(['', '"表"', '"a b"'])(
    'is asked for without a tag that cannot be sent back (%j)',
    async (etag) => {
      await using at = await working({
        after: async (request, response) => {
          if (request.method !== 'GET') return false;
          const { metadata, metadataLocation } = await at.server.catalog.loadTable(orders);
          const body = { 'metadata-location': metadataLocation, metadata: tableMetadataToJson(metadata) };
          // As bytes: Node.js sends no such header by itself.
          const text = stringifyJson(body);
          response.socket?.end(
            `HTTP/1.1 200 OK\r\netag: ${etag}\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
          );
          return true;
        },
      });
      await at.server.catalog.createTable(orders, { schema });
      for (let i = 0; i < 2; i += 1) await at.catalog.loadTable(orders);
      expect(loads(at.server.requests)).toEqual([undefined, undefined]);
    },
  );

  test('keeps 64-bit ids, there and back', async () => {
    await using at = await working();
    const base = await at.catalog.createTable(orders, { schema });
    const snapshotId = 2n ** 62n + 1n;
    const { request } = await prepareAppend({ base, io: at.io, dataFiles: [], snapshotId });
    await at.catalog.commitTable(orders, request);
    expect(at.server.requests.at(-1)!.body).toContain('"snapshot-id":4611686018427387905');
    expect((await at.server.catalog.loadTable(orders)).metadata.currentSnapshotId).toBe(snapshotId);
    await using fresh = await working();
    expect(fresh.catalog).not.toBe(at.catalog);
    expect((await at.catalog.loadTable(orders)).metadata.currentSnapshotId).toBe(snapshotId);
  });
});

test('replies may be compressed; one that grows beyond the limit is refused', async () => {
  const zipped = (text: string) => gzipSync(text);
  await using at = await scripted(
    inTurn(
      (_, response) => {
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(zipped('{"namespaces":[["a"]]}'));
      },
      (_, response) => {
        response
          .writeHead(200, { 'content-encoding': 'gzip' })
          .end(zipped(`{"namespaces":[["${'a'.repeat(4000)}"]]}`));
      },
    ),
    { maxReplyBytes: 2048 },
  );
  expect(await at.catalog.listNamespaces()).toEqual([['a']]);
  expect(at.server.requests[0]!.headers['accept-encoding']).toBe('gzip');
  const tooLong = await at.catalog.listNamespaces().catch((error: unknown) => error);
  expect(tooLong).toMatchObject({ code: 'CATALOG_UNAVAILABLE', retryable: false });
  expect(String(tooLong)).toContain('maxReplyBytes');
  // It would be as long the next time.
  expect(at.server.requests).toHaveLength(2);
});

test('a reply that is too long says nothing against the server: other calls go on', async () => {
  const long = json(200, { namespaces: [['a'.repeat(4000)]] });
  const answer: Answer = (request, response) =>
    (request.target.includes('/tables') ? json(200, { identifiers: [] }) : long)(request, response);
  const breaker = { opensAfter: { kind: 'consecutive', failures: 2 } } as const;
  await using at = await scripted(answer, { maxReplyBytes: 2048, resilience: { breaker } });
  for (let i = 0; i < 4; i += 1) await outcome(at.catalog.listNamespaces());
  expect(await at.catalog.listTables(['a'])).toEqual([]);
});

test('storage access is what the server gave just now, and the longest prefix counts', async () => {
  await using at = await working(
    {
      after: async (request, response) => {
        if (request.method !== 'GET') return false;
        expect(request.headers['x-iceberg-access-delegation']).toBe('vended-credentials');
        expect(request.headers['if-none-match']).toBeUndefined();
        const { metadata, metadataLocation } = await at.server.catalog.loadTable(orders);
        const credentials = [
          { prefix: 's3://b/', config: { key: 'b' } },
          { prefix: 's3://b/t/', config: { key: 't' } },
        ];
        const body = {
          'metadata-location': metadataLocation,
          metadata: tableMetadataToJson(metadata),
          config: { 'client.region': 'r', key: 'config' },
          'storage-credentials': credentials,
        };
        response.writeHead(200, { 'content-type': 'application/json', etag: '"1"' }).end(stringifyJson(body));
        return true;
      },
    },
    { accessDelegation: ['vended-credentials'] },
  );
  const { metadata } = await at.server.catalog.createTable(orders, { schema });
  for (let i = 0; i < 2; i += 1) {
    const access = await at.catalog.storageAccess(orders);
    expect(access.location).toBe(metadata.location);
    expect(storageConfigFor(access, 's3://b/t/x').key).toBe('t');
    expect(storageConfigFor(access, 's3://b/x')).toEqual({ 'client.region': 'r', key: 'b' });
    expect(storageConfigFor(access, 's3://c/x').key).toBe('config');
  }
});
