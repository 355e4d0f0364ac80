import { createMemoryCatalog, IcebergError, type OpenCatalog } from '@danube/iceberg';
import { createFileIO, createMemoryObjectStore } from '@danube/objectstore';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { silentLogger } from '../log.ts';
import { connectCatalog } from './connect-catalog.ts';
import { LazyCatalog } from './lazy-catalog.ts';

/** A catalog that counts how often it is closed. */
function openMemoryCatalog() {
  const io = createFileIO({ store: createMemoryObjectStore(), baseUri: 'memory:///' });
  const closed = { times: 0 };
  const catalog = createMemoryCatalog({ io, warehouse: 'memory:///w' });
  const close = async () => {
    closed.times += 1;
  };
  return { catalog: Object.assign(catalog, { close }) satisfies OpenCatalog, closed };
}

const away = () => new IcebergError('CATALOG_UNAVAILABLE', 'nobody there');

describe('LazyCatalog', () => {
  test('calls at the same time share one opening, and every method reaches the catalog', async () => {
    const { catalog } = openMemoryCatalog();
    let opened = 0;
    const lazy = new LazyCatalog(async () => {
      opened += 1;
      return catalog;
    });
    const from = { namespace: ['a'], name: 't' };
    const to = { namespace: ['a'], name: 'u' };
    await Promise.all([lazy.connect(), lazy.listNamespaces(), lazy.createNamespace(['a'], { k: '1' })]);
    expect(await lazy.namespaceExists(['a'])).toBe(true);
    await lazy.updateNamespaceProperties(['a'], { updates: { k: '2' } });
    expect(await lazy.loadNamespaceProperties(['a'])).toMatchObject({ k: '2' });
    await lazy.createTable(from, {
      schema: { fields: [{ id: 1, name: 'i', required: true, type: 'long' }] },
    });
    await lazy.renameTable(from, to);
    const { metadataLocation } = await lazy.commitTable(to, {
      requirements: [],
      updates: [{ action: 'set-properties', updates: { p: 'q' } }],
    });
    await lazy.dropTable(to);
    await lazy.registerTable(from, metadataLocation);
    expect((await lazy.loadTable(from)).metadata.properties).toMatchObject({ p: 'q' });
    expect(await lazy.listTables(['a'])).toEqual([from]);
    expect([await lazy.tableExists(from), await lazy.tableExists(to)]).toEqual([true, false]);
    await lazy.dropTable(from);
    await lazy.dropNamespace(['a']);
    expect(await catalog.listNamespaces()).toEqual([]);
    expect(opened).toBe(1);
  });

  test('after an opening that failed a later call opens it; nothing is tried between', async () => {
    const { catalog } = openMemoryCatalog();
    const failures: Error[] = [away(), new IcebergError('ACCESS_DENIED', 'not you')];
    let opened = 0;
    const lazy = new LazyCatalog(async () => {
      opened += 1;
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      return catalog;
    });
    await expect(lazy.listNamespaces()).rejects.toMatchObject({
      code: 'CATALOG_UNAVAILABLE',
      retryable: true,
    });
    // Whatever kept it shut: of the table nothing is known, and nothing was changed.
    await expect(lazy.loadTable({ namespace: ['a'], name: 't' })).rejects.toMatchObject({
      code: 'CATALOG_UNAVAILABLE',
      message: expect.stringContaining('not you'),
    });
    expect(await lazy.listNamespaces()).toEqual([]);
    expect(opened).toBe(3);
  });

  test('what the catalog itself answers is passed on', async () => {
    const lazy = new LazyCatalog(async () => openMemoryCatalog().catalog);
    const loading = lazy.loadTable({ namespace: ['a'], name: 't' });
    await expect(loading).rejects.toMatchObject({ code: 'TABLE_NOT_FOUND' });
  });

  test('tables are told of before they are given out', async () => {
    const told: string[] = [];
    const lazy = new LazyCatalog(
      async () => openMemoryCatalog().catalog,
      ({ identifier }) => void told.push(identifier.name),
    );
    await lazy.createNamespace(['a']);
    const table = { namespace: ['a'], name: 't' };
    const schema = { fields: [{ id: 1, name: 'i', required: true, type: 'long' as const }] };
    const { metadataLocation } = await lazy.createTable(table, { schema });
    await lazy.loadTable(table);
    await lazy.commitTable(table, { requirements: [], updates: [] });
    await lazy.registerTable({ namespace: ['a'], name: 'u' }, metadataLocation);
    expect(told).toEqual(['t', 't', 't', 'u']);
  });

  test('closing closes it once, and is final', async () => {
    const { catalog, closed } = openMemoryCatalog();
    const lazy = new LazyCatalog(async () => catalog);
    await lazy.connect();
    await Promise.all([lazy.close(), lazy.close()]);
    expect(closed.times).toBe(1);
    await expect(lazy.listNamespaces()).rejects.toMatchObject({
      code: 'CATALOG_UNAVAILABLE',
      retryable: false,
    });
  });

  test('closing does not wait long for a server that hangs', async () => {
    const { catalog } = openMemoryCatalog();
    const lazy = new LazyCatalog(async () =>
      Object.assign(catalog, { close: () => new Promise<void>(() => {}) }),
    );
    await lazy.connect();
    await lazy.close();
  });

  test('closing rejects with what the catalog could not be closed for', async () => {
    const { catalog } = openMemoryCatalog();
    const close = () => Promise.reject(new Error('not closed'));
    const lazy = new LazyCatalog(async () => Object.assign(catalog, { close }));
    await lazy.connect();
    await expect(lazy.close()).rejects.toThrow('not closed');
  });

  test('closing one that was never opened opens nothing', async () => {
    const lazy = new LazyCatalog<OpenCatalog>(async () => Promise.reject(new Error('opened')));
    await lazy.close();
  });

  test('closing does not wait for an opening, which is closed when it ends', async () => {
    const { catalog, closed } = openMemoryCatalog();
    let answer = (_catalog: typeof catalog) => {};
    const lazy = new LazyCatalog<OpenCatalog>(() => new Promise((resolve) => (answer = resolve)));
    const listing = lazy.listNamespaces();
    await lazy.close();
    expect(closed.times).toBe(0);
    answer(catalog);
    await listing.catch(() => {});
    await expect.poll(() => closed.times).toBe(1);
  });
});

describe('connectCatalog', () => {
  const failing = (error: unknown) => ({ connect: () => Promise.reject(error) });

  test('a catalog that is away, or does not answer in time, is a line in the log', async () => {
    const lines: string[] = [];
    const logger = pino({}, { write: (line: string) => void lines.push(line) });
    await connectCatalog(failing(away()), 'http://c', logger);
    await connectCatalog({ connect: () => new Promise(() => {}) }, 'http://c', logger, 20);
    expect(lines).toHaveLength(2);
    for (const line of lines)
      expect(line).toContain('The catalog does not answer; commits wait until it does');
  });

  test.each([
    new IcebergError('ACCESS_DENIED', 'not you'),
    new IcebergError('INVALID_ARGUMENT', 'no such warehouse'),
    new IcebergError('INVALID_METADATA', 'no configuration'),
    new IcebergError('CATALOG_UNAVAILABLE', 'status 404', { retryable: false }),
  ])('what somebody has to change is refused: $code', async (error) => {
    await expect(connectCatalog(failing(error), 'http://c', silentLogger())).rejects.toMatchObject({
      code: 'CATALOG_UNUSABLE',
      sentence: `The catalog http://c cannot be used: ${error.message}`,
      cause: error,
    });
  });

  test('where nobody writes, one that is away is an error, too; a bug stays what it is', async () => {
    const connecting = connectCatalog(failing(away()), 'http://c', undefined);
    await expect(connecting).rejects.toMatchObject({ code: 'CATALOG_UNUSABLE' });
    const hanging = connectCatalog({ connect: () => new Promise(() => {}) }, 'http://c', undefined, 20);
    await expect(hanging).rejects.toMatchObject({
      code: 'CATALOG_UNUSABLE',
      sentence: 'The catalog http://c did not answer within 0.02 s.',
    });
    const bug = new TypeError('bug');
    await expect(connectCatalog(failing(bug), 'http://c', silentLogger())).rejects.toBe(bug);
  });
});
