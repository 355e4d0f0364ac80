import { IcebergError } from '@danube/iceberg';
import { describe, expect, test } from 'vitest';
import { orders, outcome, scripted } from './support/open-catalog.ts';
import {
  failure,
  inTurn,
  json,
  nothing,
  type ReceivedRequest,
  reset,
  silence,
} from './support/scripted-server.ts';

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

  test('that is still being renewed when its time is up does not hide what the next attempt may have done', async () => {
    // The renewal ends while the second attempt waits for its reply, and goes on for the first.
    const renew = async (): Promise<boolean> => {
      await new Promise((done) => setTimeout(done, 300));
      return true;
    };
    await using at = await scripted(inTurn(failure(401, 'NotAuthorizedException'), silence), {
      auth: { authorize: async () => ({}), renew },
      resilience: { timeoutMs: 200, retry: { maxAttempts: 2, initialDelayMs: 1, maxDelayMs: 1 } },
    });
    const request = { requirements: [], updates: [] };
    expect(await outcome(at.catalog.commitTable(orders, request))).toBe('COMMIT_STATE_UNKNOWN');
    expect(at.server.requests).toHaveLength(2);
  });

  test('is renewed once in a call, however many attempts are refused', async () => {
    let renewals = 0;
    const renew = async (): Promise<boolean> => {
      renewals += 1;
      return true;
    };
    const stale = failure(401, 'NotAuthorizedException');
    await using at = await scripted(inTurn(stale, reset, stale), {
      auth: { authorize: async () => ({}), renew },
    });
    expect(await outcome(at.catalog.listNamespaces())).toBe('ACCESS_DENIED');
    expect([renewals, at.server.requests.length]).toEqual([1, 3]);
  });

  test('that cannot be had ends the call with its own error, and nothing is sent', async () => {
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
