import { describe, expect, test } from 'vitest';
import { orders, outcome, schema, scripted } from './support/open-catalog.ts';
import { failure, inTurn, json, reset } from './support/scripted-server.ts';

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

  test('ends waits after a look, and what was in doubt stays unknown', async () => {
    const missing = failure(404, 'NoSuchTableException');
    const at = await scripted(inTurn(reset, missing), {
      resilience: { retry: { initialDelayMs: 60_000, maxDelayMs: 60_000, jitter: 'half' } },
    });
    const creating = outcome(at.catalog.createTable(orders, { schema }));
    while (at.server.requests.length < 2) await new Promise((done) => setTimeout(done, 5));
    await new Promise((done) => setTimeout(done, 50));
    await at.catalog.close();
    expect(await creating).toBe('COMMIT_STATE_UNKNOWN');
    await at.server.close();
  });

  test('waits for what is under way, also before it is sent, and then closes the proof of the caller', async () => {
    const order: string[] = [];
    let isSlow = false;
    const auth = {
      authorize: async () => {
        if (isSlow) await new Promise((done) => setTimeout(done, 100));
        if (isSlow) order.push('authorized');
        return {};
      },
      close: async () => void order.push('auth closed'),
    };
    const at = await scripted(json(200, { namespaces: [] }), { auth });
    isSlow = true;
    const listing = at.catalog.listNamespaces().then(() => order.push('listed'));
    await at.catalog.close();
    await listing;
    expect(order).toEqual(['authorized', 'listed', 'auth closed']);
    await at.server.close();
  });
});
