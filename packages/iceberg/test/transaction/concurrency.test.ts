import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  createBranch,
  createMemoryCatalog,
  currentSnapshot,
  fastAppend,
  IcebergError,
  type LoadedTable,
} from '../../src/index.ts';
import { createMemoryFileIO } from '../../src/io/memory-file-io.ts';
import { commitTransaction } from '../../src/transaction/commit-transaction.ts';
import {
  createTestTable,
  dataFile,
  liveFiles,
  newTestTable,
  noWait,
  type TestTable,
} from '../support/transaction-table.ts';
import { type Cell, cells, renderColumns, renderTable, rows } from './concurrency-table.ts';
import { a1, a2, b1, b2, c1, columnChanges, rowOperations, type StartIds } from './concurrent-operations.ts';

/**
 * Every cell of the table operation × concurrent change: an operation is decided on the starting table, others commit
 * the change, then the operation is committed. Outcome and live files must be what the cell says. Each state is made
 * once; a cell works on a copy of its files.
 */
interface State {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly table: LoadedTable;
}

let startState: State;
let ids: StartIds;
const changed = new Map<string, State>();

/** A table of its own that is in this state. */
async function tableIn({ files, table }: State): Promise<TestTable> {
  const io = createMemoryFileIO();
  for (const [location, bytes] of files) io.files.set(location, bytes);
  const catalog = createMemoryCatalog({ io, warehouse: 'mem://wh' });
  const { identifier } = table;
  await catalog.createNamespace(identifier.namespace);
  await catalog.registerTable(identifier, table.metadataLocation);
  return {
    io,
    catalog,
    identifier,
    load: () => catalog.loadTable(identifier),
    commit: (operations, options) =>
      commitTransaction({ catalog, identifier, io }, [operations].flat(), { wait: noWait, ...options }),
  };
}

async function stateOf(table: TestTable): Promise<State> {
  return { files: new Map(table.io.files), table: await table.load() };
}

beforeAll(async () => {
  const table = await newTestTable();
  await table.commit(fastAppend({ dataFiles: [a1, a2] }));
  await table.commit(fastAppend({ dataFiles: [b1, b2] }));
  const previous = currentSnapshot((await table.load()).metadata)!.snapshotId;
  await table.commit(fastAppend({ dataFiles: [c1] }));
  const head = currentSnapshot((await table.load()).metadata)!.snapshotId;
  await table.commit(createBranch('ahead'));
  await table.commit(fastAppend({ dataFiles: [dataFile('d1', 'd')], branch: 'ahead' }));
  const ahead = (await table.load()).metadata.refs.ahead!.snapshotId;
  ids = { head, previous, ahead };
  startState = await stateOf(table);
  for (const [column, { commits, live }] of Object.entries(columnChanges)) {
    const copy = await tableIn(startState);
    for (const operation of commits(ids)) await copy.commit(operation);
    expect(await liveFiles(copy), column).toEqual([...live].sort());
    changed.set(column, await stateOf(copy));
  }
  const recreated = await tableIn(startState);
  await recreated.catalog.dropTable(recreated.identifier);
  await createTestTable(recreated.catalog, recreated.identifier);
  changed.set('recreated', await stateOf(recreated));
});

async function outcomeOf(table: TestTable, { row }: Pick<Cell, 'row'>): Promise<string> {
  try {
    await table.commit(rowOperations[row]!.make(ids), { base: startState.table });
    return 'committed';
  } catch (error) {
    if (IcebergError.is(error)) return error.code;
    throw error;
  }
}

const codeOf = { '✓': 'committed', '✗': 'COMMIT_CONFLICT', '–': 'TABLE_NOT_FOUND' };

describe.each(rows)('%s', (row) => {
  test.each(cells(row))('$column: $outcome', async ({ column, outcome }) => {
    const state = changed.get(column)!;
    const table = await tableIn(state);
    expect(await outcomeOf(table, { row })).toBe(codeOf[outcome]);
    const after = await table.load();
    const { live, holds } = rowOperations[row]!;
    const isCommitted = outcome === '✓';
    const before = columnChanges[column]?.live ?? [];
    expect(await liveFiles(table)).toEqual([...(isCommitted ? live(before, column) : before)].sort());
    if (isCommitted) expect(holds?.(after.metadata) ?? true).toBe(true);
    // What others did is still there, and without a commit nothing else is.
    expect(columnChanges[column]?.holds?.(after.metadata) ?? true).toBe(true);
    if (!isCommitted) expect(after.metadataLocation).toBe(state.table.metadataLocation);
    if (!isCommitted) expect([...table.io.files.keys()].sort()).toEqual([...state.files.keys()].sort());
  });
});

test('docs/formats/iceberg-concurrency.md has this table, word for word', async () => {
  const doc = await readFile(
    new URL('../../../../docs/formats/iceberg-concurrency.md', import.meta.url),
    'utf8',
  );
  expect(doc).toContain(renderTable());
  expect(doc).toContain(renderColumns());
});
