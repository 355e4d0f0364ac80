import { currentSnapshot, type TableMetadata } from '../../src/index.ts';
import { JudgeError, type JudgeProcess } from './judge-process.ts';
import type { PairReader } from './pairs-checks.ts';
import type { Filter, SchemaStep } from './pairs-model.ts';
import { chooseSpecStep } from './pairs-our-steps.ts';
import type { PairTable } from './pairs-table.ts';
import type { Partner, TheirStep } from './pairs-turns.ts';

/** PyIceberg, DuckDB and iceberg-rust in that process. */
export function pairReaders(judge: JudgeProcess, names: readonly string[]): PairReader[] {
  return names.map((name) => ({
    name,
    readsSnapshots: name === 'pyiceberg',
    lagsBehindSchema: name === 'rust',
    rows: (metadata, snapshotId) =>
      judge.request(name, {
        metadata,
        ...(snapshotId === undefined ? {} : { snapshotId: String(snapshotId) }),
      }),
  }));
}

/** `pairs_judge.py` as the other writer of tables in a catalog.db. */
export function pyicebergPartner(judge: JudgeProcess, where: { file: string; warehouse: string }): Partner {
  const ask = (table: PairTable, op: string, request: object = {}) =>
    judge.request<void>(op, { ...where, table: `pairs.${table.identifier.name}`, ...request });
  return {
    step: (table) =>
      choose(table, ask, ['append', 'append', 'delete', 'delete', 'overwrite', 'evolve', 'properties']),
    meanwhile: (table) =>
      choose(table, ask, ['append', 'append', 'delete', 'overwrite', 'evolve', 'properties']),
    lateStep: (table, between) => late(table, ask, between),
    async expire(table) {
      await ask(table, 'expire', { snapshotIds: olderSnapshots((await table.load()).metadata, 3) });
    },
  };
}

type Ask = (table: PairTable, op: string, request?: object) => Promise<void>;

/** Snapshots that no ref points at, but the newest. */
export function olderSnapshots(metadata: TableMetadata, kept: number): string[] {
  const heads = new Set(Object.values(metadata.refs).map(({ snapshotId }) => snapshotId));
  const free = metadata.snapshots.map(({ snapshotId }) => snapshotId).filter((id) => !heads.has(id));
  return free.slice(0, -kept).map(String);
}

function choose(table: PairTable, ask: Ask, kinds: readonly string[]): Promise<TheirStep> {
  switch (table.random.pick(kinds)) {
    case 'append':
      return append(table, ask);
    case 'delete':
      return remove(table, ask);
    case 'overwrite':
      return overwrite(table, ask);
    case 'evolve':
      return evolve(table, ask);
    default:
      return setProperty(table, ask);
  }
}

async function append(table: PairTable, ask: Ask): Promise<TheirStep> {
  const rows = table.model.newRows(table.random, table.random.integer(1, 6));
  await ask(table, 'append', { rows: table.model.printed(rows) });
  table.model.put(rows);
  return { name: `append of ${rows.length}` };
}

/** Rows of a file near our commit, or any filter. */
async function chooseFilter(table: PairTable): Promise<Filter> {
  const task = table.near.size > 0 ? await table.oneTask() : undefined;
  const ids = task === undefined ? [] : (await table.rowsOf(task)).map(({ id }) => Number(id));
  return ids.length > 0
    ? { type: 'in', term: 'id', values: table.random.some(ids, 2) }
    : table.model.chooseFilter(table.random);
}

async function remove(table: PairTable, ask: Ask, request: object = {}): Promise<TheirStep> {
  const filter = await chooseFilter(table);
  await ask(table, 'delete', { filter, ...request });
  const ids = table.model.matching(filter);
  table.model.remove(ids);
  return { name: `delete ${JSON.stringify(filter)} of ${ids.length}` };
}

async function overwrite(table: PairTable, ask: Ask): Promise<TheirStep> {
  const filter = await chooseFilter(table);
  const rows = table.model.newRows(table.random, 2);
  await ask(table, 'overwrite', { filter, rows: table.model.printed(rows) });
  table.model.remove(table.model.matching(filter));
  table.model.put(rows);
  return { name: `overwrite ${JSON.stringify(filter)}` };
}

async function evolve(table: PairTable, ask: Ask): Promise<TheirStep> {
  if (table.random.chance(0.5)) {
    const step = table.model.chooseSchemaStep(table.random);
    await ask(table, 'evolve', { schema: [pythonStep(step)] });
    table.model.evolve(step);
    return { name: `schema: ${JSON.stringify(step)}`, evolved: 'schema' };
  }
  const step = chooseSpecStep(table.random, (await table.load()).metadata);
  const spec =
    step.do === 'add' ? ['addField', step.source, step.transform, step.name] : ['removeField', step.name];
  await ask(table, 'evolve', { spec: [spec] });
  return { name: `spec: ${JSON.stringify(step)}`, evolved: 'spec' };
}

/** In the form of evolution_judge.py. */
function pythonStep(step: SchemaStep): unknown[] {
  if (step.do === 'add') return ['addColumn', [step.name], step.type, null];
  if (step.do === 'rename') return ['renameColumn', [step.name], step.to];
  return step.do === 'widen' ? ['widenColumn', [step.name], step.type] : ['dropColumn', [step.name]];
}

async function setProperty(table: PairTable, ask: Ask): Promise<TheirStep> {
  await ask(table, 'properties', { set: { 'pairs.theirs': String(table.random.next()) } });
  return { name: 'a property' };
}

/** The second when a branch got a snapshot meanwhile: PyIceberg's catalog finds the number taken, and does not try again. */
const refusals = /^CommitFailedException|^ValueError: Cannot add snapshot with sequence number/;

/** A commit of theirs on a table that we changed since they loaded it: PyIceberg tries again, or refuses. */
async function late(table: PairTable, ask: Ask, between: () => Promise<void>): Promise<TheirStep> {
  const { metadata } = await table.load();
  if (currentSnapshot(metadata) === undefined) return append(table, ask);
  const rows = table.model.newRows(table.random, 3);
  const printed = table.model.printed(rows);
  await ask(table, 'hold');
  await between();
  try {
    await ask(table, 'append', { rows: printed, held: true });
    table.model.put(rows);
    return { name: 'late append of 3' };
  } catch (error) {
    if (!(error instanceof JudgeError) || !refusals.test(`${error.name}: ${error.message}`)) throw error;
    return { name: `late append, refused: ${error.message}` };
  }
}
