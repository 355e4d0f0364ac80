import { describe, expect, test } from 'vitest';
import { orders, outcome, scripted } from './support/open-catalog.ts';
import { failure, inTurn, json, nothing, page } from './support/scripted-server.ts';

const missing = failure(404, 'NoSuchTableException');

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

test('proof of the caller that no header can hold ends the call: nothing was sent, and nothing is unknown', async () => {
  let proof = 'good';
  const auth = { authorize: async () => ({ authorization: proof }) };
  await using at = await scripted(nothing, { auth });
  // The token of a file, with its line end.
  proof = 'Bearer token-of-tests\n';
  const set = { requirements: [], updates: [{ action: 'set-properties', updates: { a: 'b' } }] } as const;
  const error = await at.catalog.commitTable(orders, set).catch((caught: unknown) => caught);
  expect(error).toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('authorization'),
  });
  expect(String(error)).not.toContain('token-of-tests');
  expect(at.server.calls).toEqual([]);
});
