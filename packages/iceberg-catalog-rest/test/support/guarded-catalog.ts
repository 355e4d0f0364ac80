import type { ServerResponse } from 'node:http';
import { stringifyJson, type TableIdentifier, tableMetadataToJson } from '@danube/iceberg';
import { createMemoryFileIO } from '@danube/iceberg/testing';
import type { CallEvent } from '@danube/resilience';
import { onTestFinished } from 'vitest';
import { oauth2ClientCredentials } from '../../src/auth/oauth2.ts';
import { openRestCatalog, type RestCatalogOptions } from '../../src/index.ts';
import { startMemoryRestServer } from './memory-rest-server.ts';
import { startOAuth2Server } from './oauth2-server.ts';
import type { ReceivedRequest } from './scripted-server.ts';
import { testClock } from './test-clock.ts';

export const orders: TableIdentifier = { namespace: ['db'], name: 'orders' };
export const credential = { clientId: 'danube', clientSecret: 'a-secret-of-tests' };

/** How {@link startGuardedCatalog} treats its client. */
export interface GuardedCatalogSettings {
  /** What a request without a good token is answered with. Default 401. */
  readonly refusal?: 401 | 419;
  /** Life of tokens. Default 2. */
  readonly lifetimeSeconds?: number;
  /** Whether the server takes idempotency keys: then a key that was carried out is answered as the first time. */
  readonly keys?: boolean;
  /** Sees every request before its token is looked at; true if it has answered. */
  readonly onRequest?: (request: ReceivedRequest, response: ServerResponse) => boolean | Promise<boolean>;
  /** Sees every commit that was carried out before it is answered; true if it has answered. */
  readonly onCommitted?: (request: ReceivedRequest, response: ServerResponse) => boolean | Promise<boolean>;
  readonly client?: Partial<RestCatalogOptions>;
}

const isCommit = ({ method, target }: ReceivedRequest) =>
  method === 'POST' && /\/tables\/[^/]+$/.test(target) && !target.endsWith('/rename');

/**
 * A catalog that answers only requests with a good token of a strict identity provider, a table `db.orders` in it, and
 * a client that gets its tokens there. Tokens end by a clock that the test moves. All is closed when the test is over.
 */
export async function startGuardedCatalog(settings: GuardedCatalogSettings = {}) {
  const { refusal = 401, lifetimeSeconds = 2, keys = false, client } = settings;
  const clock = testClock();
  const oauth2 = await startOAuth2Server({ ...credential, lifetimeSeconds, nowMs: clock.elapsedMs });
  const events: CallEvent[] = [];
  const committed: string[] = [];
  const refused: ReceivedRequest[] = [];
  let isGuarded = false;
  const doneKeys = new Set<unknown>();

  const server = await startMemoryRestServer({
    io: createMemoryFileIO(),
    config: keys ? { 'idempotency-key-lifetime': 'PT30M' } : {},
    before: async (request, response) => {
      if (!isGuarded) return false;
      if (await settings.onRequest?.(request, response)) return true;
      if (oauth2.accepts(request.headers.authorization?.replace(/^Bearer /, ''))) {
        const key = request.headers['idempotency-key'];
        if (key === undefined || !doneKeys.has(key)) return false;
        const { metadataLocation, metadata } = await server.catalog.loadTable(orders);
        const body = { 'metadata-location': metadataLocation, metadata: tableMetadataToJson(metadata) };
        response.writeHead(200, { 'content-type': 'application/json' }).end(stringifyJson(body));
        return true;
      }
      refused.push(request);
      response.writeHead(refusal, { 'content-type': 'application/json' });
      const error = { message: 'the token is not good', type: 'NotAuthorizedException', code: refusal };
      response.end(JSON.stringify({ error }));
      return true;
    },
    after: async (request, response) => {
      if (!isGuarded || !isCommit(request) || response.writableEnded) return false;
      committed.push(request.body);
      if (request.headers['idempotency-key'] !== undefined) doneKeys.add(request.headers['idempotency-key']);
      return (await settings.onCommitted?.(request, response)) ?? false;
    },
  });
  await server.catalog.createNamespace(['db']);
  const schema = { fields: [{ id: 1, name: 'id', type: 'long', required: true }] } as const;
  const table = await server.catalog.createTable(orders, { schema });
  const auth = oauth2ClientCredentials({
    tokenUri: oauth2.tokenUri,
    ...credential,
    components: { nowMs: clock.nowMs, elapsedMs: clock.elapsedMs },
    resilience: { retry: { maxAttempts: 1 }, breaker: false },
    onEvent: (event) => events.push(event),
  });
  const catalog = await openRestCatalog({
    uri: server.uri,
    auth,
    onEvent: (event) => events.push(event),
    ...client,
  });
  onTestFinished(async () => {
    await catalog.close();
    await server.close();
  });
  isGuarded = true;
  return { catalog, table, oauth2, clock, server, auth, events, committed, refused };
}
