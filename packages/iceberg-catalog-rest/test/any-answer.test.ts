import { IcebergError } from '@danube/iceberg';
import { expect, test } from 'vitest';
import type { RestCatalog } from '../src/index.ts';
import { invoices, orders, schema, scripted } from './support/open-catalog.ts';
import type { Answer } from './support/scripted-server.ts';

const request = { requirements: [], updates: [{ action: 'set-properties', updates: { a: 'b' } }] } as const;

const calls: Readonly<Record<string, (catalog: RestCatalog) => Promise<unknown>>> = {
  createNamespace: (catalog) => catalog.createNamespace(['a']),
  listNamespaces: (catalog) => catalog.listNamespaces(),
  loadNamespaceProperties: (catalog) => catalog.loadNamespaceProperties(['a']),
  updateNamespaceProperties: (catalog) => catalog.updateNamespaceProperties(['a'], { updates: { a: 'b' } }),
  dropNamespace: (catalog) => catalog.dropNamespace(['a']),
  namespaceExists: (catalog) => catalog.namespaceExists(['a']),
  createTable: (catalog) => catalog.createTable(orders, { schema }),
  loadTable: (catalog) => catalog.loadTable(orders),
  listTables: (catalog) => catalog.listTables(['a']),
  tableExists: (catalog) => catalog.tableExists(orders),
  dropTable: (catalog) => catalog.dropTable(orders),
  renameTable: (catalog) => catalog.renameTable(orders, invoices),
  registerTable: (catalog) => catalog.registerTable(orders, 's3://a/b.metadata.json'),
  commitTable: (catalog) => catalog.commitTable(orders, request),
  commitTransaction: (catalog) => catalog.commitTransaction([{ identifier: orders, ...request }]),
  stageTable: (catalog) => catalog.stageTable(orders, { schema }),
  storageAccess: (catalog) => catalog.storageAccess(orders),
};
/** A server that answers anything, by a seed. */
function anything(seed: number): Answer {
  let state = seed;
  const random = (count: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * count);
  };
  const pick = <T>(...values: readonly T[]): T => values[random(values.length)]!;
  const body = (): string | Uint8Array =>
    pick<() => string | Uint8Array>(
      () => '',
      () => '<html>',
      () => '{}',
      () => 'null',
      () => '[]',
      () => '"text"',
      () => '{"error":{"message":"m","type":"NoSuchTableException","code":404}}',
      () => '{"error":{"message":1,"type":[]}}',
      () => '{"error":"invalid_client"}',
      () => '{"metadata-location":"s3://a","metadata":{"format-version":2}}',
      () => '{"identifiers":[{}],"namespaces":[1]}',
      () => `${'['.repeat(600)}${']'.repeat(600)}`,
      () => Uint8Array.of(0xff, 0xfe, 0x00, random(256)),
    )();
  return (_, response) => {
    const status = pick(
      200,
      200,
      204,
      206,
      301,
      304,
      400,
      401,
      403,
      404,
      409,
      410,
      418,
      419,
      422,
      429,
      500,
      501,
      502,
      503,
    );
    const headers = {
      ...(random(2) === 0 && { 'content-type': pick('application/json', 'text/html', 'nonsense') }),
      ...(random(4) === 0 && { 'retry-after': pick('0', '-1', 'tomorrow', '') }),
      ...(random(4) === 0 && { etag: pick('"a"', 'W/"b"', '') }),
      ...(random(8) === 0 && { 'content-encoding': pick('gzip', 'br') }),
    };
    if (random(10) === 0) response.socket?.destroy();
    else response.writeHead(status, headers).end(status === 204 || status === 304 ? undefined : body());
  };
}

test.each([1, 2, 3])(
  'whatever a server answers (seed %i), calls end, with a value or an IcebergError',
  async (seed) => {
    const quick = { retry: { maxAttempts: 2, initialDelayMs: 1, maxDelayMs: 1 }, breaker: false } as const;
    await using at = await scripted(anything(seed), { resilience: quick });
    const codes = new Map<string, number>();
    for (let round = 0; round < 20; round += 1) {
      for (const [name, call] of Object.entries(calls)) {
        const error = await call(at.catalog).then(
          () => undefined,
          (caught: unknown) => caught,
        );
        if (error === undefined) {
          // None of the bodies says that a table was made or committed to.
          if (/Table$/.test(name) && !/^(drop|rename)/.test(name))
            expect.unreachable(`${name} succeeded, seed ${seed}`);
          continue;
        }
        expect(IcebergError.is(error), `${name}, seed ${seed}: ${String(error)}`).toBe(true);
        const { code } = error as IcebergError;
        codes.set(code, (codes.get(code) ?? 0) + 1);
        expect(code, `${name}, seed ${seed}`).not.toBe('IO_ERROR');
      }
    }
    // The script reached most of what can happen.
    expect(codes.size, [...codes.keys()].join()).toBeGreaterThan(6);
  },
);
