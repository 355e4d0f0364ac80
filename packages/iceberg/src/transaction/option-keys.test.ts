import { expect, test } from 'vitest';
import { FileTable } from '../../test/support/file-table.ts';
import { dataFile } from '../../test/support/transaction-table.ts';
import {
  commitTransaction,
  createBranch,
  createTag,
  deleteDataFiles,
  deleteExpiredFiles,
  expireSnapshots,
  expireSnapshotsAndFiles,
  fastAppend,
  mergeAppend,
  overwriteFiles,
  prepareAppend,
  prepareTransaction,
  purgeTable,
  removeOrphanFiles,
  replacePartitions,
  replaceSortOrder,
  rewriteFiles,
  rewriteManifests,
  setRefRetention,
  updatePartitionSpec,
  updateProperties,
  updateSchema,
} from '../index.ts';

const files = [dataFile('a')];
/** A key that none of them has, as a typing mistake would make one. */
const odd: object = { brnach: 'audit' };

test.each([
  ['fastAppend', () => fastAppend({ dataFiles: files, ...odd }), 'branch'],
  ['mergeAppend', () => mergeAppend({ dataFiles: files, ...odd }), 'branch'],
  ['deleteDataFiles', () => deleteDataFiles({ files, ...odd }), 'allowMissing'],
  ['overwriteFiles', () => overwriteFiles({ addDataFiles: files, ...odd }), 'validateNoConflictingData'],
  [
    'replacePartitions',
    () => replacePartitions({ addDataFiles: files, ...odd }),
    'validateNoConflictingDeletes',
  ],
  ['rewriteFiles', () => rewriteFiles({ removeDataFiles: files, ...odd }), 'dataSequenceNumber'],
  ['rewriteManifests', () => rewriteManifests({ ...odd }), 'clusterBy'],
  ['expireSnapshots', () => expireSnapshots({ ...odd }), 'retainLast'],
  ['createBranch', () => createBranch('b', { ...odd }), 'maxSnapshotAgeMs'],
  ['createTag', () => createTag('t', { ...odd }), 'maxRefAgeMs'],
  ['setRefRetention', () => setRefRetention('b', { ...odd }), 'minSnapshotsToKeep'],
  ['updateProperties', () => updateProperties({ set: {}, ...odd }), 'remove'],
  ['updateSchema', () => updateSchema(() => undefined, { ...odd }), 'allowIncompatible'],
  ['updatePartitionSpec', () => updatePartitionSpec(() => undefined, { ...odd }), 'addNonDefault'],
  ['replaceSortOrder', () => replaceSortOrder(() => undefined, { ...odd }), 'caseSensitive'],
])('%s refuses an option that it does not have, and names those it has', (name, make, known) => {
  expect(make).toThrow(new RegExp(`^INVALID_ARGUMENT: ${name} has no option "brnach".*\\b${known}\\b`));
});

test('what commits, prepares or deletes does so, too, before anything happens', async () => {
  const table = await FileTable.create();
  await table.append(['a']);
  const { io, target } = table;
  const base = await table.load();
  const before = [...io.files.keys()];
  const metadata = base.metadata;
  const odds: readonly (readonly [name: string, call: () => Promise<unknown>, known: string])[] = [
    ['commitTransaction', () => commitTransaction(target, [], { ...odd }), 'pinnedRefs'],
    ['commitTransaction: retry', () => commitTransaction(target, [], { retry: { ...odd } }), 'numRetries'],
    [
      'commitTransaction: statusCheck',
      () => commitTransaction(target, [], { statusCheck: { ...odd } }),
      'totalTimeoutMs',
    ],
    ['prepareTransaction', () => prepareTransaction(base, [], { io, ...odd }), 'pinnedRefs'],
    ['prepareAppend', () => prepareAppend({ base, io, dataFiles: [], ...odd }), 'setProperties'],
    ['expireSnapshotsAndFiles', () => expireSnapshotsAndFiles(target, { ...odd }), 'commit'],
    ['commitTransaction', () => expireSnapshotsAndFiles(target, { commit: { ...odd } }), 'base'],
    [
      'deleteExpiredFiles',
      () => deleteExpiredFiles({ io, before: metadata, after: metadata, ...odd }),
      'manifestListCache',
    ],
    ['removeOrphanFiles', () => removeOrphanFiles(target, { dryRun: false, ...odd }), 'allowRecent'],
    ['purgeTable', () => purgeTable(io, base, { ...odd }), 'concurrency'],
  ];
  for (const [name, call, known] of odds) {
    await expect(call()).rejects.toThrow(
      new RegExp(`^INVALID_ARGUMENT: ${name} has no option "brnach".*\\b${known}\\b`),
    );
  }
  expect([...io.files.keys()]).toEqual(before);
});
