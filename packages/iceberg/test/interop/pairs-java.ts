import type { DataFile, FileScanTask } from '../../src/index.ts';
import type { PrintedRow } from '../support/printed.ts';
import { type JavaAction, type JavaTable, javaTable } from './java-table.ts';
import { JudgeError, type JudgeProcess } from './judge-process.ts';
import type { PairReader } from './pairs-checks.ts';
import type { Filter } from './pairs-model.ts';
import { chooseSpecStep, idleDeletes, matchesOf } from './pairs-our-steps.ts';
import { olderSnapshots } from './pairs-pyiceberg.ts';
import type { PairTable } from './pairs-table.ts';
import type { Partner, TheirStep } from './pairs-turns.ts';

/** Of every table that Java makes for these tests. */
export const pairSchema = {
  type: 'struct',
  fields: [
    { id: 1, name: 'id', required: true, type: 'long' },
    { id: 2, name: 'ts', required: true, type: 'timestamptz' },
    { id: 3, name: 'region', required: false, type: 'string' },
    { id: 4, name: 'n', required: false, type: 'int' },
    { id: 5, name: 'f', required: false, type: 'float' },
  ],
};

/** Iceberg Java in that process, reading metadata files. */
export function javaReader(java: JudgeProcess): PairReader {
  return {
    name: 'java',
    readsSnapshots: true,
    rows: (metadata, snapshotId) =>
      javaTable(java, { metadata }).rows(snapshotId === undefined ? {} : { snapshotId }),
  };
}

type Step = (table: PairTable, java: JavaTable) => Promise<TheirStep>;

/** Iceberg Java as the other writer: with deletes of rows, which neither PyIceberg nor we write. */
export function javaPartner(java: JavaTable): Partner {
  const choose = (table: PairTable, steps: readonly Step[]) => table.random.pick(steps)(table, java);
  return {
    step: (table) => choose(table, [...steps, rewriteManifests]),
    meanwhile: (table) => choose(table, steps),
    lateStep: (table, between) => late(table, java, between),
    async expire(table) {
      const snapshotIds = olderSnapshots((await table.load()).metadata, 3);
      if (snapshotIds.length > 0) await java.commit({ type: 'expire', snapshotIds });
    },
  };
}

const append: Step = async (table, java) => {
  const rows = table.model.newRows(table.random, table.random.integer(1, 6));
  await java.append(table.model.printed(rows), table.random.pick(['append', 'fastAppend'] as const));
  table.model.put(rows);
  return { name: `append of ${rows.length}` };
};

const idsOf = (rows: readonly PrintedRow[]) => rows.map((row) => row['id'] as string);

/** A filter that no file matches in part; Java refuses others, as we do. */
async function wholeFilter(table: PairTable): Promise<Filter | undefined> {
  const { metadata } = await table.load();
  const tasks = await table.tasks(metadata);
  const filters = Array.from({ length: 8 }, () => table.model.chooseFilter(table.random));
  return filters.find((filter) => !matchesOf(filter, metadata, tasks).includes('maybe-some'));
}

const remove: Step = async (table, java) => {
  const filter = await wholeFilter(table);
  if (filter === undefined) return removeFile(table, java);
  await java.commit({ type: 'delete', filter });
  table.model.remove(table.model.matching(filter));
  return { name: `delete ${JSON.stringify(filter)}` };
};

const removeFile: Step = async (table, java) => {
  const task = await table.oneTask();
  if (task === undefined) return append(table, java);
  const ids = idsOf(await table.rowsOf(task));
  await java.commit({ type: 'delete', remove: [task.dataFile.filePath], validateExist: true });
  table.model.remove(ids);
  return { name: `delete of a file with ids ${ids}` };
};

const overwrite: Step = async (table, java) => {
  const filter = await wholeFilter(table);
  if (filter === undefined) return append(table, java);
  const rows = table.model.newRows(table.random, 2);
  const add = await java.writeData(table.model.printed(rows));
  await java.commit({ type: 'overwrite', filter, add });
  table.model.remove(table.model.matching(filter));
  table.model.put(rows);
  return { name: `overwrite ${JSON.stringify(filter)}` };
};

/** Deletes of some live rows of a file by their places in it, not committed yet. */
async function positionDeletes(table: PairTable, java: JavaTable, task: FileScanTask) {
  const live = idsOf(await table.rowsOf(task));
  const ids = table.random.some(live, table.random.integer(1, 2));
  const stored = idsOf(await table.rowsOf({ ...task, deletes: [] }));
  const positions = ids.map((id) => stored.indexOf(id)).sort((a, b) => a - b);
  const files =
    ids.length === 0 ? [] : await java.writePositionDeletes({ [task.dataFile.filePath]: positions });
  return { ids, files };
}

const deletePositions: Step = async (table, java) => {
  const task = await table.oneTask();
  if (task === undefined) return append(table, java);
  const { ids, files } = await positionDeletes(table, java, task);
  if (files.length === 0) return append(table, java);
  await java.commit({ type: 'rowDelta', addDeletes: files });
  table.model.remove(ids);
  return { name: `position deletes of ids ${ids}` };
};

/**
 * Deletes of rows of a file by key, and often the same rows anew with other values. Written in the spec of the file: in
 * another they would not concern it.
 */
const deleteKeys: Step = async (table, java) => {
  const task = await table.oneTask();
  const live = task === undefined ? [] : table.model.keyed(await table.rowsOf(task));
  const old = table.random.some(live, table.random.integer(1, 2));
  if (task === undefined || old.length === 0) return append(table, java);
  const ids = old.map((row) => row['id'] as string);
  const { specId } = task.dataFile;
  const addDeletes = await java.writeEqualityDeletes(['id'], table.model.printed(old), { specId });
  const renewed = table.random.chance(0.6) ? old.map((row) => ({ ...row, n: '55' })) : [];
  const add = renewed.length === 0 ? [] : await java.writeData(table.model.printed(renewed));
  await java.commit({ type: 'rowDelta', addDeletes, add });
  table.model.remove(ids);
  table.model.put(renewed);
  return { name: `equality deletes of ids ${ids}${renewed.length > 0 ? ', with new rows' : ''}` };
};

/** Files and the deletes that concern them alone, by one file for each partition. */
const compact: Step = async (table, java) => {
  const all = await table.tasks();
  const tasks = table.random.some(all, 3);
  if (tasks.length === 0) return append(table, java);
  const rows = (await Promise.all(tasks.map((task) => table.rowsOf(task)))).flat();
  const paths = (files: readonly DataFile[]) => files.map(({ filePath }) => filePath);
  const { snapshotId } = await java.load();
  await java.commit({
    type: 'rewriteFiles',
    // Else Java looks for changes since the first snapshot, which may be expired.
    validateFrom: snapshotId,
    remove: paths(tasks.map(({ dataFile }) => dataFile)),
    removeDeletes: paths(idleDeletes(all, tasks)),
    add: rows.length === 0 ? [] : await java.writeData(rows),
  });
  return { name: `compaction of ${tasks.length} files` };
};

const rewriteManifests: Step = async (table, java) => {
  if ((await table.tasks()).length === 0) return append(table, java);
  await java.commit({ type: 'rewriteManifests', clusterBy: table.random.pick(['path', 'all']) });
  return { name: 'rewrite of manifests' };
};

const evolve: Step = async (table, java) => {
  if (table.random.chance(0.5)) {
    const step = table.model.chooseSchemaStep(table.random);
    await java.commit({ type: 'schema', changes: [step] });
    table.model.evolve(step);
    return { name: `schema: ${JSON.stringify(step)}`, evolved: 'schema' };
  }
  const step = chooseSpecStep(table.random, (await table.load()).metadata, { revive: false });
  await java.commit({ type: 'spec', changes: [step] });
  return { name: `spec: ${JSON.stringify(step)}`, evolved: 'spec' };
};

const setProperty: Step = async (table, java) => {
  await java.commit({ type: 'properties', set: { 'pairs.theirs': String(table.random.next()) } });
  return { name: 'a property' };
};

const steps: readonly Step[] = [
  append,
  append,
  remove,
  overwrite,
  deletePositions,
  deletePositions,
  deleteKeys,
  deleteKeys,
  compact,
  evolve,
  setProperty,
];

/** A commit staged before one of ours: Java makes it again on top, or refuses where a file of its deletes is gone. */
async function late(table: PairTable, java: JavaTable, between: () => Promise<void>): Promise<TheirStep> {
  const task = await table.oneTask();
  if (task === undefined || table.random.chance(0.5)) return lateAppend(table, java, between);
  const { snapshotId } = await java.load();
  const { ids, files } = await positionDeletes(table, java, task);
  if (files.length === 0) return lateAppend(table, java, between);
  const path = task.dataFile.filePath;
  const action: JavaAction = {
    type: 'rowDelta',
    addDeletes: files,
    validateFrom: snapshotId,
    validateExist: [path],
    validateDeleted: true,
  };
  await java.commit(action, { stage: 'late' });
  await between();
  try {
    await java.commitStaged('late');
  } catch (error) {
    if (!(error instanceof JudgeError) || error.name !== 'ValidationException') throw error;
    return { name: `late position deletes of ids ${ids}, refused` };
  }
  table.model.remove(ids);
  return { name: `late position deletes of ids ${ids}` };
}

async function lateAppend(
  table: PairTable,
  java: JavaTable,
  between: () => Promise<void>,
): Promise<TheirStep> {
  const rows = table.model.newRows(table.random, 3);
  const add = await java.writeData(table.model.printed(rows));
  await java.commit({ type: 'append', add }, { stage: 'late' });
  await between();
  await java.commitStaged('late');
  table.model.put(rows);
  return { name: 'late append of 3' };
}
