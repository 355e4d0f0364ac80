import { expect, test } from 'vitest';
import { createMemoryCatalog, currentSchema, highestFieldId, type TableMetadata } from '../../src/index.ts';
import { catalogConformance, createMemoryFileIO } from '../../src/testing.ts';
import * as bugs from './planted-catalogs.ts';

/*
 * Goal: the conformance suite can fail. Method: for each bug a catalog might have, the memory catalog with that bug
 * is put to the case that is meant to notice it. The honest catalog passes all cases (memory-catalog.test.ts).
 */

/** Ids as they come out of a JSON parser that knows doubles only. */
const rounded = (id: bigint): bigint => BigInt(Number(id));

function withRoundedIds(metadata: TableMetadata): TableMetadata {
  return {
    ...metadata,
    snapshots: metadata.snapshots.map((snapshot) => ({
      ...snapshot,
      snapshotId: rounded(snapshot.snapshotId),
    })),
  };
}

/** What is left when only members with a name in the types are written. */
function withoutExtra<T>(value: T): T {
  if (Array.isArray(value)) return value.map(withoutExtra) as T;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => key !== 'extra');
  return Object.fromEntries(entries.map(([key, member]) => [key, withoutExtra(member)])) as T;
}

test.each<[bug: string, planted: bugs.PlantedBug, noticedBy: string]>([
  ['ignores requirements', bugs.ignoring(() => false), 'each requirement that does not hold'],
  [
    'ignores the uuid',
    bugs.ignoring(({ type }) => type !== 'assert-table-uuid'),
    'after a rename the old name',
  ],
  [
    'ignores where tags are',
    bugs.ignoring(
      (requirement) => requirement.type !== 'assert-ref-snapshot-id' || requirement.ref === 'main',
    ),
    'a tag that moved',
  ],
  [
    'ignores assigned field ids and the current schema',
    bugs.ignoring(
      ({ type }) => !['assert-last-assigned-field-id', 'assert-current-schema-id'].includes(type),
    ),
    'of two schema changes',
  ],
  [
    'ignores the current schema',
    bugs.ignoring(({ type }) => type !== 'assert-current-schema-id'),
    'of two schema changes',
  ],
  [
    'ignores the default spec',
    bugs.ignoring(({ type }) => type !== 'assert-default-spec-id'),
    'of two spec changes',
  ],
  [
    'ignores the default order',
    bugs.ignoring(({ type }) => type !== 'assert-default-sort-order-id'),
    'of two changes of the sort order',
  ],
  ['lets the last writer win', bugs.lastWriterWins, 'of several commits at once'],
  ['loses concurrent changes', bugs.lastWriterWins, 'commits at the same time that do not contradict'],
  ['brings a dropped table back', bugs.lastWriterWins, 'a commit that meets a drop'],
  ['rebases blindly', bugs.rebasesBlindly, 'of two writers on one base'],
  ['calls a refused commit done', bugs.swallowsConflicts, 'the same request sent again'],
  ['commits by halves', bugs.halfCommits, 'snapshot, refs and properties of one commit'],
  ['trusts a resent key', bugs.trustsIdempotencyKeys, 'a request resent with its idempotency key'],
  [
    'loses unknown members',
    bugs.committing(withoutExtra),
    'members of a metadata file that nobody here knows',
  ],
  ['rounds ids to doubles', bugs.loading(withRoundedIds), 'snapshot ids above 2^53'],
  ['loses statistics', bugs.committing((next) => ({ ...next, statistics: [] })), 'statistics are set'],
  [
    'loses refs',
    bugs.committing((next) => ({ ...next, refs: next.refs.main ? { main: next.refs.main } : {} })),
    'refs are made',
  ],
  [
    'forgets the history',
    bugs.committing((next) => ({ ...next, snapshotLog: next.snapshotLog.slice(-1) })),
    'appends follow each other',
  ],
  [
    'forgets the metadata log',
    bugs.committing((next) => ({ ...next, metadataLog: [] })),
    'properties are set and removed',
  ],
  [
    'gives the id of a dropped column again',
    bugs.committing((next) => ({ ...next, lastColumnId: highestFieldId(currentSchema(next)) })),
    'a change taken back',
  ],
  [
    'keeps unused schemas',
    bugs.committing((next, base) => ({
      ...next,
      schemas: next.schemas.length < base.schemas.length ? base.schemas : next.schemas,
    })),
    'schemas and specs that nothing uses',
  ],
  [
    'changes the uuid',
    bugs.committing((next) => ({ ...next, tableUuid: crypto.randomUUID() })),
    'a table replaced in one commit',
  ],
  ['overwrites at create', bugs.createOverwrites, 'a taken name is ALREADY_EXISTS'],
  ['overwrites in a race of creates', bugs.createOverwrites, 'of several that create the same table at once'],
  ['makes namespaces on the way', bugs.makesNamespaces, 'a table in a namespace that is not there'],
  ['overwrites at rename', bugs.renameOverwrites, 'a rename to a taken name'],
  ['overwrites in a race of renames', bugs.renameOverwrites, 'of several tables renamed to one name'],
  ['copies at rename', bugs.renameCopies, 'a renamed table is the same table'],
  ['follows renames', bugs.followsRenames, 'after a rename the old name'],
  [
    'drops namespaces with tables',
    bugs.dropsFullNamespaces,
    'a namespace with a table is NAMESPACE_NOT_EMPTY',
  ],
  ['lists grandchildren', bugs.listsGrandchildren, 'namespaces below another are listed there'],
  ['lists the first page of namespaces', bugs.listsFirstPage, 'every namespace is listed'],
  ['lists the first page of tables', bugs.listsFirstPage, 'every table is listed'],
  ['lists tables below', bugs.listsTablesBelow, 'tables of a namespace are not those'],
  [
    'replaces properties of namespaces',
    bugs.replacesNamespaceProperties,
    'properties are set, replaced and removed',
  ],
  ['takes dots for levels', bugs.joinsNames, 'a dot in a level of a namespace'],
  ['folds case', bugs.foldsCase, 'tables with such names are kept apart'],
  ['deletes files at drop', bugs.alwaysPurges, 'a dropped table is gone, its files stay'],
  ['leaves files at purge', bugs.neverPurges, 'a purged table leaves no file behind'],
  ['drops what it cannot purge', bugs.dropsWhatItCannotPurge, 'a table of which a manifest cannot be read'],
  ['purges what others use', bugs.purgesWhatOthersUse, 'with gc.enabled=false a purge'],
  ['keeps what it loaded once', bugs.cachesForever, 'of two schema changes on one base'],
  [
    'puts tables of one name in one place',
    bugs.fixedLocations,
    'a new table does not get the location of a dropped',
  ],
  ['puts a new table on a renamed one', bugs.fixedLocations, 'a new table does not get the location of one'],
  ['ignores the location', bugs.ignoresLocation, 'a table is made where its location says'],
  ['registers what it has not read', bugs.registersUnread, 'registering a file that is damaged'],
  ['deletes old metadata files unasked', bugs.deletesOldFiles, 'without delete-after-commit'],
  ['deletes too many metadata files', bugs.deletesOldFiles, 'as many old metadata files'],
  ['keeps old metadata files', bugs.neverDeletesOldFiles, 'old metadata files are forgotten'],
])('a catalog that %s is noticed', async (_, planted, noticedBy) => {
  const found = catalogConformance().filter(({ name }) => name.startsWith(noticedBy));
  expect(found).toHaveLength(1);
  const io = createMemoryFileIO();
  const catalog = bugs.plant(createMemoryCatalog({ io, warehouse: 'memory://warehouse' }), io, planted);
  const outcome = await found[0]!.run({ catalog, other: catalog, io }).then(
    () => 'not noticed',
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(Error);
  // Noticed by what the case says, not by a slip in the bug itself.
  expect(['AssertionError', 'IcebergError']).toContain((outcome as Error).name);
});

test('what the bugs are planted with is no bug itself', async () => {
  const same = <T>(value: T): T => value;
  for (const nothing of [bugs.loading(same), bugs.committing(same)]) {
    for (const { name, run } of catalogConformance({ loadsFromFile: false })) {
      // Swapping in two steps is one of the bugs, and nothing there deletes old files.
      if (/at once|at the same time|writers|meets|metadata file|a large commit/.test(name)) continue;
      const io = createMemoryFileIO();
      const catalog = bugs.plant(createMemoryCatalog({ io, warehouse: 'memory://warehouse' }), io, nothing);
      await expect(run({ catalog, other: catalog, io }), name).resolves.toBeUndefined();
    }
  }
});
