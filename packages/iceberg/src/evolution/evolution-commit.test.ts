import { expect, test } from 'vitest';
import type { Catalog, LoadedTable } from '../catalog/catalog.ts';
import { createMemoryCatalog } from '../catalog/memory-catalog.ts';
import { IcebergError } from '../errors.ts';
import { createMemoryFileIO } from '../io/memory-file-io.ts';
import { currentSchema, defaultPartitionSpec } from '../metadata/table-metadata.ts';
import { type CommittedTransaction, commitTransaction } from '../transaction/commit-transaction.ts';
import { fastAppend } from '../transaction/fast-append.ts';
import type { TableOperation } from '../transaction/table-operation.ts';
import { replaceSortOrder } from './replace-sort-order.ts';
import { updatePartitionSpec } from './update-partition-spec.ts';
import { updateProperties } from './update-properties.ts';
import { updateSchema } from './update-schema.ts';

const identifier = { namespace: ['n'], name: 't' };

interface Setup {
  readonly catalog: Catalog;
  readonly start: LoadedTable;
  /** Commits on the state that `start` is, whatever happened since. */
  commit(operations: readonly TableOperation[], through?: Catalog): Promise<CommittedTransaction>;
  load(): Promise<LoadedTable>;
}

async function setUp(): Promise<Setup> {
  const io = createMemoryFileIO();
  const catalog = createMemoryCatalog({ io, warehouse: 'mem://w' });
  await catalog.createNamespace(['n']);
  const start = await catalog.createTable(identifier, {
    schema: {
      fields: [
        { id: 1, name: 'id', required: true, type: 'int' },
        { id: 2, name: 'name', required: false, type: 'string' },
      ],
    },
  });
  return {
    catalog,
    start,
    commit: (operations, through = catalog) =>
      commitTransaction({ catalog: through, io, identifier }, operations, {
        base: start,
        wait: async () => undefined,
      }),
    load: () => catalog.loadTable(identifier),
  };
}

const addColumn = (name: string): TableOperation =>
  updateSchema((schema) => schema.addColumn(name, { type: 'int' }));
const names = ({ metadata }: LoadedTable): string[] =>
  currentSchema(metadata).fields.map((field) => field.name);

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'committed',
    (error: unknown) => {
      if (IcebergError.is(error)) return error.code;
      throw error;
    },
  );
}

test('one commit adds a column, partitions and sorts by it, and drops another', async () => {
  const { commit } = await setUp();
  const { table, attempts } = await commit([
    addColumn('region'),
    updatePartitionSpec((spec) => spec.addField('region')),
    replaceSortOrder((order) => order.asc('region')),
    updateSchema((schema) => schema.dropColumn('name').renameColumn('region', 'area')),
    updateProperties({ set: { k: 'v' } }),
  ]);
  expect(attempts).toBe(1);
  expect(names(table)).toEqual(['id', 'area']);
  expect(defaultPartitionSpec(table.metadata).fields).toMatchObject([{ sourceId: 3, name: 'region' }]);
  expect(table.metadata.properties).toEqual({ k: 'v' });
});

// Rows: what is committed; columns: what another writer committed since the table was loaded.
const operations: Record<string, TableOperation> = {
  schema: addColumn('x'),
  spec: updatePartitionSpec((spec) => spec.addField('name')),
  order: replaceSortOrder((order) => order.asc('id')),
  properties: updateProperties({ set: { x: '1' } }),
};
const others: Record<string, TableOperation> = {
  append: fastAppend({ dataFiles: [] }),
  schema: addColumn('y'),
  spec: updatePartitionSpec((spec) => spec.addField('id', 'bucket[2]')),
  order: replaceSortOrder((order) => order.desc('id')),
  properties: updateProperties({ set: { x: '2' } }),
};

test.each<[string, string, string]>([
  ['schema', 'append', 'committed'],
  ['schema', 'schema', 'COMMIT_CONFLICT'],
  ['schema', 'spec', 'committed'],
  ['schema', 'order', 'committed'],
  ['schema', 'properties', 'committed'],
  ['spec', 'append', 'committed'],
  ['spec', 'schema', 'committed'],
  ['spec', 'spec', 'COMMIT_CONFLICT'],
  ['spec', 'order', 'committed'],
  ['spec', 'properties', 'committed'],
  ['order', 'append', 'committed'],
  ['order', 'schema', 'committed'],
  ['order', 'spec', 'committed'],
  ['order', 'order', 'committed'],
  ['order', 'properties', 'committed'],
  ['properties', 'append', 'committed'],
  ['properties', 'schema', 'committed'],
  ['properties', 'spec', 'committed'],
  ['properties', 'order', 'committed'],
  ['properties', 'properties', 'committed'],
])('%s while another writer commits %s: %s', async (mine, theirs, expected) => {
  const { commit, load } = await setUp();
  await commit([others[theirs]!]);
  const between = await load();
  expect(await codeOf(commit([operations[mine]!]))).toBe(expected);
  const after = await load();
  if (expected === 'COMMIT_CONFLICT') return expect(after).toEqual(between);
  // What the other writer did is still there.
  expect(after.metadata.snapshots).toEqual(between.metadata.snapshots);
  if (mine !== 'schema') expect(names(after)).toEqual(names(between));
  if (mine !== 'spec') expect(after.metadata.defaultSpecId).toBe(between.metadata.defaultSpecId);
  if (mine !== 'order') expect(after.metadata.defaultSortOrderId).toBe(between.metadata.defaultSortOrderId);
  if (mine === 'properties') expect(after.metadata.properties.x).toBe('1');
});

test('a column that another writer partitions by meanwhile is not dropped', async () => {
  const { commit, load } = await setUp();
  await commit([operations.spec!]);
  const drop = updateSchema((schema) => schema.dropColumn('name'));
  expect(await codeOf(commit([drop]))).toBe('COMMIT_CONFLICT');
  expect(names(await load())).toEqual(['id', 'name']);
});

test('a change whose reply was lost is found to have landed, and is not made twice', async () => {
  for (const operation of Object.values(operations)) {
    const { catalog, commit, load } = await setUp();
    let sent = 0;
    const commitTable: Catalog['commitTable'] = async (...args) => {
      sent += 1;
      await catalog.commitTable(...args);
      throw new IcebergError('COMMIT_STATE_UNKNOWN', 'the reply was lost');
    };
    const lossy = new Proxy(catalog, {
      get: (target, key) => {
        if (key === 'commitTable') return commitTable;
        const member: unknown = Reflect.get(target, key);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
    await commit([operation], lossy);
    expect(sent).toBe(1);
    expect((await load()).metadata.schemas.length).toBeLessThanOrEqual(2);
  }
});

test('two writers at once: each column of ten is added once, by whoever tries again', async () => {
  const { catalog, load } = await setUp();
  const io = createMemoryFileIO();
  const target = { catalog, io, identifier };
  let conflicts = 0;
  const write = async (name: string): Promise<void> => {
    for (;;) {
      const code = await codeOf(
        commitTransaction(target, [addColumn(name)], { wait: async () => undefined }),
      );
      if (code === 'committed') return;
      expect(code).toBe('COMMIT_CONFLICT');
      conflicts += 1;
    }
  };
  const columns = Array.from({ length: 10 }, (_, i) => `c${i}`);
  await Promise.all(columns.map(write));
  const table = await load();
  expect(names(table).slice(2).sort()).toEqual(columns);
  expect(table.metadata.lastColumnId).toBe(12);
  expect(conflicts).toBeGreaterThan(0);
});

test('two schema updates in one commit: the second gives a new column the name that the first freed', async () => {
  const { commit, load } = await setUp();
  await commit([
    updateSchema((schema) => schema.renameColumn('id', 'order_id')),
    updateSchema((schema) => schema.addColumn('id', { type: 'string' })),
  ]);
  const { fields } = currentSchema((await load()).metadata);
  expect(fields.map(({ id, name }) => `${id} ${name}`)).toEqual(['1 order_id', '2 name', '3 id']);
});
