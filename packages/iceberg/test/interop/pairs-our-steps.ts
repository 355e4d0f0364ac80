import {
  createBranch,
  createFileMatcher,
  createTag,
  currentSchema,
  type DataFile,
  defaultPartitionSpec,
  deleteDataFiles,
  type FileScanTask,
  fastAppend,
  mergeAppend,
  overwriteFiles,
  rewriteFiles,
  rewriteManifests,
  type TableMetadata,
  type TableOperation,
  updatePartitionSpec,
  updateProperties,
  updateSchema,
} from '../../src/index.ts';
import type { PrintedRow } from '../support/printed.ts';
import { expressionOf, type Filter, type SchemaStep } from './pairs-model.ts';
import type { Random } from './pairs-random.ts';
import type { PairTable } from './pairs-table.ts';

/** A commit of ours, decided on the state of now, and what it does to the model when it lands. */
export interface OurStep {
  readonly name: string;
  readonly operations: readonly TableOperation[];
  /** Data files that must still be there when it lands. */
  readonly named?: readonly DataFile[];
  /** Whole files are removed by this filter, of those that are there when it lands. */
  readonly filter?: Filter;
  /** Whether a delete file that others make meanwhile for the named files is a conflict. */
  readonly refusesDeletes?: (deletes: DataFile) => boolean;
  readonly refusesAppends?: boolean;
  readonly evolves?: 'schema' | 'spec';
  landed(): void;
}

export type SpecStep =
  | { readonly do: 'add'; readonly name: string; readonly source: string; readonly transform: string }
  | { readonly do: 'remove'; readonly name: string };

/** Makes a step of what is there, or gives up when there is nothing to do it with. */
export type Chooser = (table: PairTable, metadata: TableMetadata) => Promise<OurStep | undefined>;

const append =
  (name: string, operation: typeof fastAppend): Chooser =>
  async (table) => {
    const rows = table.model.newRows(table.random, table.random.integer(0, 5));
    const dataFiles = await table.files(table.model.printed(rows));
    return { name, operations: [operation({ dataFiles })], landed: () => table.model.put(rows) };
  };

const deleteByFilter: Chooser = async (table, metadata) => {
  const tasks = await table.tasks(metadata);
  for (let attempt = 0; attempt < 8; attempt += 1) {
    const filter = table.model.chooseFilter(table.random);
    const found = matchesOf(filter, metadata, tasks);
    if (found.includes('maybe-some') || !found.includes('all')) continue;
    return {
      name: `delete ${JSON.stringify(filter)}`,
      operations: [deleteDataFiles({ filter: expressionOf(filter) })],
      filter,
      landed: () => table.model.remove(table.model.matching(filter)),
    };
  }
  return deleteFiles(table, metadata);
};

export function matchesOf(filter: Filter, metadata: TableMetadata, tasks: readonly FileScanTask[]) {
  const match = createFileMatcher(expressionOf(filter), currentSchema(metadata), metadata.partitionSpecs);
  return tasks.map(({ dataFile }) => match(dataFile));
}

const idsOf = (rows: readonly PrintedRow[]) => rows.map((row) => row['id'] as string);

const deleteFiles: Chooser = async (table, metadata) => {
  const tasks = table.random.some(await table.tasks(metadata), 1);
  if (tasks.length === 0) return undefined;
  const files = tasks.map(({ dataFile }) => dataFile);
  const ids = idsOf((await Promise.all(tasks.map((task) => table.rowsOf(task)))).flat());
  const rows = ids.map((id) => table.model.rows.get(id));
  return {
    name: `delete of a file with ids ${ids}`,
    operations: [
      deleteDataFiles(table.random.chance(0.5) ? { files } : { paths: files.map((file) => file.filePath) }),
    ],
    named: files,
    // Rows that others renewed meanwhile are in other files.
    landed: () => table.model.remove(ids.filter((id, i) => table.model.rows.get(id) === rows[i])),
  };
};

/** Deletes that concern replaced files, and none that stays. */
export function idleDeletes(all: readonly FileScanTask[], replaced: readonly FileScanTask[]): DataFile[] {
  const deletesOf = (tasks: readonly FileScanTask[]) =>
    new Map(tasks.flatMap(({ deletes }) => deletes.map(({ dataFile }) => [dataFile.filePath, dataFile])));
  const needed = deletesOf(all.filter((task) => !replaced.includes(task)));
  return [...deletesOf(replaced)].filter(([path]) => !needed.has(path)).map(([, file]) => file);
}

const compact: Chooser = async (table, metadata) => {
  const all = await table.tasks(metadata);
  const tasks = table.random.some(all, table.random.integer(1, 4));
  if (tasks.length === 0) return undefined;
  const rows = (await Promise.all(tasks.map((task) => table.rowsOf(task)))).flat();
  const named = tasks.map(({ dataFile }) => dataFile);
  const removeDeleteFiles = idleDeletes(all, tasks);
  const addDataFiles = await table.files(rows);
  const ownNumber = table.random.chance(0.3);
  return {
    name: `compaction of ${named.length} files, ${removeDeleteFiles.length} of deletes, into ${addDataFiles.length}`,
    operations: [
      rewriteFiles({
        removeDataFiles: named,
        removeDeleteFiles,
        addDataFiles,
        ...(ownNumber ? { dataSequenceNumber: 'commit' } : {}),
      }),
    ],
    named,
    refusesDeletes: ({ content, specId, partition }) =>
      ownNumber ||
      content === 'position-deletes' ||
      // Deletes by key reach the new files, too, but not across specs.
      (partition.length > 0 && addDataFiles.some((file) => file.specId !== specId)),
    landed: () => {},
  };
};

/** Copy on write: some rows of a file get another `n`, or are dropped. */
const changeRows: Chooser = async (table, metadata) => {
  const [task] = table.random.some(await table.tasks(metadata), 1);
  if (task === undefined) return undefined;
  const rows = await table.rowsOf(task);
  const { columns } = table.model;
  const column = columns.find(({ type }) => type === 'int' || (type === 'long' && columns.length > 3));
  const kept = rows.filter(() => table.random.chance(0.7));
  const name = column !== undefined && column.name !== 'id' ? column.name : undefined;
  const changed = name === undefined ? kept : kept.map((row) => ({ ...row, [name]: '77' }));
  const addDataFiles = await table.files(changed);
  const refusesAppends = table.random.chance(0.3);
  return {
    name: `overwrite of ${rows.length} rows by ${changed.length}`,
    operations: [
      overwriteFiles({
        removeDataFiles: [task.dataFile],
        addDataFiles,
        validateNoConflictingDeletes: true,
        validateNoConflictingData: refusesAppends,
      }),
    ],
    named: [task.dataFile],
    refusesDeletes: () => true,
    refusesAppends,
    landed: () => {
      table.model.remove(idsOf(rows));
      table.model.put(table.model.keyed(changed, columns));
    },
  };
};

const layManifestsOut: Chooser = async ({ random }) => ({
  name: 'rewrite of manifests',
  operations: [
    random.chance(0.5)
      ? rewriteManifests()
      : rewriteManifests({ clusterBy: (file) => file.filePath.slice(-12, -8) }),
  ],
  landed: () => {},
});

const evolveSchema: Chooser = async (table) => {
  const step = table.model.chooseSchemaStep(table.random);
  return {
    name: `schema: ${JSON.stringify(step)}`,
    operations: [schemaOperation(step)],
    evolves: 'schema',
    landed: () => table.model.evolve(step),
  };
};

function schemaOperation(step: SchemaStep): TableOperation {
  return updateSchema((schema) => {
    if (step.do === 'add') schema.addColumn(step.name, { type: step.type });
    else if (step.do === 'rename') schema.renameColumn(step.name, step.to);
    else if (step.do === 'widen') schema.widenColumn(step.name, step.type);
    else schema.dropColumn(step.name);
  });
}

const partitionFields = [
  { name: 'region', source: 'region', transform: 'identity' },
  { name: 'p_bucket', source: 'id', transform: 'bucket[3]' },
  { name: 'p_truncate', source: 'id', transform: 'truncate[20]' },
  { name: 'p_day', source: 'ts', transform: 'day' },
];

/**
 * Adds a field of the list, or removes one that is there. PyIceberg takes but one of a column. Where removed fields stay
 * as void ones (v1), Iceberg Java 1.12.0 does not find its own files again once all are void, and to `revive` one it
 * makes a spec with the same id twice.
 */
export function chooseSpecStep(random: Random, metadata: TableMetadata, { revive = true } = {}): SpecStep {
  const { fields } = defaultPartitionSpec(metadata);
  const names = fields.map(({ name }) => name);
  const present = fields.filter(({ transform }) => transform !== 'void').map(({ name }) => name);
  const fresh = partitionFields.filter(({ name }) => !names.includes(name));
  const open = partitionFields.filter(
    (field) => revive || fresh.includes(field) || present.includes(field.name),
  );
  const field = random.pick(open);
  const rival = partitionFields.find(({ name, source }) => source === field.source && present.includes(name));
  if (rival === undefined) return { do: 'add', ...field };
  if (present.length > 1 || fields.length === 1) return { do: 'remove', name: rival.name };
  return { do: 'add', ...fresh.find(({ source }) => source !== rival.source)! };
}

const evolveSpec: Chooser = async ({ random }, metadata) => {
  const step = chooseSpecStep(random, metadata);
  return {
    name: `spec: ${JSON.stringify(step)}`,
    operations: [
      updatePartitionSpec((spec) => {
        if (step.do === 'add') spec.addField(step.source, step.transform, step.name);
        else spec.removeField(step.name);
      }),
    ],
    evolves: 'spec',
    landed: () => {},
  };
};

const setProperty: Chooser = async ({ random }) => ({
  name: 'a property',
  operations: [updateProperties({ set: { 'pairs.ours': String(random.next()) } })],
  landed: () => {},
});

/** A tag at `main`, or a branch that goes one append further. */
const ref: Chooser = async (table, metadata) => {
  if (metadata.currentSnapshotId === undefined) return undefined;
  const name = `ref-${table.log.length}`;
  const rows = [...table.model.rows.values()];
  if (table.random.chance(0.5)) {
    const operations = [createTag(name, { at: metadata.currentSnapshotId })];
    return { name: 'a tag', operations, landed: () => table.refs.set(name, rows) };
  }
  const more = table.model.newRows(table.random, 2);
  const dataFiles = await table.files(table.model.printed(more));
  return {
    name: 'a branch with an append',
    operations: [
      createBranch(name, { at: metadata.currentSnapshotId }),
      fastAppend({ dataFiles, branch: name }),
    ],
    landed: () => table.refs.set(name, [...rows, ...more]),
  };
};

export const ourSteps = {
  fastAppend: append('fast append', fastAppend),
  mergeAppend: append('merge append', mergeAppend),
  deleteByFilter,
  deleteFiles,
  rewriteFiles: compact,
  overwriteFiles: changeRows,
  rewriteManifests: layManifestsOut,
  updateSchema: evolveSchema,
  updatePartitionSpec: evolveSpec,
  updateProperties: setProperty,
  ref,
} satisfies Record<string, Chooser>;

/** Appends come more often, and what others may be in the way of. */
export const weightedSteps: readonly Chooser[] = [
  ...Object.values(ourSteps),
  ourSteps.fastAppend,
  ourSteps.rewriteFiles,
  ourSteps.rewriteFiles,
  ourSteps.overwriteFiles,
];
