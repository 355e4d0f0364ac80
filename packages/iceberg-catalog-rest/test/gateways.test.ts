// What stands between a client and a catalog answers, too, and in JSON: none of its answers is the catalog's word.
import { describe, expect, test } from 'vitest';
import { invoices, orders, outcome, schema, scripted, working } from './support/open-catalog.ts';
import {
  type Answer,
  failure,
  json,
  nothing,
  page,
  type ReceivedRequest,
  reset,
} from './support/scripted-server.ts';

/** What Kong and AWS's API gateway answer where they know no such route. */
const noRoute = json(404, { message: 'no Route matched with those values' });
/** What the default backend of an ingress answers, also to HEAD. */
const plain: Answer = (_, response) => {
  response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('default backend - 404');
};

const endpointsWithHead = [
  'GET /v1/{prefix}/namespaces/{namespace}',
  'HEAD /v1/{prefix}/namespaces/{namespace}',
  'DELETE /v1/{prefix}/namespaces/{namespace}',
  'GET /v1/{prefix}/namespaces/{namespace}/tables/{table}',
  'HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}',
  'DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}',
  'POST /v1/{prefix}/tables/rename',
];

/** Answers the first request of a method, after the server has done it or before it could; `then` answers those after it. */
function cutOff(method: string, answer: Answer, then?: Answer) {
  let isCut = false;
  return async (request: ReceivedRequest, response: Parameters<Answer>[1]): Promise<boolean> => {
    if (isCut && then !== undefined) {
      await then(request, response);
      return true;
    }
    if (isCut || request.method !== method) return false;
    isCut = true;
    await answer(request, response);
    return true;
  };
}

describe('a 404 that the catalog did not say', () => {
  test.each<[string, Answer]>([
    ['a JSON message without the name of an error', noRoute],
    ['plain text', plain],
    ['a page', page(404)],
  ])('says of no table that it is not there (%s)', async (_, answer) => {
    await using at = await scripted(answer);
    expect(await outcome(at.catalog.loadTable(orders))).toBe('CATALOG_UNAVAILABLE');
    expect(await outcome(at.catalog.tableExists(orders))).toBe('CATALOG_UNAVAILABLE');
    expect(await outcome(at.catalog.namespaceExists(['shop']))).toBe('CATALOG_UNAVAILABLE');
  });

  test('nor when it answers HEAD, which has no body to tell by', async () => {
    await using at = await scripted(plain, {}, { endpoints: endpointsWithHead });
    expect(await outcome(at.catalog.tableExists(orders))).toBe('CATALOG_UNAVAILABLE');
    expect(await outcome(at.catalog.namespaceExists(['shop']))).toBe('CATALOG_UNAVAILABLE');
  });

  test('is the catalog’s where AWS names the error in a header', async () => {
    const headers = { 'x-amzn-errortype': 'NoSuchTableException:http://internal.amazon.com/' };
    await using at = await scripted(json(404, { message: 'The table does not exist' }, headers));
    expect(await outcome(at.catalog.loadTable(orders))).toBe('TABLE_NOT_FOUND');
  });

  test('passes for no drop whose reply was lost', async () => {
    for (const answer of [noRoute, plain]) {
      await using at = await working({ before: cutOff('DELETE', reset, answer) });
      await at.server.catalog.createTable(orders, { schema });
      await at.server.catalog.createNamespace(['n']);
      expect(await outcome(at.catalog.dropTable(orders))).toBe('COMMIT_STATE_UNKNOWN');
      await using other = await working({ before: cutOff('DELETE', reset, answer) });
      await other.server.catalog.createNamespace(['n']);
      expect(await outcome(other.catalog.dropNamespace(['n']))).toBe('COMMIT_STATE_UNKNOWN');
    }
  });
});

test('a drop whose reply was lost is not looked for by HEAD: its 404 says nothing of why', async () => {
  // As Apache's server answers of a table whose metadata file cannot be read.
  const unreadable: Answer = (request, response) =>
    request.method === 'HEAD'
      ? void response.writeHead(404, { 'content-type': 'application/json' }).end()
      : failure(404, 'NotFoundException')(request, response);
  const answer: Answer = (request, response) =>
    (request.method === 'DELETE' ? reset : unreadable)(request, response);
  await using at = await scripted(answer, {}, { endpoints: endpointsWithHead });
  expect(await outcome(at.catalog.dropTable(orders))).toBe('COMMIT_STATE_UNKNOWN');
  expect(at.server.calls.filter((call) => call.startsWith('DELETE'))).toHaveLength(1);
});

test('what is dropped or renamed without a uuid to know it by is not sent again: it may hit a successor', async () => {
  for (const change of ['dropTable', 'renameTable'] as const) {
    let isReadable = false;
    let hits = 0;
    await using at = await working({
      before: async (request, response) => {
        if (request.method === 'GET' && !isReadable) {
          await failure(403, 'ForbiddenException')(request, response);
          return true;
        }
        return false;
      },
      after: async (request, response) => {
        if (request.method !== 'DELETE' && !request.target.endsWith('/rename')) return false;
        hits += 1;
        if (hits > 1) return false;
        isReadable = true;
        await at.server.catalog.createTable(orders, { schema });
        reset(request, response);
        return true;
      },
    });
    await at.server.catalog.createTable(orders, { schema });
    const call =
      change === 'dropTable' ? at.catalog.dropTable(orders) : at.catalog.renameTable(orders, invoices);
    expect(await outcome(call)).toBe('COMMIT_STATE_UNKNOWN');
    expect(await at.server.catalog.tableExists(orders), change).toBe(true);
    expect(hits).toBe(1);
  }
});

test('a success that holds an error is none', async () => {
  const answer: Answer = (request, response) =>
    request.method === 'GET'
      ? failure(403, 'ForbiddenException')(request, response)
      : json(200, { error: { message: 'no', type: 'ForbiddenException', code: 403 } })(request, response);
  await using at = await scripted(answer);
  const set = { requirements: [], updates: [{ action: 'set-properties', updates: { a: 'b' } }] } as const;
  expect(await outcome(at.catalog.commitTransaction([{ identifier: orders, ...set }]))).toBe(
    'COMMIT_STATE_UNKNOWN',
  );
  expect(await outcome(at.catalog.dropTable(orders))).toBe('COMMIT_STATE_UNKNOWN');
  expect(await outcome(at.catalog.createNamespace(['a']))).toBe('COMMIT_STATE_UNKNOWN');
});

test('a server that says less than the specification wants is understood', async () => {
  await using at = await scripted((request, response) =>
    (request.method === 'POST' ? json(200, { updated: ['a'], removed: null }) : nothing)(request, response),
  );
  expect(await at.catalog.updateNamespaceProperties(['n'], { updates: { a: 'b' } })).toEqual({
    updated: ['a'],
    removed: [],
    missing: [],
  });
});

describe('AWS', () => {
  // Glue's Iceberg endpoint, August 2026: 400, where the specification wants 429.
  const tooFast: Answer = (request, response) => {
    response.writeHead(400, { 'x-amzn-errortype': 'ThrottlingException:http://internal.amazon.com/' });
    response.end(request.method === 'HEAD' ? undefined : '{"message":"Rate exceeded"}');
  };
  const set = { requirements: [], updates: [{ action: 'set-properties', updates: { a: 'b' } }] } as const;

  test('says by the name of an error that it was too fast: nothing was done, and everything is sent again', async () => {
    await using at = await working({ before: cutOff('POST', tooFast) });
    await at.server.catalog.createTable(orders, { schema });
    const { metadata } = await at.catalog.commitTable(orders, set);
    expect(metadata.properties).toEqual({ a: 'b' });
    await using busy = await scripted(tooFast, {}, { endpoints: endpointsWithHead });
    const error = await busy.catalog.tableExists(orders).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'CATALOG_UNAVAILABLE', retryable: true, context: { attempts: 5 } });
  });

  test('says NotFoundException of what the catalog does not have, not of a file', async () => {
    await using at = await scripted(
      json(404, { message: 'no' }, { 'x-amzn-errortype': 'NotFoundException' }),
    );
    expect(await outcome(at.catalog.loadTable(orders))).toBe('TABLE_NOT_FOUND');
  });
});

test('what caches keep on the way is not the present state: they are told to ask the server', async () => {
  await using at = await scripted(json(200, { namespaces: [] }));
  await at.catalog.listNamespaces();
  expect(at.server.requests[0]!.headers['cache-control']).toBe('no-cache');
});
