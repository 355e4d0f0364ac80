import { describe, expect, test } from 'vitest';
import { invoices, orders, outcome, scripted } from './support/open-catalog.ts';
import { failure, json, nothing, page } from './support/scripted-server.ts';

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
    expect(asked).toBe('/v1/config?warehouse=s3%3A%2F%2Fa%20b');
  });

  test('that knows no such warehouse, or is none, keeps the catalog from opening', async () => {
    const open = (config: Parameters<typeof scripted>[2]) =>
      outcome(scripted(nothing, { warehouse: 'w' }, config));
    expect(await open(failure(404, 'NoSuchWarehouseException'))).toBe('INVALID_ARGUMENT');
    // Polaris, and Snowflake Open Catalog (January 2026).
    expect(await open(failure(404, 'NotFoundException'))).toBe('INVALID_ARGUMENT');
    expect(await open(page(404))).toBe('CATALOG_UNAVAILABLE');
    expect(await open(json(404, { message: 'Not Found' }))).toBe('CATALOG_UNAVAILABLE');
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
