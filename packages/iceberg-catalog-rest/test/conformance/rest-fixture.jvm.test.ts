// The promises of Catalog through two clients of Apache's own REST catalog server, JdbcCatalog on SQLite behind it.
import type { Catalog, LoadedTable, TableRequirement } from '@danube/iceberg';
import {
  type CatalogConformanceCase,
  catalogConformance,
  createUnsyncedFileIO,
} from '@danube/iceberg/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRestCatalog, type RestCatalog } from '../../src/index.ts';
import { type RestFixture, startRestFixture } from '../support/rest-fixture.ts';

const refusesKnown = 'a schema that the table has already does not count as the one added last';
const firstFieldId =
  'a partition field without an id gets 1000, taken or not; transactions of @danube/iceberg give ids';

/**
 * What Apache's server does otherwise, by the name of the case. Each of them is run and must fail: one that does not is
 * no difference any more.
 */
const differences: Readonly<Record<string, string>> = {
  'the name of a table is no namespace: its metadata tables are functions, not names below it':
    'metadata tables are loaded as tables below the table',
  'a table of which a manifest cannot be read is not purged: nothing happens to its name and files':
    'drops the name first, and deletes what it can read then',
  'properties are set and removed, and every client sees it':
    'every new table gets write.parquet.compression-codec=zstd',
  'each requirement that does not hold is COMMIT_CONFLICT and changes nothing':
    'answers 400 to assert-create beside another requirement',
  'an update that cannot apply is INVALID_ARGUMENT, and the others of its commit do not apply either':
    'answers 500 to some, with a NullPointerException, as to a commit that it failed to carry out',
  'a uuid asserted or assigned in upper case is the same uuid':
    'takes upper case for another uuid after the commit, and answers 500',
  'schema, spec and order grow, and the new ones become current in the same commit': firstFieldId,
  'schema, spec and sort order changed by different writers on one base all happen': firstFieldId,
  'a table replaced in one commit keeps its uuid, its snapshots and their log; ids are not used twice':
    firstFieldId,
  'a schema or spec that the table has already is not added a second time': refusesKnown,
  'of two schema changes on one base the second is a conflict: its new ids may be taken, or its column gone':
    refusesKnown,
  'a change taken back has the schema, spec and order of before, with their ids; used ids stay used':
    refusesKnown,
  'a table whose metadata file is gone is an error that names the file, not a missing table':
    'asked whether the table exists it loads it, and says no',
  'registering a file that is damaged or not there fails and makes no table':
    'does not tell a damaged file from one that cannot be read',
  'members of a metadata file that nobody here knows survive a commit, at every level':
    'writes what it knows',
};

/** Races that Apache's server loses now and then, with what it does then. Each is run again if it fails, five times at most. */
const races: Readonly<Record<string, string>> = {
  'of several that create the same namespace at once exactly one succeeds':
    'answers 500 to some, with the exception of its database',
  'a commit that meets a rename is in the renamed table, or did not happen':
    'loads the table after the commit, does not find it under its old name, and answers 404',
};

const cases = catalogConformance({ dotsInNamespaces: false });
let fixture: RestFixture;
beforeAll(async () => {
  // Namespaces must be there before their tables, and no table gets the location of another one.
  fixture = await startRestFixture({
    properties: { 'jdbc.strict-mode': 'true', 'unique-table-location': 'true' },
  });
}, 60_000);
afterAll(() => fixture.stop());

/** Cases that fail only by the property that Apache's server gives every new table: here it is hidden from them. */
const withoutZstd = [
  'names that every JavaScript object has are ordinary keys of properties, refs and tables',
  'commits at the same time that do not contradict each other all happen',
];

/** The catalog as it would be if the server did not give that property. */
function hidingZstd(catalog: RestCatalog): Catalog {
  const hide = ({ metadata, ...table }: LoadedTable): LoadedTable => {
    const { 'write.parquet.compression-codec': _, ...properties } = metadata.properties;
    return { ...table, metadata: { ...metadata, properties } };
  };
  const hiding: Partial<Catalog> = {
    createTable: async (...args) => hide(await catalog.createTable(...args)),
    loadTable: async (...args) => hide(await catalog.loadTable(...args)),
    commitTable: async (...args) => hide(await catalog.commitTable(...args)),
  };
  return new Proxy<Catalog>(catalog, {
    get: (_, name: keyof Catalog) => hiding[name] ?? catalog[name].bind(catalog),
  });
}

async function run({ name, run: body }: CatalogConformanceCase): Promise<void> {
  const uri = fixture.catalog();
  const [catalog, other] = await Promise.all([openRestCatalog({ uri }), openRestCatalog({ uri })]);
  try {
    const [one, two] = withoutZstd.includes(name)
      ? [hidingZstd(catalog), hidingZstd(other)]
      : [catalog, other];
    await body({ catalog: one, other: two, io: createUnsyncedFileIO() });
  } finally {
    await Promise.all([catalog.close(), other.close()]);
  }
}

describe("the promises of Catalog, through two clients of Apache's server", () => {
  for (const conformanceCase of cases) {
    const { name } = conformanceCase;
    const difference = differences[name];
    const retry = races[name] === undefined ? 0 : 5;
    if (difference === undefined) test.concurrent(name, { retry }, () => run(conformanceCase));
    else test.concurrent .fails(`${name} (not here: ${difference})`, () => run(conformanceCase));
  }

  test('each requirement that does not hold is COMMIT_CONFLICT, assert-create alone too', async () => {
    await using catalog = await openRestCatalog({ uri: fixture.catalog() });
    await catalog.createNamespace(['shop']);
    const identifier = { namespace: ['shop'], name: 'orders' };
    const fields = [{ id: 1, name: 'id', required: true, type: 'long' }] as const;
    const { metadata } = await catalog.createTable(identifier, { schema: { fields } });
    const failing: readonly TableRequirement[] = [
      { type: 'assert-create' },
      { type: 'assert-table-uuid', uuid: '00000000-0000-4000-8000-000000000000' },
      { type: 'assert-ref-snapshot-id', ref: 'main', snapshotId: 1n },
      { type: 'assert-last-assigned-field-id', lastAssignedFieldId: 4 },
      { type: 'assert-current-schema-id', currentSchemaId: 1 },
      { type: 'assert-last-assigned-partition-id', lastAssignedPartitionId: 1 },
      { type: 'assert-default-spec-id', defaultSpecId: 1 },
      { type: 'assert-default-sort-order-id', defaultSortOrderId: 1 },
    ];
    for (const requirement of failing) {
      const updates = [{ action: 'set-properties', updates: { a: 'b' } }] as const;
      const commit = catalog.commitTable(identifier, { requirements: [requirement], updates });
      await expect(commit, requirement.type).rejects.toMatchObject({ code: 'COMMIT_CONFLICT' });
    }
    expect((await catalog.loadTable(identifier)).metadata).toEqual(metadata);
  });

  test('every difference and race that is listed is a case', () => {
    const names = cases.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining([...Object.keys(differences), ...Object.keys(races), ...withoutZstd]),
    );
  });
});
