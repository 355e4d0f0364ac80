// One change at a time, by a seed, while requests and replies of it and of its looks meet every fault there is. What the
// client says of it must be what the server has: done, not done, or unknown.
import { prepareAppend } from '@danube/iceberg';
import { expect, test } from 'vitest';
import { operationRules } from '../src/retry-rules.ts';
import { invoices, orders, outcome, schema, working } from './support/open-catalog.ts';
import { type Answer, failure, json, page, reset } from './support/scripted-server.ts';

const bare =
  (status: number, headers: Readonly<Record<string, string>> = {}, body = ''): Answer =>
  (_, response) =>
    void response.writeHead(status, headers).end(body);

/** Answers that leave it open whether the server did it; they come before and after it did. */
const doubts: readonly Answer[] = [
  reset,
  failure(500, 'InternalServerError'),
  bare(500),
  page(502),
  failure(503, 'ServiceUnavailableException', { 'retry-after': '0' }),
  failure(503, 'ServiceUnavailableException'),
  page(504),
  failure(408, 'RequestTimeout'),
  failure(400, 'CommitStateUnknownException'),
  page(200),
  json(200, { error: { message: 'no', type: 'Failure', code: 500 } }),
  bare(200, { 'content-type': 'application/json' }, '{"metadata'),
  bare(202),
  bare(303),
];

/** Answers to what did not reach the server, or was refused by it. */
const refusals: readonly Answer[] = [
  page(404),
  json(404, { message: 'no Route matched with those values' }),
  bare(404, { 'content-type': 'text/plain' }, 'default backend - 404'),
  failure(429, 'TooManyRequestsException'),
  bare(400, { 'x-amzn-errortype': 'ThrottlingException' }),
  failure(401, 'NotAuthorizedException'),
  failure(403, 'ForbiddenException'),
  bare(302, { location: '/login' }),
];

const endpoints = Object.values(operationRules).map(({ method, path }) => `${method} /v1/{prefix}/${path}`);
const set = { requirements: [], updates: [{ action: 'set-properties', updates: { a: 'b' } }] } as const;

type At = Awaited<ReturnType<typeof working>>;
/** What is there before a change, the change, and whether it happened, asked behind the client's back. */
interface Change {
  readonly make: () => Promise<unknown>;
  readonly happened: () => Promise<boolean>;
}

const changes: Readonly<Record<string, (at: At) => Promise<Change>>> = {
  createNamespace: async ({ catalog, server }) => ({
    make: () => catalog.createNamespace(['n']),
    happened: () => server.catalog.namespaceExists(['n']),
  }),
  dropNamespace: async ({ catalog, server }) => {
    await server.catalog.createNamespace(['n']);
    return {
      make: () => catalog.dropNamespace(['n']),
      happened: async () => !(await server.catalog.namespaceExists(['n'])),
    };
  },
  createTable: async ({ catalog, server }) => ({
    make: () => catalog.createTable(orders, { schema }),
    happened: () => server.catalog.tableExists(orders),
  }),
  stagedCommit: async ({ catalog, server, io }) => {
    const staged = await catalog.stageTable(orders, { schema });
    const { request } = await prepareAppend({ base: staged.base, io, dataFiles: [] });
    return { make: () => staged.commit(request), happened: () => server.catalog.tableExists(orders) };
  },
  dropTable: async ({ catalog, server }) => {
    await server.catalog.createTable(orders, { schema });
    return {
      make: () => catalog.dropTable(orders),
      happened: async () => !(await server.catalog.tableExists(orders)),
    };
  },
  renameTable: async ({ catalog, server }) => {
    await server.catalog.createTable(orders, { schema });
    return {
      make: () => catalog.renameTable(orders, invoices),
      happened: () => server.catalog.tableExists(invoices),
    };
  },
  registerTable: async ({ catalog, server }) => {
    const { metadataLocation } = await server.catalog.createTable(orders, { schema });
    return {
      make: () => catalog.registerTable(invoices, metadataLocation),
      happened: () => server.catalog.tableExists(invoices),
    };
  },
  commitTable: async ({ catalog, server, io }) => {
    const base = await server.catalog.createTable(orders, { schema });
    const { request } = await prepareAppend({ base, io, dataFiles: [] });
    return {
      make: () => catalog.commitTable(orders, request),
      happened: async () => (await server.catalog.loadTable(orders)).metadata.snapshots.length > 0,
    };
  },
  commitTransaction: async ({ catalog, server }) => {
    await server.catalog.createTable(orders, { schema });
    return {
      make: () => catalog.commitTransaction([{ identifier: orders, ...set }]),
      happened: async () => 'a' in (await server.catalog.loadTable(orders)).metadata.properties,
    };
  },
};

test.each(Object.keys(changes))('%s is what is said of it', async (name) => {
  const said = new Set<unknown>();
  for (let seed = 1; seed <= 80; seed += 1) {
    let state = seed * 7919;
    const random = (count: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * count);
    };
    const percent = [15, 40, 70][random(3)]!;
    let isFaulty = false;
    const meet =
      (answers: readonly Answer[]): NonNullable<NonNullable<Parameters<typeof working>[0]>['before']> =>
      async (...exchange) => {
        if (!isFaulty || random(100) >= percent) return false;
        await answers[random(answers.length)]!(...exchange);
        return true;
      };
    await using at = await working(
      {
        before: meet([...doubts, ...refusals]),
        after: meet(doubts),
        config: random(2) === 0 ? { endpoints } : {},
      },
      { resilience: { retry: { maxAttempts: 3, initialDelayMs: 1, maxDelayMs: 1 }, breaker: false } },
    );
    const { make, happened } = await changes[name]!(at);
    isFaulty = true;
    const result = await outcome(make());
    isFaulty = false;
    expect(result, `seed ${seed}`).not.toBeInstanceOf(Error);
    const word = typeof result === 'string' ? result : 'done';
    said.add(word);
    if (word !== 'COMMIT_STATE_UNKNOWN')
      expect(await happened(), `seed ${seed}: ${word}`).toBe(word === 'done');
  }
  expect([...said]).toEqual(
    expect.arrayContaining(['done', 'COMMIT_STATE_UNKNOWN', 'CATALOG_UNAVAILABLE', 'ACCESS_DENIED']),
  );
});
