import type { LoadedTable } from '@danube/iceberg';
import { describe, expect, test } from 'vitest';
import { expectHidden, failureOf } from '../support/auth-requests.ts';
import { credential, orders, startGuardedCatalog } from '../support/guarded-catalog.ts';

const commitOf = ({ metadata }: LoadedTable, key: string) =>
  ({
    requirements: [{ type: 'assert-table-uuid', uuid: metadata.tableUuid }],
    updates: [{ action: 'set-properties', updates: { [key]: 'done' } }],
  }) as const;

const drop: NonNullable<Parameters<typeof startGuardedCatalog>[0]>['onCommitted'] = (_, response) => {
  response.socket?.destroy();
  return true;
};

describe.each([401, 419] as const)('a token that ends on the way to a commit, said by %d', (refusal) => {
  test('is renewed once, and the commit is made exactly once', async () => {
    const { catalog, table, oauth2, clock, committed, refused } = await startGuardedCatalog({
      refusal,
      // The token is good when it is sent, and no longer when the server looks at it.
      onRequest: ({ method }) => {
        if (method === 'POST' && oauth2.issued.length === 1) clock.pass(2_000);
        return false;
      },
    });
    await catalog.loadTable(orders);
    const done = await catalog.commitTable(orders, commitOf(table, 'a'));
    expect(done.metadata.properties['a']).toBe('done');
    expect(committed).toHaveLength(1);
    expect(refused).toHaveLength(1);
    expect(oauth2.requestCount).toBe(2);
  });

  test('twenty commits at once share one renewal, and each is made exactly once', async () => {
    const { catalog, table, oauth2, committed } = await startGuardedCatalog({ refusal });
    await catalog.loadTable(orders);
    oauth2.revokeAll();
    const names = Array.from({ length: 20 }, (_, index) => `p${index}`);
    await Promise.all(names.map((name) => catalog.commitTable(orders, commitOf(table, name))));
    const { properties } = (await catalog.loadTable(orders)).metadata;
    expect(names.filter((name) => properties[name] !== 'done')).toEqual([]);
    expect(committed).toHaveLength(20);
    expect(oauth2.requestCount).toBe(2);
  });

  test('a catalog that refuses every token ends the commit with ACCESS_DENIED after one more try', async () => {
    const { catalog, table, oauth2, committed, refused } = await startGuardedCatalog({
      refusal,
      onRequest: () => {
        oauth2.revokeAll();
        return false;
      },
    });
    const error = await failureOf(catalog.commitTable(orders, commitOf(table, 'a')));
    expect(error.code).toBe('ACCESS_DENIED');
    expect([committed.length, refused.length]).toEqual([0, 2]);
  });
});

describe('when no new token can be had, the commit was not made and is not said to be in doubt', () => {
  test('the identity provider refuses: ACCESS_DENIED, with its reason', async () => {
    const { catalog, table, oauth2, committed } = await startGuardedCatalog();
    await catalog.loadTable(orders);
    oauth2.revokeAll();
    oauth2.meetNext({ kind: 'answer', status: 401, body: '{"error":"invalid_client"}' });
    const error = await failureOf(catalog.commitTable(orders, commitOf(table, 'a')));
    expect([error.code, error.context['error']]).toEqual(['ACCESS_DENIED', 'invalid_client']);
    expect(committed).toEqual([]);
  });

  test('the identity provider is down: CATALOG_UNAVAILABLE, and the commit can be made later', async () => {
    const { catalog, table, oauth2, committed } = await startGuardedCatalog();
    await catalog.loadTable(orders);
    oauth2.revokeAll();
    oauth2.meetNext({ kind: 'reset' });
    const error = await failureOf(catalog.commitTable(orders, commitOf(table, 'a')));
    expect([error.code, error.retryable]).toEqual(['CATALOG_UNAVAILABLE', true]);
    await catalog.commitTable(orders, commitOf(table, 'a'));
    expect(committed).toHaveLength(1);
  });

  test('the identity provider hangs beyond the time limit of the catalog: CATALOG_UNAVAILABLE', async () => {
    const { catalog, table, oauth2, clock, committed } = await startGuardedCatalog({
      client: { resilience: { timeoutMs: 1_500, retry: { maxAttempts: 1 } } },
    });
    oauth2.meetNext({ kind: 'slow', ms: 60_000 });
    clock.pass(2_000);
    const error = await failureOf(catalog.commitTable(orders, commitOf(table, 'a')));
    expect(error.code).toBe('CATALOG_UNAVAILABLE');
    expect(committed).toEqual([]);
  });
});

describe('a commit whose reply is lost, with a token that has ended since', () => {
  test('without idempotency keys it is not sent again: COMMIT_STATE_UNKNOWN', async () => {
    const { catalog, table, committed } = await startGuardedCatalog({ onCommitted: drop });
    const error = await failureOf(catalog.commitTable(orders, commitOf(table, 'a')));
    expect(error.code).toBe('COMMIT_STATE_UNKNOWN');
    expect(committed).toHaveLength(1);
  });

  test('with a key it is sent again with a new token and the same key, and is made exactly once', async () => {
    const { catalog, table, committed, refused, oauth2 } = await startGuardedCatalog({
      keys: true,
      onCommitted: (request, response) => {
        // Revoked, and not ended by the clock: the client has to learn it from the refusal.
        oauth2.revokeAll();
        return drop(request, response);
      },
    });
    const done = await catalog.commitTable(orders, commitOf(table, 'a'));
    expect(done.metadata.properties['a']).toBe('done');
    expect([committed.length, refused.length]).toEqual([1, 1]);
  });

  test('with a key but no new token it stays in doubt: COMMIT_STATE_UNKNOWN, not ACCESS_DENIED', async () => {
    const { catalog, table, oauth2, committed } = await startGuardedCatalog({
      keys: true,
      onCommitted: (request, response) => {
        oauth2.revokeAll();
        oauth2.meetNext({ kind: 'answer', status: 401, body: '{"error":"invalid_client"}' });
        return drop(request, response);
      },
    });
    const error = await failureOf(catalog.commitTable(orders, commitOf(table, 'a')));
    expect(error.code).toBe('COMMIT_STATE_UNKNOWN');
    expect(committed).toHaveLength(1);
  });
});

test('sixty commits with tokens that live two seconds, of which a random part ends on the way: sixty commits', async () => {
  const seed = Date.now() % 2 ** 31;
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 2 ** 31;
  };
  const { catalog, table, clock, committed, oauth2 } = await startGuardedCatalog({
    onRequest: () => {
      if (random() < 0.3) clock.pass(Math.floor(random() * 2_500));
      return false;
    },
    client: { resilience: { retry: { maxAttempts: 1 } } },
  });
  let made = 0;
  for (let index = 0; index < 60; index += 1) {
    try {
      await catalog.commitTable(orders, commitOf(table, `p${index}`));
      made += 1;
    } catch (error) {
      // The one more try met the end of a token, too: said to be refused, so not made.
      expect(error, `seed ${seed}`).toMatchObject({ code: 'ACCESS_DENIED' });
    }
    expect(committed, `seed ${seed}`).toHaveLength(made);
  }
  const { properties } = (await catalog.loadTable(orders)).metadata;
  expect(Object.keys(properties), `seed ${seed}`).toHaveLength(made);
  expect(made, `seed ${seed}`).toBeGreaterThan(40);
  expect(oauth2.issued.length, `seed ${seed}`).toBeGreaterThan(3);
});

test('no secret is seen in errors, events and the catalog, though the server repeats the request', async () => {
  const { catalog, table, oauth2, events } = await startGuardedCatalog({
    onRequest: ({ headers, method }, response) => {
      if (method !== 'POST') return false;
      const message = `what is ${headers.authorization}`;
      response.writeHead(403, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: { message, type: 'ForbiddenException', code: 403 } }));
      return true;
    },
  });
  const errors = [await failureOf(catalog.commitTable(orders, commitOf(table, 'a')))];
  oauth2.revokeAll();
  oauth2.meetNext({ kind: 'answer', status: 500, body: ({ body }) => `{"error":"${body}"}` });
  errors.push(await failureOf(catalog.loadTable(orders)));
  expect(errors.map(({ code }) => code)).toEqual(['ACCESS_DENIED', 'CATALOG_UNAVAILABLE']);
  expect(events).not.toEqual([]);
  expectHidden([errors, events, catalog], [credential.clientSecret, ...oauth2.issued]);
});
