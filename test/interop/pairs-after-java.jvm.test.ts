// Hazard: a table whose last writer was Java. Java alone makes a table with all that it can do to one; then each kind of
// commit of ours is the first that another program makes on it, and Java, PyIceberg and we must see the rows it should
// leave. And tables that Java made and we must not touch.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  cherryPick,
  createMemoryCatalog,
  expireSnapshots,
  fastAppend,
  fastForward,
  loadTableMetadata,
  replacePartitions,
  replaceSortOrder,
  rewriteFiles,
  rollbackToSnapshot,
  type TableOperation,
  updateProperties,
  updateSchema,
} from '../../packages/iceberg/src/index.ts';
import { type JavaTable, javaTable } from '../../packages/iceberg/test/interop/java-table.ts';
import { createLocalFileIO } from '../../packages/iceberg/test/interop/judge.ts';
import { startJavaJudge } from '../../packages/iceberg/test/interop/judge-java.ts';
import type { JudgeProcess } from '../../packages/iceberg/test/interop/judge-process.ts';
import { startReaderJudge } from '../../packages/iceberg/test/interop/judge-readers.ts';
import { checkTable, type PairReader } from '../../packages/iceberg/test/interop/pairs-checks.ts';
import { javaReader, pairSchema } from '../../packages/iceberg/test/interop/pairs-java.ts';
import { type ModelRow, PairModel } from '../../packages/iceberg/test/interop/pairs-model.ts';
import { type Chooser, ourSteps } from '../../packages/iceberg/test/interop/pairs-our-steps.ts';
import { pairReaders } from '../../packages/iceberg/test/interop/pairs-pyiceberg.ts';
import { Random } from '../../packages/iceberg/test/interop/pairs-random.ts';
import { PairTable } from '../../packages/iceberg/test/interop/pairs-table.ts';

const seed = Number(process.env['DANUBE_SEED'] ?? 1);
const io = createLocalFileIO();
const identifier = { namespace: ['pairs'], name: 'after_java' };
let folder: string;
let java: JudgeProcess;
let python: JudgeProcess;
let readers: readonly PairReader[];

beforeAll(async () => {
  console.log(`DANUBE_SEED=${seed}`);
  folder = await mkdtemp(join(tmpdir(), 'after-java-'));
  java = startJavaJudge();
  python = startReaderJudge();
  const pyiceberg = pairReaders(python, ['pyiceberg']).map((reader) => ({
    ...reader,
    refusesEqualityDeletes: /equality/,
  }));
  readers = [javaReader(java), ...pyiceberg];
  await java.request('versions');
}, 60_000);

afterAll(async () => {
  await Promise.all([java.close(), python.close()]);
  await rm(folder, { recursive: true, force: true });
});

const byRegion = {
  'spec-id': 0,
  fields: [{ 'source-id': 3, 'field-id': 1000, name: 'region', transform: 'identity' }],
};

async function newJavaTable(name: string, formatVersion = '2'): Promise<JavaTable> {
  const warehouse = pathToFileURL(join(folder, name)).href;
  const catalog = { file: join(folder, `${name}.db`), warehouse, name: 'pairs' };
  const theirs = javaTable(java, { catalog, table: 'pairs.after_java' });
  await theirs.create({
    schema: pairSchema,
    spec: byRegion,
    properties: { 'format-version': formatVersion },
  });
  return theirs;
}

/** The table of now in a catalog of its own: what happens to it there, others do not see. */
async function ourTable(theirs: JavaTable, model: PairModel): Promise<PairTable> {
  const { metadataLocation } = await theirs.load();
  const catalog = createMemoryCatalog({ io, warehouse: pathToFileURL(folder).href });
  await catalog.createNamespace(identifier.namespace);
  await catalog.registerTable(identifier, metadataLocation);
  return new PairTable({ catalog, identifier, io, random: new Random(seed), writer: python, model });
}

interface JavaHistory {
  readonly theirs: JavaTable;
  readonly model: PairModel;
  /** Before the last commit to `main`. */
  readonly before: { readonly snapshotId: bigint; readonly rows: readonly ModelRow[] };
  /** Rows of branch `ahead` that `main` does not have. */
  readonly ahead: readonly ModelRow[];
  readonly staged: { readonly snapshotId: bigint; readonly rows: readonly ModelRow[] };
}

/** Everything that Java can do to a table, one after the other. */
async function makeHistory(): Promise<JavaHistory> {
  const theirs = await newJavaTable('history');
  const model = new PairModel();
  const random = new Random(seed);
  const append = async (count: number, options = {}): Promise<ModelRow[]> => {
    const rows = model.newRows(random, count);
    await theirs.append(model.printed(rows), random.pick(['append', 'fastAppend'] as const), options);
    if (!('branch' in options) && !('stageOnly' in options)) model.put(rows);
    return rows;
  };
  await append(6);
  const second = await append(6);
  await append(3);
  await theirs.commit({ type: 'delete', filter: { type: 'is-null', term: 'region' } });
  model.remove(model.matching({ type: 'is-null', term: 'region' }));
  const keys = second.filter(({ region }) => region !== null).slice(0, 2);
  const addDeletes = await theirs.writeEqualityDeletes(['id'], model.printed(keys));
  const renewed = keys.slice(1).map((row) => ({ ...row, n: '55' }));
  await theirs.commit({ type: 'rowDelta', addDeletes, add: await theirs.writeData(model.printed(renewed)) });
  model.remove(keys.map(({ id }) => id as string));
  model.put(renewed);
  for (const step of [
    { do: 'widen', name: 'n', type: 'long' },
    { do: 'rename', name: 'f', to: 'g' },
    { do: 'add', name: 'f', type: 'string' },
  ] as const) {
    await theirs.commit({ type: 'schema', changes: [step] });
    model.evolve(step);
  }
  const bucket = { do: 'add', name: 'p_day', source: 'ts', transform: 'day' };
  await theirs.commit({ type: 'spec', changes: [{ do: 'remove', name: 'region' }, bucket] });
  await append(4);
  await theirs.commit({ type: 'rewriteManifests', clusterBy: 'path' });
  await theirs.commit({ type: 'sortOrder', fields: [{ source: 'id', direction: 'desc' }] });
  await deleteFirstRow(theirs, model);
  const { snapshotId } = await theirs.load();
  const before = { snapshotId: BigInt(snapshotId!), rows: [...model.rows.values()] };
  await append(3);
  const head = (await theirs.load()).snapshotId;
  await theirs.commit({
    type: 'snapshots',
    changes: [
      { do: 'createBranch', name: 'ahead', snapshotId: head },
      { do: 'createTag', name: 'tagged', snapshotId: head },
    ],
  });
  const ahead = await append(2, { branch: 'ahead' });
  const staged = await append(2, { stageOnly: true, summary: { 'wap.id': 'w1' } });
  const { metadata } = await (await ourTable(theirs, model)).load();
  const stagedSnapshot = metadata.snapshots.find(({ summary }) => summary['wap.id'] === 'w1')!;
  return { theirs, model, before, ahead, staged: { snapshotId: stagedSnapshot.snapshotId, rows: staged } };
}

async function deleteFirstRow(theirs: JavaTable, model: PairModel): Promise<void> {
  const table = await ourTable(theirs, model);
  const tasks = await table.tasks();
  const task = tasks.find(({ deletes }) => deletes.length === 0)!;
  const [row] = await table.rowsOf(task);
  const addDeletes = await theirs.writePositionDeletes({ [task.dataFile.filePath]: [0] });
  await theirs.commit({ type: 'rowDelta', addDeletes });
  model.remove([row!['id'] as string]);
}

const plain =
  (operations: readonly TableOperation[], landed: (model: PairModel) => void = () => {}): Chooser =>
  async ({ model }) => ({ name: 'plain', operations, landed: () => landed(model) });

/** One new row in the partition of a file of the present spec: all other rows of that partition go. */
const replaceOnePartition: Chooser = async (table, metadata) => {
  const tasks = (await table.tasks()).filter(({ dataFile }) => dataFile.specId === metadata.defaultSpecId);
  const partition = (task: (typeof tasks)[number]) => String(task.dataFile.partition);
  const replaced = tasks.filter((task) => partition(task) === partition(tasks[0]!));
  const old = table.model.keyed((await Promise.all(replaced.map((task) => table.rowsOf(task)))).flat());
  const row = { ...table.model.newRows(table.random, 1)[0]!, ts: old[0]!['ts']! };
  const addDataFiles = await table.files(table.model.printed([row]));
  return {
    name: 'replacePartitions',
    operations: [replacePartitions({ addDataFiles })],
    landed: () => {
      table.model.remove(old.map(({ id }) => id as string));
      table.model.put([row]);
    },
  };
};

test('each kind of commit of ours, as the first on a table that Java alone wrote, leaves the right rows', {
  timeout: 180_000,
}, async () => {
  const { theirs, model, before, ahead, staged } = await makeHistory();
  await checkTable(await ourTable(theirs, model.copy()), readers);
  const kinds: Record<string, Chooser> = {
    ...ourSteps,
    replacePartitions: replaceOnePartition,
    replaceSortOrder: plain([replaceSortOrder((order) => order.asc('g').desc('n'))]),
    fastForward: plain([fastForward('main', 'ahead')], (all) => all.put(ahead)),
    cherryPick: plain([cherryPick(staged.snapshotId)], (all) => all.put(staged.rows)),
    expireSnapshots: plain([expireSnapshots({ olderThanMs: 0, cleanExpiredMetadata: true })]),
    rollback: plain([rollbackToSnapshot(before.snapshotId)], (all) => {
      all.remove([...all.rows.keys()]);
      all.put(before.rows);
    }),
  };
  for (const [kind, choose] of Object.entries(kinds)) {
    const table = await ourTable(theirs, model.copy());
    const step = await choose(table, (await table.load()).metadata);
    expect(step, kind).toBeDefined();
    await table.commit(step!.operations);
    step!.landed();
    await checkTable(table, readers).catch((error) => {
      (error as Error).message += `\nDANUBE_SEED=${seed}, after ${kind}: ${step!.name}`;
      throw error;
    });
  }
});

test('a v3 table of Java with deletion vectors is read, and every commit to it refused before anything is written', {
  timeout: 60_000,
}, async () => {
  const theirs = await newJavaTable('v3', '3');
  const model = new PairModel();
  const rows: ModelRow[] = model.newRows(new Random(seed), 8).map((row) => ({ ...row, region: 's:eu' }));
  await theirs.append(model.printed(rows));
  model.put(rows);
  const [file] = (await theirs.plan()).map(({ path }) => path);
  const { files } = await theirs.writeDeletionVectors({ [file!]: [0, [3, 5]] });
  await theirs.commit({ type: 'rowDelta', addDeletes: files });
  model.remove([0, 3, 4].map((position) => rows[position]!['id'] as string));
  const table = await ourTable(theirs, model);
  await checkTable(table, [javaReader(java)]);

  const { metadata } = await table.load();
  const metadataFolder = fileURLToPath(`${metadata.location}/metadata`);
  const filesBefore = await readdir(metadataFolder);
  const dataFiles = await table.files(model.printed(rows));
  for (const operation of [
    fastAppend({ dataFiles }),
    updateProperties({ set: { a: 'b' } }),
    updateSchema((change) => change.dropColumn('n')),
  ]) {
    await expect(table.commit([operation])).rejects.toMatchObject({
      code: 'UNSUPPORTED_FORMAT_VERSION',
      message: expect.stringContaining('format version 3'),
    });
  }
  expect(await readdir(metadataFolder)).toEqual(filesBefore);
});

test('rows that Java deletes by key while we compact them into another partition spec stay deleted', {
  timeout: 60_000,
}, async () => {
  const theirs = await newJavaTable('specs');
  const model = new PairModel();
  const rows: ModelRow[] = model.newRows(new Random(seed), 6).map((row) => ({ ...row, region: 's:eu' }));
  await theirs.append(model.printed(rows));
  const day = { do: 'add', name: 'p_day', source: 'ts', transform: 'day' };
  await theirs.commit({ type: 'spec', changes: [{ do: 'remove', name: 'region' }, day] });
  const table = await ourTable(theirs, model);
  const base = await table.load();
  const [task] = await table.tasks();
  const addDataFiles = await table.files(await table.rowsOf(task!));

  // A writer of the old spec, as a job that runs since before the change: its deletes concern files of that spec alone.
  const addDeletes = await theirs.writeEqualityDeletes(['id'], model.printed(rows.slice(0, 2)), {
    specId: 0,
  });
  const { metadataLocation } = await theirs.commit({ type: 'rowDelta', addDeletes });
  await table.catalog.dropTable(identifier);
  await table.catalog.registerTable(identifier, metadataLocation);

  const compaction = rewriteFiles({ removeDataFiles: [task!.dataFile], addDataFiles });
  await expect(table.commit([compaction], { base })).rejects.toMatchObject({ code: 'COMMIT_CONFLICT' });
  model.put(rows.slice(2));
  await checkTable(table, readers);
  expect((await loadTableMetadata(io, metadataLocation)).defaultSpecId).toBe(1);
});
