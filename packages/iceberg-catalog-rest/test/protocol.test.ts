import { gzipSync } from 'node:zlib';
import { prepareAppend } from '@danube/iceberg';
import { describe, expect, test } from 'vitest';
import { invoices, orders, outcome, schema, scripted, working } from './support/open-catalog.ts';
import {
  failure,
  inTurn,
  json,
  nothing,
  page,
  type ReceivedRequest,
  reset,
} from './support/scripted-server.ts';

const missing = failure(404, 'NoSuchTableException');

describe('the configuration of the server', () => {
  test('its overrides go over what the client says, and that over its defaults', async () => {
    const config = {
      defaults: { a: 'server', b: 'server', prefix: 'default' },
      overrides: { c: 'server', prefix: 'ws/one%2Ftwo' },
    };
    await using at = await scripted(
      json(200, { identifiers: [] }),
      { properties: { b: 'us', c: 'us' }, prefix: 'ours' },
      config,
    );
    expect(at.catalog.properties).toEqual({ a: 'server', b: 'us', c: 'server', prefix: 'ws/one%2Ftwo' });
    await at.catalog.listTables(['a']);
    expect(at.server.calls).toEqual(['GET ws/one%2Ftwo/namespaces/a/tables']);
  });

  test('is asked for the warehouse', async () => {
    let asked = '';
    await using _ = await scripted(nothing, { warehouse: 's3://a b' }, (request, response) => {
      asked = request.target;
      return json(200, {})(request, response);
    });
    expect(asked).toBe('/v1/config?warehouse=s3%3A%2F%2Fa+b');
  });

  test('that knows no such warehouse, or is none, keeps the catalog from opening', async () => {
    const open = (config: Parameters<typeof scripted>[2]) =>
      outcome(scripted(nothing, { warehouse: 'w' }, config));
    expect(await open(failure(404, 'NoSuchWarehouseException'))).toBe('INVALID_ARGUMENT');
    expect(await open(page(404))).toBe('CATALOG_UNAVAILABLE');
    expect(await open(page(200))).toBe('CATALOG_UNAVAILABLE');
    expect(await open(json(200, { defaults: 1 }))).toBe('INVALID_METADATA');
    expect(await open(failure(403, 'ForbiddenException'))).toBe('ACCESS_DENIED');
  });

  test.each([
    [undefined, 'a%20b%1Fc%2Fd'],
    ['%2E', 'a%20b%2Ec%2Fd'],
    ['%00', 'a%20b%00c%2Fd'],
  ])('says what separates levels of a namespace (%s)', async (separator, path) => {
    const overrides = separator === undefined ? {} : { 'namespace-separator': separator };
    await using at = await scripted(nothing, {}, { overrides });
    await at.catalog.namespaceExists(['a b', 'c/d']);
    expect(at.server.calls).toEqual([`GET namespaces/${path}`]);
  });

  test('lists what it offers, in whatever spelling: HEAD is used where it is listed, and what is not is refused', async () => {
    const endpoints = [
      'GET v1/config',
      'HEAD /v1/{prefix}/namespaces/{ns}/tables/{t}',
      'get https://elsewhere.example.com/v1/{prefix}/namespaces/{namespace}',
    ];
    await using at = await scripted(nothing, {}, { endpoints });
    await at.catalog.tableExists(orders);
    await at.catalog.namespaceExists(['shop']);
    expect(at.server.calls).toEqual(['HEAD namespaces/shop/tables/orders', 'GET namespaces/shop']);
    expect(await outcome(at.catalog.dropTable(orders))).toBe('UNSUPPORTED_FEATURE');
    expect(await outcome(at.catalog.renameTable(orders, invoices))).toBe('UNSUPPORTED_FEATURE');
    expect(await outcome(at.catalog.loadCredentials(orders))).toBe('UNSUPPORTED_FEATURE');
    expect(at.server.calls).toHaveLength(2);
  });
});

test('views are not supported', async () => {
  await using at = await scripted(nothing);
  expect(await outcome(at.catalog.loadView(orders))).toBe('UNSUPPORTED_FEATURE');
  expect(await outcome(at.catalog.listViews(['shop']))).toBe('UNSUPPORTED_FEATURE');
});

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
      'pageToken=p+2&pageSize=2',
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
  expect(await outcome(at.catalog.listNamespaces())).toBe('CATALOG_UNAVAILABLE');
});

describe('a name that is not there', () => {
  test('is one that the catalog says so of: a page of a proxy proves nothing', async () => {
    await using at = await scripted(inTurn(missing, page(404), json(404, {}), nothing));
    expect(await at.catalog.tableExists(orders)).toBe(false);
    expect(await outcome(at.catalog.tableExists(orders))).toBe('CATALOG_UNAVAILABLE');
    expect(await outcome(at.catalog.loadTable(orders))).toBe('CATALOG_UNAVAILABLE');
  });

  test('is told by HEAD without a body, but not by a page', async () => {
    const endpoints = ['HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}'];
    const head = inTurn((_, response) => void response.writeHead(404).end(), page(404));
    await using at = await scripted(head, {}, { endpoints });
    expect(await at.catalog.tableExists(orders)).toBe(false);
    expect(await outcome(at.catalog.tableExists(orders))).toBe('CATALOG_UNAVAILABLE');
  });

  test.each([[['.']], [['..']], [['']], [[]], [['\ud800']]])(
    'or cannot be: %j is not sent',
    async (namespace) => {
      await using at = await scripted(nothing);
      expect(await outcome(at.catalog.namespaceExists(namespace))).toBe('INVALID_ARGUMENT');
      expect(await outcome(at.catalog.loadTable({ namespace: ['a'], name: namespace[0] ?? '' }))).toBe(
        'INVALID_ARGUMENT',
      );
      expect(at.server.calls).toEqual([]);
    },
  );
});

test.each([
  [403, 'ForbiddenException', 'ACCESS_DENIED'],
  [401, 'NotAuthorizedException', 'ACCESS_DENIED'],
  [419, 'AuthenticationTimeoutException', 'ACCESS_DENIED'],
  [404, 'NoSuchNamespaceException', 'NAMESPACE_NOT_FOUND'],
  [404, 'EntityNotFoundException', 'NAMESPACE_NOT_FOUND'],
  [409, 'NamespaceNotEmptyException', 'NAMESPACE_NOT_EMPTY'],
  [400, 'NamespaceNotEmptyException', 'NAMESPACE_NOT_EMPTY'],
  [409, 'toString', 'NAMESPACE_NOT_EMPTY'],
  [406, 'UnsupportedOperationException', 'UNSUPPORTED_FEATURE'],
  [501, 'NotImplemented', 'UNSUPPORTED_FEATURE'],
  [400, 'BadRequestException', 'INVALID_ARGUMENT'],
  [422, 'UnprocessableEntityException', 'INVALID_ARGUMENT'],
  [429, 'TooManyRequestsException', 'CATALOG_UNAVAILABLE'],
  [301, 'Moved', 'CATALOG_UNAVAILABLE'],
])('a drop of a namespace refused with %i %s is %s', async (status, type, code) => {
  await using at = await scripted(failure(status, type));
  const error = await at.catalog.dropNamespace(['shop']).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code, context: { namespace: ['shop'], operation: 'dropNamespace', status } });
});

describe('secrets', () => {
  const secret = 'sEcReT-token-0123456789';
  const auth = { authorize: async () => ({ Authorization: `Bearer ${secret}` }) };
  /** Everything of an error that a log may show. */
  const shown = (error: unknown): string => {
    const parts: unknown[] = [];
    for (let at: unknown = error; at instanceof Error; at = at.cause)
      parts.push(at.message, at.stack, { ...at });
    return JSON.stringify(parts);
  };

  test('that a server quotes are not in errors, nor in events', async () => {
    const events: unknown[] = [];
    const quoting = (status: number) => (request: ReceivedRequest, response: Parameters<typeof nothing>[1]) =>
      json(status, {
        error: { message: `got ${JSON.stringify(request.headers)}`, type: 'Quoting', code: status },
      })(request, response);
    await using at = await scripted(inTurn(quoting(503), quoting(400)), {
      auth,
      headers: { 'X-Api-Key': 'another-secret-42' },
      onEvent: (event) => events.push(event),
    });
    const error = await at.catalog.listNamespaces().catch((caught: unknown) => caught);
    expect(at.server.requests[0]!.headers).toMatchObject({
      authorization: `Bearer ${secret}`,
      'x-api-key': 'another-secret-42',
    });
    expect(events.length).toBeGreaterThan(0);
    const text = shown(error) + events.map((event) => shown((event as { error?: unknown }).error)).join();
    expect(text).toContain('Quoting');
    expect(text).not.toContain(secret);
    expect(text).not.toContain('another-secret');
  });

  test('that a server vends are not in the errors of a reply that cannot be read', async () => {
    const broken = (body: string) => (_: unknown, response: Parameters<typeof nothing>[1]) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(body);
    };
    await using at = await scripted(
      inTurn(
        broken(`{"storage-credentials":[{"prefix":"s3://a","config":"${secret}"}]}`),
        broken(`{"storage-credentials":[{"config":{"s3.secret-access-key":"${secret}"},`),
      ),
      { resilience: { retry: { maxAttempts: 1 } } },
      { endpoints: ['GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials'] },
    );
    for (const code of ['INVALID_METADATA', 'CATALOG_UNAVAILABLE']) {
      const error = await at.catalog.loadCredentials(orders).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code });
      expect(shown(error)).not.toContain(secret);
    }
  });

  test('in options that are refused are not shown', async () => {
    const refusals = [
      scripted(nothing, { uri: `http://user:${secret}@127.0.0.1/` }),
      scripted(nothing, { uri: `http://127.0.0.1/?token=${secret}` }),
      scripted(nothing, { headers: { 'x-key': `${secret}\n` } }),
    ];
    for (const refusal of refusals) {
      const error = await refusal.catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
      expect(shown(error)).not.toContain(secret);
    }
  });
});

describe('proof of the caller', () => {
  test('is asked for again, once, when the server refuses it; a commit refused so did not happen', async () => {
    let token = 1;
    const renewals: number[] = [];
    const auth = {
      authorize: async () => ({ Authorization: `token-${token}` }),
      renew: async () => {
        renewals.push(token);
        token += 1;
        return true;
      },
    };
    await using at = await scripted(
      inTurn(
        failure(419, 'AuthenticationTimeoutException'),
        failure(409, 'CommitFailedException'),
        failure(401, 'X'),
      ),
      { auth },
    );
    const request = { requirements: [], updates: [] };
    expect(await outcome(at.catalog.commitTable(orders, request))).toBe('COMMIT_CONFLICT');
    expect(at.server.requests.map(({ headers }) => headers.authorization)).toEqual(['token-1', 'token-2']);
    expect(await outcome(at.catalog.commitTable(orders, request))).toBe('ACCESS_DENIED');
    expect(renewals).toEqual([1, 2]);
  });

  test('that cannot be had ends the call with its own error, and nothing is sent', async () => {
    const { IcebergError } = await import('@danube/iceberg');
    let fails = false;
    const auth = {
      authorize: async () => {
        if (fails) throw new IcebergError('ACCESS_DENIED', 'the identity provider says no');
        return {};
      },
    };
    await using at = await scripted(nothing, { auth });
    fails = true;
    expect(await outcome(at.catalog.commitTable(orders, { requirements: [], updates: [] }))).toBe(
      'ACCESS_DENIED',
    );
    expect(at.server.calls).toEqual([]);
  });
});

describe('closing', () => {
  test('ends waits between attempts, and keeps later calls from beginning', async () => {
    const at = await scripted(reset, {
      resilience: { retry: { initialDelayMs: 60_000, maxDelayMs: 60_000, jitter: 'half' } },
    });
    const listing = outcome(at.catalog.listNamespaces());
    while (at.server.requests.length === 0) await new Promise((done) => setTimeout(done, 5));
    await new Promise((done) => setTimeout(done, 50));
    await at.catalog.close();
    expect(await listing).toBe('CATALOG_UNAVAILABLE');
    expect(await outcome(at.catalog.listNamespaces())).toBe('CATALOG_UNAVAILABLE');
    await at.server.close();
  });

  test('waits for what is under way, and then closes the proof of the caller', async () => {
    const order: string[] = [];
    const auth = { authorize: async () => ({}), close: async () => void order.push('auth closed') };
    const slow = async (request: ReceivedRequest, response: Parameters<typeof nothing>[1]) => {
      await new Promise((done) => setTimeout(done, 100));
      await json(200, { namespaces: [] })(request, response);
    };
    const at = await scripted(slow, { auth });
    const listing = at.catalog.listNamespaces().then(() => order.push('listed'));
    while (at.server.requests.length === 0) await new Promise((done) => setTimeout(done, 5));
    await at.catalog.close();
    await listing;
    expect(order).toEqual(['listed', 'auth closed']);
    await at.server.close();
  });
});

test('storage access is what the server gave just now, and the longest prefix counts', async () => {
  const { storageConfigFor } = await import('../src/index.ts');
  await using at = await working(
    {
      after: async (request, response) => {
        if (request.method !== 'GET') return false;
        expect(request.headers['x-iceberg-access-delegation']).toBe('vended-credentials');
        expect(request.headers['if-none-match']).toBeUndefined();
        const { tableMetadataToJson, stringifyJson } = await import('@danube/iceberg');
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
