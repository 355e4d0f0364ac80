import {
  cherryPick,
  createBranch,
  createTag,
  currentSchema,
  deleteDataFiles,
  eq,
  expireSnapshots,
  fastAppend,
  fastForward,
  mergeAppend,
  type OverwriteFilesOptions,
  overwriteFiles,
  removeRef,
  replaceBranch,
  replacePartitions,
  replaceSortOrder,
  rewriteFiles,
  rewriteManifests,
  rollbackToSnapshot,
  setRefRetention,
  type TableMetadata,
  type TableOperation,
  updatePartitionSpec,
  updateProperties,
  updateSchema,
} from '../../src/index.ts';
import { dataFile, equalityDeletes, positionDeletes, rowDelta } from '../support/transaction-table.ts';

/** Files of the table that all cells of the concurrency table begin with. */
export const a1 = dataFile('a1', 'a', [0, 9]);
export const a2 = dataFile('a2', 'a', [10, 19]);
export const b1 = dataFile('b1', 'b', [20, 29]);
export const b2 = dataFile('b2', 'b', [30, 39]);
export const c1 = dataFile('c1', 'c', [40, 49]);

/** Ids in the starting table: its head, the one before, and the one after on a branch. */
export interface StartIds {
  readonly head: bigint;
  readonly previous: bigint;
  /** The head of branch `ahead`: on top of the head of main, with file d1. */
  readonly ahead: bigint;
}

/** An operation as a row of the table. */
export interface RowOperation {
  readonly make: (ids: StartIds) => TableOperation;
  /** The live files of `main` after it, given those of the state it lands on. */
  readonly live: (files: readonly string[], column: string) => readonly string[];
  /** True of a table it was committed to. */
  readonly holds?: (metadata: TableMetadata) => boolean;
}

const start = ['a1', 'a2', 'b1', 'b2', 'c1'];
const n1 = dataFile('n1', 'a', [0, 9]);
const r = { ...dataFile('r', 'a', [0, 19]), recordCount: 20 };

const adding =
  (...names: string[]) =>
  (files: readonly string[]): readonly string[] => [...files, ...names];
const without =
  (...names: string[]) =>
  (files: readonly string[]): readonly string[] =>
    files.filter((name) => !names.includes(name));
/** All files of category a go: their names begin so. */
const withoutA = (files: readonly string[]): readonly string[] =>
  files.filter((name) => !name.startsWith('a'));
const same = (files: readonly string[]): readonly string[] => files;

function overwriteFilter(validations: Partial<OverwriteFilesOptions>): RowOperation {
  return {
    make: () => overwriteFiles({ filter: eq('category', 'a'), addDataFiles: [n1], ...validations }),
    live: (files) => [...withoutA(files), 'n1'],
  };
}

function overwriteNamed(validations: Partial<OverwriteFilesOptions>): RowOperation {
  return {
    make: () => overwriteFiles({ removeDataFiles: [a1], addDataFiles: [n1], ...validations }),
    live: (files) => [...without('a1')(files), 'n1'],
  };
}

/** What a caller decided on the starting table. */
export const rowOperations: Readonly<Record<string, RowOperation>> = {
  fastAppend: { make: () => fastAppend({ dataFiles: [n1] }), live: adding('n1') },
  mergeAppend: { make: () => mergeAppend({ dataFiles: [n1] }), live: adding('n1') },
  'deleteDataFiles, files': { make: () => deleteDataFiles({ files: [a1] }), live: without('a1') },
  'deleteDataFiles, paths': { make: () => deleteDataFiles({ paths: [a1.filePath] }), live: without('a1') },
  'deleteDataFiles, filter': {
    make: () => deleteDataFiles({ filter: eq('category', 'a') }),
    live: withoutA,
  },
  'overwriteFiles, filter': overwriteFilter({}),
  'overwriteFiles, filter, no conflicting data': overwriteFilter({ validateNoConflictingData: true }),
  'overwriteFiles, filter, no conflicting deletes': overwriteFilter({ validateNoConflictingDeletes: true }),
  'overwriteFiles, files': overwriteNamed({}),
  'overwriteFiles, files, no conflicting data': overwriteNamed({ validateNoConflictingData: true }),
  'overwriteFiles, files, no conflicting data of a': overwriteNamed({
    validateNoConflictingData: true,
    conflictDetectionFilter: eq('category', 'a'),
  }),
  'overwriteFiles, files, no conflicting deletes': overwriteNamed({ validateNoConflictingDeletes: true }),
  replacePartitions: {
    make: () => replacePartitions({ addDataFiles: [n1] }),
    live: (files) => [...withoutA(files), 'n1'],
  },
  'replacePartitions, both validations': {
    make: () =>
      replacePartitions({
        addDataFiles: [n1],
        validateNoConflictingData: true,
        validateNoConflictingDeletes: true,
      }),
    live: (files) => [...withoutA(files), 'n1'],
  },
  rewriteFiles: {
    make: () => rewriteFiles({ removeDataFiles: [a1, a2], addDataFiles: [r] }),
    live: (files) => [...without('a1', 'a2')(files), 'r'],
  },
  'rewriteFiles, number of the commit': {
    make: () => rewriteFiles({ removeDataFiles: [a1, a2], addDataFiles: [r], dataSequenceNumber: 'commit' }),
    live: (files) => [...without('a1', 'a2')(files), 'r'],
  },
  rewriteManifests: { make: () => rewriteManifests(), live: same },
  updateSchema: {
    make: () => updateSchema((schema) => schema.addColumn('ours', { type: 'string' })),
    live: same,
    holds: (metadata) => currentSchema(metadata).fields.some(({ name }) => name === 'ours'),
  },
  updatePartitionSpec: {
    make: () => updatePartitionSpec((spec) => spec.addField('id', 'bucket[4]')),
    live: same,
    holds: ({ partitionSpecs }) =>
      partitionSpecs.some(({ fields }) => fields.some(({ transform }) => transform === 'bucket[4]')),
  },
  replaceSortOrder: {
    make: () => replaceSortOrder((order) => order.asc('id')),
    live: same,
    holds: ({ defaultSortOrderId }) => defaultSortOrderId > 0,
  },
  updateProperties: {
    make: () => updateProperties({ set: { ours: '1' } }),
    live: same,
    holds: ({ properties }) => properties.ours === '1',
  },
  'createTag at main': {
    make: () => createTag('ours'),
    live: same,
    holds: ({ refs, currentSnapshotId }) => refs.ours?.snapshotId === currentSnapshotId,
  },
  rollbackToSnapshot: {
    make: ({ previous }) => rollbackToSnapshot(previous),
    live: () => ['a1', 'a2', 'b1', 'b2'],
  },
  'fastForward of main': {
    make: () => fastForward('main', 'ahead'),
    live: (_, column) => [...start, 'd1', ...(column === 'branch-append' ? ['d2'] : [])],
  },
  cherryPick: { make: ({ ahead }) => cherryPick(ahead), live: adding('d1') },
  'rewriteFiles on a branch': {
    make: () => rewriteFiles({ removeDataFiles: [a1, a2], addDataFiles: [r], branch: 'ahead' }),
    live: same,
    holds: ({ refs, snapshots }) => snapshots.at(-1)?.snapshotId === refs.ahead?.snapshotId,
  },
  'replaceBranch by main': {
    make: () => replaceBranch('ahead', 'main'),
    live: same,
    holds: ({ refs }) => refs.ahead?.snapshotId === refs.main?.snapshotId,
  },
  removeRef: {
    make: () => removeRef('ahead'),
    live: same,
    holds: ({ refs }) => refs.ahead === undefined,
  },
  'setRefRetention of main': {
    make: () => setRefRetention('main', { minSnapshotsToKeep: 3 }),
    live: same,
    holds: ({ refs }) => refs.main?.minSnapshotsToKeep === 3,
  },
  expireSnapshots: {
    make: () => expireSnapshots({ olderThanMs: 0 }),
    live: same,
    holds: ({ snapshots, refs }) =>
      snapshots.length === new Set(Object.values(refs).map((ref) => ref.snapshotId)).size,
  },
};

/** What others commit meanwhile, as a column of the table: one commit after the other. */
export interface ColumnChange {
  readonly title: string;
  readonly commits: (ids: StartIds) => readonly TableOperation[];
  readonly live: readonly string[];
  /** True once it was committed, unless an operation takes it back. */
  readonly holds?: (metadata: TableMetadata) => boolean;
}

const appendOf = (name: string, category: string, ids: readonly [number, number]) =>
  fastAppend({ dataFiles: [dataFile(name, category, ids)] });

export const columnChanges: Readonly<Record<string, ColumnChange>> = {
  'append-other': {
    title: 'append of rows of category z',
    commits: () => [appendOf('z1', 'z', [90, 99])],
    live: [...start, 'z1'],
  },
  'append-same': {
    title: 'append of rows of category a',
    commits: () => [appendOf('a3', 'a', [5, 14])],
    live: [...start, 'a3'],
  },
  'delete-other': {
    title: 'delete of b1',
    commits: () => [deleteDataFiles({ files: [b1] })],
    live: without('b1')(start),
  },
  'delete-same': {
    title: 'delete of a1',
    commits: () => [deleteDataFiles({ files: [a1] })],
    live: without('a1')(start),
  },
  'compact-other': {
    title: 'compaction of b1 and b2 into b3',
    commits: () => [
      rewriteFiles({
        removeDataFiles: [b1, b2],
        addDataFiles: [{ ...dataFile('b3', 'b', [20, 39]), recordCount: 20 }],
      }),
    ],
    live: ['a1', 'a2', 'c1', 'b3'],
  },
  'compact-same': {
    title: 'compaction of a1 and a2 into a3',
    commits: () => [
      rewriteFiles({
        removeDataFiles: [a1, a2],
        addDataFiles: [{ ...dataFile('a3', 'a', [0, 19]), recordCount: 20 }],
      }),
    ],
    live: ['b1', 'b2', 'c1', 'a3'],
  },
  'overwrite-other': {
    title: 'overwrite of b1 by b3',
    commits: () => [overwriteFiles({ removeDataFiles: [b1], addDataFiles: [dataFile('b3', 'b', [20, 29])] })],
    live: ['a1', 'a2', 'b2', 'c1', 'b3'],
  },
  'overwrite-same': {
    title: 'overwrite of a1 by a3',
    commits: () => [overwriteFiles({ removeDataFiles: [a1], addDataFiles: [dataFile('a3', 'a', [0, 9])] })],
    live: ['a2', 'b1', 'b2', 'c1', 'a3'],
  },
  'position-other': {
    title: 'position deletes for b1',
    commits: () => [rowDelta([positionDeletes('bp', b1)])],
    live: [...start, 'bp'],
  },
  'position-same': {
    title: 'position deletes for a1',
    commits: () => [rowDelta([positionDeletes('ap', a1)])],
    live: [...start, 'ap'],
  },
  'equality-other': {
    title: 'equality deletes of ids 20 to 29 in category b',
    commits: () => [rowDelta([equalityDeletes('be', 'b', [20, 29])])],
    live: [...start, 'be'],
  },
  'equality-same': {
    title: 'equality deletes of ids 0 to 9 in category a',
    commits: () => [rowDelta([equalityDeletes('ae', 'a', [0, 9])])],
    live: [...start, 'ae'],
  },
  upsert: {
    title: 'equality deletes of ids 0 to 9 in category a, with new rows a3',
    commits: () => [rowDelta([equalityDeletes('ae', 'a', [0, 9])], [dataFile('a3', 'a', [0, 9])])],
    live: [...start, 'a3', 'ae'],
  },
  manifests: { title: 'rewrite of all manifests', commits: () => [rewriteManifests()], live: start },
  schema: {
    title: 'a new column',
    commits: () => [updateSchema((schema) => schema.addColumn('theirs', { type: 'string' }))],
    live: start,
    holds: (metadata) => currentSchema(metadata).fields.some(({ name }) => name === 'theirs'),
  },
  spec: {
    title: 'a new partition field',
    commits: () => [updatePartitionSpec((spec) => spec.addField('id', 'bucket[8]'))],
    live: start,
    holds: ({ partitionSpecs }) => partitionSpecs.length >= 2,
  },
  properties: {
    title: 'another property',
    commits: () => [updateProperties({ set: { theirs: '1' } })],
    live: start,
    holds: ({ properties }) => properties.theirs === '1',
  },
  rollback: {
    title: 'rollback of main by one snapshot',
    commits: ({ previous }) => [rollbackToSnapshot(previous)],
    live: ['a1', 'a2', 'b1', 'b2'],
  },
  refs: {
    title: 'a new branch and a new tag',
    commits: () => [createBranch('theirs'), createTag('their-tag')],
    live: start,
    holds: ({ refs }) => refs.theirs !== undefined && refs['their-tag'] !== undefined,
  },
  'branch-append': {
    title: 'append to branch `ahead`, which was one append in front of main',
    commits: () => [fastAppend({ dataFiles: [dataFile('d2', 'd')], branch: 'ahead' })],
    live: start,
  },
  'expire-start': {
    title: 'an append, then expiry of all before it',
    commits: ({ head, previous }) => [
      appendOf('z1', 'z', [90, 99]),
      expireSnapshots({ snapshotIds: [head, previous] }),
    ],
    live: [...start, 'z1'],
  },
  'expire-between': {
    title: 'two appends, then expiry of all before the second',
    commits: () => [
      appendOf('z1', 'z', [90, 99]),
      appendOf('z2', 'z', [90, 99]),
      expireSnapshots({ olderThanMs: 0 }),
    ],
    live: [...start, 'z1', 'z2'],
  },
};
