import {
  createTableMetadata,
  IcebergError,
  prepareAppend,
  stringifyJson,
  tableMetadataToJson,
  uuidV7,
} from '@danube/iceberg';
import { describe, expect, test } from 'vitest';
import type { RestCatalog } from '../src/index.ts';
import { invoices, orders, outcome, quick, schema, working } from './support/open-catalog.ts';
import { type Answer, failure, page, type ReceivedRequest, reset } from './support/scripted-server.ts';

type Hook = NonNullable<Parameters<typeof working>[0]>['before'];

const isCreate = ({ method, target }: ReceivedRequest) =>
  method === 'POST' && target === '/v1/namespaces/shop/tables';
const isCommit = ({ method, target }: ReceivedRequest) =>
  method === 'POST' && /\/tables\/orders$/.test(target);
const isDrop = ({ method }: ReceivedRequest) => method === 'DELETE';
const isRename = ({ target }: ReceivedRequest) => target === '/v1/tables/rename';
const isRegister = ({ target }: ReceivedRequest) => target.endsWith('/register');
const isMakeNamespace = ({ method, target }: ReceivedRequest) =>
  method === 'POST' && target === '/v1/namespaces';

/** Answers the first `times` of the requests; the server does, or did, as the hook says. */
function first(
  times: number,
  which: (request: ReceivedRequest) => boolean,
  answer: Answer,
): NonNullable<Hook> {
  let left = times;
  return async (request, response) => {
    if (left === 0 || !which(request)) return false;
    left -= 1;
    await answer(request, response);
    return true;
  };
}

const comeBack = failure(503, 'ServiceUnavailableException', { 'retry-after': '0' });

async function appendTo(catalog: RestCatalog, io: Parameters<typeof prepareAppend>[0]['io']) {
  const base = await catalog.loadTable(orders);
  return prepareAppend({ base, io, dataFiles: [] });
}

describe('a commit', () => {
  test.each<[string, Answer]>([
    ['a reset', reset],
    ['500', failure(500, 'InternalServerError')],
    ['502 with a page', page(502)],
    ['503', failure(503, 'ServiceUnavailableException')],
    ['504', failure(504, 'GatewayTimeout')],
    ['408', failure(408, 'RequestTimeout')],
    // Polaris, until July 2026.
    ['400 that says that it is unknown', failure(400, 'CommitStateUnknownException')],
    ['200 with a page', page(200)],
    [
      '200 with half a body',
      (_, response) => void response.writeHead(200).end('{"metadata-location":"x","meta'),
    ],
    ['200 with another body', (_, response) => void response.writeHead(200).end('{}')],
    ['200 with no body', (_, response) => void response.writeHead(200).end()],
  ])('that ends in %s is unknown whether it happened or not, and is sent once', async (_, answer) => {
    for (const hook of ['before', 'after'] as const) {
      await using at = await working({ [hook]: first(99, isCommit, answer) });
      await at.server.catalog.createTable(orders, { schema });
      const { request } = await appendTo(at.catalog, at.io);
      expect(await outcome(at.catalog.commitTable(orders, request))).toBe('COMMIT_STATE_UNKNOWN');
      const { snapshots } = (await at.server.catalog.loadTable(orders)).metadata;
      expect(snapshots.length, hook).toBe(hook === 'after' ? 1 : 0);
      expect(at.server.requests.filter(isCommit)).toHaveLength(1);
    }
  });

  test('that times out is unknown', async () => {
    const hold = first(1, isCommit, () => {});
    await using at = await working({ after: hold }, { resilience: { timeoutMs: 100 } });
    await at.server.catalog.createTable(orders, { schema });
    const { request } = await appendTo(at.catalog, at.io);
    expect(await outcome(at.catalog.commitTable(orders, request))).toBe('COMMIT_STATE_UNKNOWN');
  });

  test('that the server asks to repeat later is repeated; a refusal then that its first sending caused is none', async () => {
    await using at = await working({ after: first(1, isCommit, comeBack) });
    await at.server.catalog.createTable(orders, { schema });
    const { request, snapshotId } = await appendTo(at.catalog, at.io);
    const { metadata } = await at.catalog.commitTable(orders, request);
    expect(metadata.snapshots.map((snapshot) => snapshot.snapshotId)).toEqual([snapshotId]);
    expect(at.server.requests.filter(isCommit)).toHaveLength(2);
  });

  test('refused after such a repetition by what others did is unknown: the first sending may land yet', async () => {
    await using at = await working({
      before: async (request, response) => {
        if (!isCommit(request) || at.server.requests.filter(isCommit).length > 1) return false;
        const other = { requirements: [], updates: [{ action: 'add-spec', spec: { fields: [] } }] } as const;
        await at.server.catalog.commitTable(orders, other);
        const { request: append } = await appendTo(at.catalog, at.io);
        await at.server.catalog.commitTable(orders, append);
        await comeBack(request, response);
        return true;
      },
    });
    await at.server.catalog.createTable(orders, { schema });
    const { request } = await appendTo(at.catalog, at.io);
    expect(await outcome(at.catalog.commitTable(orders, request))).toBe('COMMIT_STATE_UNKNOWN');
  });

  test('is not taken for one of the same snapshot id that somebody else made', async () => {
    const snapshotId = 77n;
    await using at = await working({
      before: async (request, response) => {
        if (!isCommit(request) || at.server.requests.filter(isCommit).length > 1) return false;
        const base = await at.server.catalog.loadTable(orders);
        const other = await prepareAppend({ base, io: at.io, dataFiles: [], snapshotId });
        await at.server.catalog.commitTable(orders, other.request);
        await comeBack(request, response);
        return true;
      },
    });
    const base = await at.server.catalog.createTable(orders, { schema });
    const { request } = await prepareAppend({ base, io: at.io, dataFiles: [], snapshotId });
    expect(await outcome(at.catalog.commitTable(orders, request))).toBe('COMMIT_STATE_UNKNOWN');
  });

  test('refused at once is a conflict, also after 429, which proves that nothing happened', async () => {
    await using at = await working({ before: first(2, isCommit, failure(429, 'TooManyRequestsException')) });
    await at.server.catalog.createTable(orders, { schema });
    const { request } = await appendTo(at.catalog, at.io);
    await at.server.catalog.commitTable(orders, request);
    expect(await outcome(at.catalog.commitTable(orders, request))).toBe('COMMIT_CONFLICT');
  });

  test.each([400, 401, 403, 404, 413, 422])('refused with %i did not happen', async (status) => {
    await using at = await working({ before: first(9, isCommit, failure(status, 'SomeException')) });
    const table = await at.server.catalog.createTable(orders, { schema });
    const { request } = await appendTo(at.catalog, at.io);
    const code = await outcome(at.catalog.commitTable(orders, request));
    expect(['INVALID_ARGUMENT', 'ACCESS_DENIED', 'TABLE_NOT_FOUND']).toContain(code);
    expect((await at.server.catalog.loadTable(orders)).metadata).toEqual(table.metadata);
  });

  test('to nobody who listens is CATALOG_UNAVAILABLE: nothing was sent', async () => {
    const at = await working(
      {},
      { resilience: { retry: { maxAttempts: 2, initialDelayMs: 1, maxDelayMs: 2 } } },
    );
    await at.server.catalog.createTable(orders, { schema });
    const { request } = await appendTo(at.catalog, at.io);
    await at.server.close();
    // The connection that was open may have been used before its end was seen.
    await outcome(at.catalog.tableExists(orders));
    expect(await outcome(at.catalog.commitTable(orders, request))).toBe('CATALOG_UNAVAILABLE');
    await at.catalog.close();
  });
});

describe('with idempotency keys', () => {
  const config = { 'idempotency-key-lifetime': 'PT30M' };
  const keysOf = (requests: readonly ReceivedRequest[]) =>
    requests.map(({ headers }) => headers['idempotency-key']);

  test('a commit is repeated with one key until it is answered', async () => {
    await using at = await working({ config, before: first(3, isCommit, reset) });
    await at.server.catalog.createTable(orders, { schema });
    const { request } = await appendTo(at.catalog, at.io);
    expect((await at.catalog.commitTable(orders, request)).metadata.snapshots).toHaveLength(1);
    const keys = keysOf(at.server.requests.filter(isCommit));
    expect(keys).toHaveLength(4);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test('the key of the caller is used as given, and once it is older than its lifetime nothing is repeated', async () => {
    await using at = await working({ config, before: first(1, isCommit, reset) });
    await at.server.catalog.createTable(orders, { schema });
    const { request } = await appendTo(at.catalog, at.io);
    const idempotencyKey = '01890a5d-ac96-774b-bcce-b302099a8057';
    expect(await outcome(at.catalog.commitTable(orders, request, { idempotencyKey }))).toBe(
      'COMMIT_STATE_UNKNOWN',
    );
    expect(keysOf(at.server.requests.filter(isCommit))).toEqual([idempotencyKey]);
  });

  test.each(['', 'not a uuid', 'a\r\nb: c', '01890a5d'])(
    'that are none (%j) are INVALID_ARGUMENT, and nothing is sent',
    async (idempotencyKey) => {
      await using at = await working({ config });
      await at.server.catalog.createTable(orders, { schema });
      const { request } = await appendTo(at.catalog, at.io);
      const commit = at.catalog.commitTable(orders, request, { idempotencyKey });
      expect(await outcome(commit)).toBe('INVALID_ARGUMENT');
      expect(at.server.requests.filter(isCommit)).toEqual([]);
    },
  );

  test('a key that ends while its request waits to be sent again makes nothing safe any more', async () => {
    const askForASecond = failure(503, 'X', { 'retry-after': '1' });
    await using at = await working({
      config: { 'idempotency-key-lifetime': 'PT0.5S' },
      after: async (request, response) => {
        if (!isDrop(request)) return false;
        await at.server.catalog.createTable(orders, { schema });
        await askForASecond(request, response);
        return true;
      },
    });
    await at.server.catalog.createTable(orders, { schema });
    expect(await outcome(at.catalog.dropTable(orders))).toBe('done');
    expect(at.server.requests.filter(isDrop)).toHaveLength(1);
    expect(await at.server.catalog.tableExists(orders)).toBe(true);
  });

  test('a request that is refused because its first sending is under way is asked for again, and else unknown', async () => {
    const underWay = failure(409, 'RequestInProgress', { 'retry-after': '0' });
    for (const refusals of [2, 99]) {
      let isFirst = true;
      const refuse = first(refusals, isCommit, underWay);
      await using at = await working({
        config,
        before: async (request, response) => {
          if (isCommit(request) && isFirst) {
            isFirst = false;
            reset(request, response);
            return true;
          }
          return refuse(request, response);
        },
      });
      await at.server.catalog.createTable(orders, { schema });
      const { request } = await appendTo(at.catalog, at.io);
      // The key of a caller: the first sending may be one of an earlier call.
      const idempotencyKey = uuidV7(Date.now());
      const commit = outcome(at.catalog.commitTable(orders, request, { idempotencyKey }));
      if (refusals === 2) expect(await commit).toMatchObject({ metadata: { snapshots: [{}] } });
      else expect(await commit).toBe('COMMIT_STATE_UNKNOWN');
      if (refusals === 2) continue;
      expect(await outcome(at.catalog.commitTable(orders, request, { idempotencyKey }))).toBe(
        'COMMIT_STATE_UNKNOWN',
      );
    }
  });

  test('every change has a key, and different ones have different keys', async () => {
    await using at = await working({ config });
    await at.catalog.createNamespace(['n']);
    await at.catalog.updateNamespaceProperties(['n'], { updates: { a: 'b' } });
    await at.catalog.createTable(orders, { schema });
    await at.catalog.renameTable(orders, invoices);
    await at.catalog.dropTable(invoices);
    await at.catalog.dropNamespace(['n']);
    const changes = at.server.requests.filter(({ method }) => method === 'POST' || method === 'DELETE');
    expect(changes).toHaveLength(6);
    expect(new Set(keysOf(changes)).size).toBe(6);
    expect(keysOf(changes)).not.toContain(undefined);
    expect(new Set(keysOf(at.server.requests.filter(({ method }) => method === 'GET')))).toEqual(
      new Set([undefined]),
    );
  });

  test('a server that does not say so gets no key', async () => {
    await using at = await working();
    await at.catalog.createTable(orders, { schema });
    expect(keysOf(at.server.requests)).toEqual([undefined]);
  });
});

describe('a creation whose reply is lost', () => {
  test.each<[string, Answer]>([
    ['a reset', reset],
    ['502', page(502)],
    ['200 with a page', page(200)],
  ])('is unknown if there is such a table (%s), and made if there is none', async (_, answer) => {
    await using done = await working({ after: first(1, isCreate, answer) });
    expect(await outcome(done.catalog.createTable(orders, { schema }))).toBe('COMMIT_STATE_UNKNOWN');
    expect(await done.server.catalog.tableExists(orders)).toBe(true);
    await using not = await working({ before: first(1, isCreate, answer) });
    const { metadata } = await not.catalog.createTable(orders, { schema });
    expect(metadata.tableUuid).toBe((await not.server.catalog.loadTable(orders)).metadata.tableUuid);
    expect(not.server.requests.filter(isCreate)).toHaveLength(2);
  });

  test('is not told apart from the creation of somebody else: never ALREADY_EXISTS', async () => {
    await using at = await working({
      before: async (request, response) => {
        if (!isCreate(request)) return false;
        if (!(await at.server.catalog.tableExists(orders)))
          await at.server.catalog.createTable(orders, { schema });
        reset(request, response);
        return true;
      },
    });
    expect(await outcome(at.catalog.createTable(orders, { schema }))).toBe('COMMIT_STATE_UNKNOWN');
  });

  test('that the server itself says failed, with no table to be seen, failed', async () => {
    await using at = await working({ before: first(9, isCreate, failure(500, 'IllegalStateException')) });
    const error = await at.catalog.createTable(orders, { schema }).catch((caught: unknown) => caught);
    expect(IcebergError.is(error, 'CATALOG_UNAVAILABLE')).toBe(true);
    expect((error as IcebergError).retryable).toBe(true);
    expect(at.server.requests.filter(isCreate)).toHaveLength(1);
  });

  test('of a namespace is unknown if it is there, and made if not', async () => {
    await using done = await working({ after: first(1, isMakeNamespace, reset) });
    expect(await outcome(done.catalog.createNamespace(['n']))).toBe('COMMIT_STATE_UNKNOWN');
    await using not = await working({ before: first(1, isMakeNamespace, reset) });
    await not.catalog.createNamespace(['n']);
    expect(await not.server.catalog.namespaceExists(['n'])).toBe(true);
  });

  test('of a registration is known by the metadata file', async () => {
    await using at = await working({ after: first(1, isRegister, reset) });
    const { metadataLocation } = await at.server.catalog.createTable(orders, { schema });
    const table = await at.catalog.registerTable(invoices, metadataLocation);
    expect(table.metadataLocation).toBe(metadataLocation);
    expect(at.server.requests.filter(isRegister)).toHaveLength(1);
  });

  test('of a registration is unknown where another metadata file has the name', async () => {
    await using at = await working({
      before: async (request, response) => {
        if (!isRegister(request)) return false;
        await at.server.catalog.createTable(invoices, { schema });
        reset(request, response);
        return true;
      },
    });
    const { metadataLocation } = await at.server.catalog.createTable(orders, { schema });
    expect(await outcome(at.catalog.registerTable(invoices, metadataLocation))).toBe('COMMIT_STATE_UNKNOWN');
  });

  test('that cannot be looked at is unknown', async () => {
    await using at = await working({ before: first(99, () => true, reset) });
    expect(await outcome(at.catalog.createTable(orders, { schema }))).toBe('COMMIT_STATE_UNKNOWN');
  });
});

describe('a drop whose reply is lost', () => {
  test.each<[string, Answer]>([
    ['a reset', reset],
    ['504', page(504)],
    ['500', failure(500, 'X')],
  ])('is done if the table is gone (%s)', async (_, answer) => {
    await using at = await working({ after: first(1, isDrop, answer) });
    await at.server.catalog.createTable(orders, { schema });
    expect(await outcome(at.catalog.dropTable(orders))).toBe('done');
    expect(at.server.requests.filter(isDrop)).toHaveLength(1);
    expect(await outcome(at.catalog.dropTable(orders))).toBe('TABLE_NOT_FOUND');
  });

  test('is sent again while the table is there', async () => {
    await using at = await working({ before: first(2, isDrop, reset) });
    await at.server.catalog.createTable(orders, { schema });
    expect(await outcome(at.catalog.dropTable(orders))).toBe('done');
    expect(await at.server.catalog.tableExists(orders)).toBe(false);
  });

  test.each<[string, Answer]>([
    ['a reset', reset],
    ['503 with Retry-After', comeBack],
  ])('does not drop the table that got the name meanwhile (%s)', async (_, answer) => {
    await using at = await working({
      after: async (request, response) => {
        if (!isDrop(request)) return false;
        await at.server.catalog.createTable(orders, { schema });
        await answer(request, response);
        return true;
      },
    });
    await at.server.catalog.createTable(orders, { schema });
    expect(await outcome(at.catalog.dropTable(orders))).toBe('done');
    expect(await at.server.catalog.tableExists(orders)).toBe(true);
    expect(at.server.requests.filter(isDrop)).toHaveLength(1);
  });

  test('of a namespace is done if it is gone', async () => {
    await using at = await working({ after: first(1, isDrop, reset) });
    await at.server.catalog.createNamespace(['n']);
    expect(await outcome(at.catalog.dropNamespace(['n']))).toBe('done');
  });
});

describe('a rename whose reply is lost', () => {
  test('is done if the table has the other name', async () => {
    await using at = await working({ after: first(1, isRename, reset) });
    await at.server.catalog.createTable(orders, { schema });
    expect(await outcome(at.catalog.renameTable(orders, invoices))).toBe('done');
    expect(at.server.requests.filter(isRename)).toHaveLength(1);
  });

  test('is sent again while it has the old one', async () => {
    await using at = await working({ before: first(2, isRename, page(502)) });
    await at.server.catalog.createTable(orders, { schema });
    expect(await outcome(at.catalog.renameTable(orders, invoices))).toBe('done');
    expect(await at.server.catalog.tableExists(invoices)).toBe(true);
  });

  test('is unknown if another table has the other name', async () => {
    await using at = await working({
      after: async (request, response) => {
        if (!isRename(request)) return false;
        await at.server.catalog.dropTable(invoices);
        await at.server.catalog.createTable(invoices, { schema });
        reset(request, response);
        return true;
      },
    });
    await at.server.catalog.createTable(orders, { schema });
    expect(await outcome(at.catalog.renameTable(orders, invoices))).toBe('COMMIT_STATE_UNKNOWN');
  });
});

describe('a staged table', () => {
  test('is made by its first commit, with the rows of that commit', async () => {
    await using at = await working();
    const staged = await at.catalog.stageTable(orders, { schema, properties: { owner: 'a' } });
    expect(await at.server.catalog.tableExists(orders)).toBe(false);
    const { request } = await prepareAppend({ base: staged.base, io: at.io, dataFiles: [] });
    const table = await staged.commit(request);
    expect(table.metadata.tableUuid).toBe(staged.base.metadata.tableUuid);
    expect(table.metadata.snapshots).toHaveLength(1);
    expect(table.metadata.properties).toEqual({ owner: 'a' });
    expect(await at.server.catalog.loadTable(orders)).toMatchObject({ metadata: table.metadata });
  });

  test('is known by its uuid when the reply to its commit is lost, and sent again when it is not there', async () => {
    for (const hook of ['before', 'after'] as const) {
      await using at = await working({ [hook]: first(1, isCommit, reset) });
      const staged = await at.catalog.stageTable(orders, { schema });
      const { metadata } = await staged.commit();
      expect(metadata.tableUuid).toBe(staged.base.metadata.tableUuid);
      expect(at.server.requests.filter(isCommit)).toHaveLength(hook === 'after' ? 1 : 2);
    }
  });

  test('that comes with the file it will have is one all the same, as long as nobody can see it', async () => {
    const stages = ({ body }: ReceivedRequest) => body.includes('"stage-create":true');
    for (const isMade of [false, true]) {
      await using at = await working({
        before: async (request, response) => {
          if (!isCreate(request) || !stages(request)) return false;
          const metadata = createTableMetadata({ schema, location: 'mem://warehouse/staged' });
          if (isMade) await at.server.catalog.createTable(orders, { schema });
          const body = {
            'metadata-location': 'mem://warehouse/staged/0',
            metadata: tableMetadataToJson(metadata),
          };
          response.writeHead(200, { 'content-type': 'application/json' }).end(stringifyJson(body));
          return true;
        },
      });
      const staged = await at.catalog.stageTable(orders, { schema }).catch((error: unknown) => error);
      if (isMade) expect(staged).toMatchObject({ code: 'UNSUPPORTED_FEATURE' });
      else expect(staged).toMatchObject({ base: { metadataLocation: '' } });
    }
  });

  test('that is committed again finds its own first commit, which came late, and knows if its rows are in it', async () => {
    for (const hasRows of [true, false]) {
      let late = async (): Promise<unknown> => undefined;
      let isCut = true;
      await using at = await working(
        {
          before: async (request, response) => {
            if (!isCut || isCreate(request)) return false;
            const { body, target } = request;
            if (isCommit(request)) late = () => fetch(`${at.server.uri}${target}`, { method: 'POST', body });
            reset(request, response);
            return true;
          },
        },
        { resilience: { ...quick, breaker: false } },
      );
      const staged = await at.catalog.stageTable(orders, { schema });
      const { request } = await prepareAppend({ base: staged.base, io: at.io, dataFiles: [] });
      // The server cannot be asked either.
      expect(await outcome(staged.commit(hasRows ? request : undefined))).toBe('COMMIT_STATE_UNKNOWN');
      isCut = false;
      await late();
      const again = staged.commit(request).catch((error: unknown) => error);
      if (hasRows)
        expect(await again).toMatchObject({ metadata: { tableUuid: staged.base.metadata.tableUuid } });
      else expect(await again).toMatchObject({ code: 'ALREADY_EXISTS' });
    }
  });

  test('whose first commit came late without the rows of the second, whose reply is lost: that is unknown', async () => {
    const isLost = first(1, ({ body }) => body.includes('add-snapshot'), reset);
    await using at = await working({ before: isLost });
    const staged = await at.catalog.stageTable(orders, { schema });
    const { request } = await prepareAppend({ base: staged.base, io: at.io, dataFiles: [] });
    await staged.commit();
    expect(await outcome(staged.commit(request))).toBe('COMMIT_STATE_UNKNOWN');
  });

  test('whose name another one took is ALREADY_EXISTS, also if the reply was lost', async () => {
    for (const times of [0, 1]) {
      await using at = await working({ before: first(times, isCommit, reset) });
      const staged = await at.catalog.stageTable(orders, { schema });
      await at.server.catalog.createTable(orders, { schema });
      expect(await outcome(staged.commit())).toBe('ALREADY_EXISTS');
    }
  });
});

test('a commit of two tables happens to both or to none', async () => {
  await using at = await working();
  for (const table of [orders, invoices]) await at.server.catalog.createTable(table, { schema });
  const set = (value: string, spec = 0) =>
    [orders, invoices].map((identifier, index) => ({
      identifier,
      requirements: [{ type: 'assert-default-spec-id', defaultSpecId: index * spec }],
      updates: [{ action: 'set-properties', updates: { a: value } }],
    })) as Parameters<RestCatalog['commitTransaction']>[0];
  const values = async () =>
    Promise.all(
      [orders, invoices].map(async (table) => (await at.catalog.loadTable(table)).metadata.properties['a']),
    );
  await at.catalog.commitTransaction(set('1'));
  expect(await values()).toEqual(['1', '1']);
  expect(await outcome(at.catalog.commitTransaction(set('2', 7)))).toBe('COMMIT_CONFLICT');
  expect(await values()).toEqual(['1', '1']);
  expect(await outcome(at.catalog.commitTransaction([]))).toBe('INVALID_ARGUMENT');
});

test('a refusal of a commit to two tables that its first sending caused is none', async () => {
  const isTransaction = ({ target }: ReceivedRequest) => target === '/v1/transactions/commit';
  await using at = await working({ after: first(1, isTransaction, comeBack) });
  const changes = await Promise.all(
    [orders, invoices].map(async (identifier) => {
      const base = await at.server.catalog.createTable(identifier, { schema });
      const { request } = await prepareAppend({ base, io: at.io, dataFiles: [] });
      return { identifier, ...request };
    }),
  );
  expect(await outcome(at.catalog.commitTransaction(changes))).toBe('done');
  expect(at.server.requests.filter(isTransaction)).toHaveLength(2);
  await using lost = await working({ after: first(1, isTransaction, reset) });
  for (const table of [orders, invoices]) await lost.server.catalog.createTable(table, { schema });
  const set = { requirements: [], updates: [{ action: 'set-properties', updates: { a: 'b' } }] } as const;
  expect(await outcome(lost.catalog.commitTransaction([{ identifier: orders, ...set }]))).toBe(
    'COMMIT_STATE_UNKNOWN',
  );
});
