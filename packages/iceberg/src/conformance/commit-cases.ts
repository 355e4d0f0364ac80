import assert from 'node:assert/strict';
import type { Catalog, CommitRequest, LoadedTable } from '../catalog/catalog.ts';
import type { TableRequirement } from '../catalog/table-requirement.ts';
import type { TableUpdate } from '../catalog/table-update.ts';
import { IcebergError } from '../errors.ts';
import { loadTableMetadata } from '../metadata/metadata-file.ts';
import { refByName } from '../metadata/table-metadata.ts';
import { prepareAppend } from '../transaction/prepare-append.ts';
import {
  assertFails,
  type CatalogConformanceCase,
  createOrders,
  dataFile,
  orderOptions,
  orders,
} from './conformance-case.ts';

export const commitCases: readonly CatalogConformanceCase[] = [
  {
    name: 'properties are set and removed, and every client sees it',
    async run({ catalog, other, io }) {
      const before = await createOrders(catalog);
      const after = await commit(catalog, [
        { action: 'set-properties', updates: { a: '1', b: 'ü {"x":"y"}', owner: 'new' } },
        { action: 'remove-properties', removals: ['a', 'never'] },
      ]);
      assert.deepEqual(after.metadata.properties, { b: 'ü {"x":"y"}', owner: 'new' });
      assert.notEqual(after.metadataLocation, before.metadataLocation);
      const loaded = await other.loadTable(orders);
      assert.deepEqual(loaded, after);
      assert.deepEqual(await loadTableMetadata(io, loaded.metadataLocation), after.metadata);
      assert.ok(after.metadata.lastUpdatedMs >= before.metadata.lastUpdatedMs);
      assert.deepEqual(
        after.metadata.metadataLog.map((entry) => entry.metadataFile),
        [before.metadataLocation],
      );
    },
  },
  {
    name: 'each requirement that does not hold is COMMIT_CONFLICT and changes nothing',
    async run({ catalog, other }) {
      const before = await createOrders(catalog);
      const failing: TableRequirement[] = [
        { type: 'assert-create' },
        { type: 'assert-table-uuid', uuid: '00000000-0000-4000-8000-000000000000' },
        { type: 'assert-ref-snapshot-id', ref: 'main', snapshotId: 1n },
        { type: 'assert-last-assigned-field-id', lastAssignedFieldId: 4 },
        { type: 'assert-current-schema-id', currentSchemaId: 1 },
        { type: 'assert-last-assigned-partition-id', lastAssignedPartitionId: 999 },
        { type: 'assert-default-spec-id', defaultSpecId: 1 },
        { type: 'assert-default-sort-order-id', defaultSortOrderId: 0 },
      ];
      for (const requirement of failing) {
        await assertFails('COMMIT_CONFLICT', () =>
          catalog.commitTable(orders, {
            requirements: [{ type: 'assert-table-uuid', uuid: before.metadata.tableUuid }, requirement],
            updates: [{ action: 'set-properties', updates: { from: requirement.type } }],
          }),
        );
      }
      assert.deepEqual((await other.loadTable(orders)).metadata, before.metadata);
    },
  },
  {
    name: 'a commit whose requirements all hold succeeds',
    async run({ catalog }) {
      const { metadata } = await createOrders(catalog);
      const requirements: TableRequirement[] = [
        { type: 'assert-table-uuid', uuid: metadata.tableUuid },
        { type: 'assert-ref-snapshot-id', ref: 'main', snapshotId: null },
        { type: 'assert-last-assigned-field-id', lastAssignedFieldId: 5 },
        { type: 'assert-current-schema-id', currentSchemaId: metadata.currentSchemaId },
        { type: 'assert-last-assigned-partition-id', lastAssignedPartitionId: 1000 },
        { type: 'assert-default-spec-id', defaultSpecId: metadata.defaultSpecId },
        { type: 'assert-default-sort-order-id', defaultSortOrderId: metadata.defaultSortOrderId },
      ];
      const updates: TableUpdate[] = [{ action: 'set-properties', updates: { done: 'yes' } }];
      const after = await catalog.commitTable(orders, { requirements, updates });
      assert.equal(after.metadata.properties.done, 'yes');
    },
  },
  {
    name: 'an update that cannot apply is INVALID_ARGUMENT, and the others of its commit do not apply either',
    async run({ catalog, other }) {
      const before = await createOrders(catalog);
      const wrong: TableUpdate[] = [
        { action: 'set-snapshot-ref', refName: 'main', type: 'branch', snapshotId: 77n },
        { action: 'set-current-schema', schemaId: 9 },
        { action: 'set-default-spec', specId: 9 },
        { action: 'set-default-sort-order', sortOrderId: 9 },
        { action: 'assign-uuid', uuid: '00000000-0000-4000-8000-000000000000' },
        { action: 'upgrade-format-version', formatVersion: 1 },
      ];
      for (const update of wrong) {
        await assertFails('INVALID_ARGUMENT', () =>
          commit(catalog, [{ action: 'set-properties', updates: { half: 'done' } }, update]),
        );
      }
      assert.deepEqual((await other.loadTable(orders)).metadata, before.metadata);
    },
  },
  {
    name: 'schema, spec and order grow, and the new ones become current in the same commit',
    async run({ catalog, other }) {
      const { metadata } = await createOrders(catalog);
      const fields = [
        ...metadata.schemas[0]!.fields,
        { id: 6, name: 'note', required: false, type: 'string' } as const,
      ];
      await commit(catalog, [
        { action: 'add-schema', schema: { ...metadata.schemas[0]!, fields } },
        { action: 'set-current-schema', schemaId: -1 },
        { action: 'add-spec', spec: { fields: [{ sourceId: 1, name: 'bucketed', transform: 'bucket[4]' }] } },
        { action: 'set-default-spec', specId: -1 },
        {
          action: 'add-sort-order',
          sortOrder: {
            fields: [{ sourceId: 6, transform: 'identity', direction: 'desc', nullOrder: 'nulls-last' }],
          },
        },
        { action: 'set-default-sort-order', sortOrderId: -1 },
      ]);
      const after = (await other.loadTable(orders)).metadata;
      assert.equal(after.schemas.length, 2);
      assert.equal(after.currentSchemaId, 1);
      assert.equal(after.lastColumnId, 6);
      assert.equal(after.defaultSpecId, 1);
      assert.deepEqual(after.partitionSpecs[1]!.fields, [
        { sourceId: 1, fieldId: 1001, name: 'bucketed', transform: 'bucket[4]' },
      ]);
      assert.equal(after.lastPartitionId, 1001);
      const order = after.sortOrders.find((found) => found.orderId === after.defaultSortOrderId)!;
      assert.equal(order.fields[0]!.direction, 'desc');
    },
  },
  {
    name: 'a schema or spec that the table has already is not added a second time',
    async run({ catalog }) {
      const { metadata } = await createOrders(catalog);
      const after = await commit(catalog, [
        { action: 'add-schema', schema: { ...metadata.schemas[0]!, schemaId: 17 } },
        { action: 'set-current-schema', schemaId: -1 },
        { action: 'add-spec', spec: { fields: metadata.partitionSpecs[0]!.fields } },
        { action: 'set-default-spec', specId: -1 },
      ]);
      assert.deepEqual(after.metadata.schemas, metadata.schemas);
      assert.deepEqual(after.metadata.partitionSpecs, metadata.partitionSpecs);
    },
  },
  {
    name: 'of two writers on one base exactly one wins; the other is a conflict and may try on the new base',
    async run({ catalog, other, io }) {
      const base = await createOrders(catalog);
      const requests = await Promise.all(
        ['a', 'b'].map((name, i) =>
          prepareAppend({ base, io, dataFiles: [dataFile(base, name, i * 10, 10)] }),
        ),
      );
      const outcomes = await Promise.allSettled([
        catalog.commitTable(orders, requests[0]!.request),
        other.commitTable(orders, requests[1]!.request),
      ]);
      assert.deepEqual(outcomes.map((outcome) => outcome.status).sort(), ['fulfilled', 'rejected']);
      const lost = outcomes.find((outcome) => outcome.status === 'rejected')!;
      assert.ok(IcebergError.is(lost.reason, 'COMMIT_CONFLICT'), String(lost.reason));
      const now = await catalog.loadTable(orders);
      assert.equal(now.metadata.snapshots.length, 1);
      const retry = await prepareAppend({ base: now, io, dataFiles: [dataFile(base, 'c', 20, 10)] });
      const after = await other.commitTable(orders, retry.request);
      assert.equal(after.metadata.snapshots.length, 2);
      assert.equal(after.metadata.snapshots[1]!.summary['total-records'], '20');
    },
  },
  {
    name: 'commits at the same time that do not contradict each other all happen',
    async run({ catalog, other }) {
      await createOrders(catalog);
      const clients = [catalog, other, catalog, other, catalog, other];
      await Promise.all(
        clients.map((client, i) =>
          commit(client, [{ action: 'set-properties', updates: { [`k${i}`]: 'v' } }]),
        ),
      );
      const { properties } = (await catalog.loadTable(orders)).metadata;
      assert.deepEqual(Object.keys(properties).sort(), ['k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'owner']);
    },
  },
  {
    name: 'writers that reload after each conflict lose no append and repeat none',
    async run({ catalog, other, io }) {
      const table = await createOrders(catalog);
      const appendOnce = async (client: Catalog, name: string): Promise<void> => {
        for (;;) {
          const base = await client.loadTable(orders);
          const { request } = await prepareAppend({ base, io, dataFiles: [dataFile(table, name, 0, 1)] });
          try {
            await client.commitTable(orders, request);
            return;
          } catch (error) {
            if (!IcebergError.is(error, 'COMMIT_CONFLICT')) throw error;
          }
        }
      };
      await Promise.all(
        [catalog, other, catalog].map(async (client, writer) => {
          for (let i = 0; i < 4; i += 1) await appendOnce(client, `${writer}-${i}`);
        }),
      );
      const { metadata } = await other.loadTable(orders);
      assert.equal(metadata.snapshots.length, 12);
      assert.equal(metadata.snapshots.at(-1)!.summary['total-data-files'], '12');
      assert.deepEqual(
        metadata.snapshots.map((snapshot) => snapshot.sequenceNumber),
        Array.from({ length: 12 }, (_, i) => BigInt(i + 1)),
      );
    },
  },
  {
    name: 'snapshot, refs and properties of one commit appear together or not at all',
    async run({ catalog, other, io }) {
      const base = await createOrders(catalog);
      const options = { base, io, dataFiles: [dataFile(base, 'a', 0, 10)], tags: ['ledger'] };
      const first = await prepareAppend({ ...options, setProperties: { ledger: 'first' } });
      const second = await prepareAppend({ ...options, setProperties: { ledger: 'second' } });
      await catalog.commitTable(orders, first.request);
      await assertFails('COMMIT_CONFLICT', () => other.commitTable(orders, second.request));
      const { metadata } = await other.loadTable(orders);
      assert.equal(metadata.currentSnapshotId, first.snapshotId);
      assert.deepEqual(metadata.refs, {
        main: { snapshotId: first.snapshotId, type: 'branch' },
        ledger: { snapshotId: first.snapshotId, type: 'tag' },
      });
      assert.equal(metadata.properties.ledger, 'first');
      assert.equal(metadata.snapshots.length, 1);
    },
  },
  {
    name: 'the same request sent again is a conflict and adds nothing',
    async run({ catalog, other, io }) {
      const base = await createOrders(catalog);
      const { request } = await prepareAppend({ base, io, dataFiles: [dataFile(base, 'a', 0, 10)] });
      const after = await catalog.commitTable(orders, request);
      await assertFails('COMMIT_CONFLICT', () => other.commitTable(orders, request));
      assert.deepEqual((await catalog.loadTable(orders)).metadata, after.metadata);
    },
  },
  {
    name: 'a delayed commit does not land after main was rolled back to its base, since its tag has moved',
    async run({ catalog, other, io }) {
      const base = await commitAppend(catalog, await createOrders(catalog), { io, tags: ['ledger'] });
      const delayed = await prepareAppend({ base, io, dataFiles: [], tags: ['ledger'] });
      await commitAppend(catalog, base, { io, tags: ['ledger'] });
      const old = base.metadata.currentSnapshotId!;
      const back = await commit(other, [
        { action: 'set-snapshot-ref', refName: 'main', type: 'branch', snapshotId: old },
      ]);
      assert.equal(back.metadata.currentSnapshotId, old);
      await assertFails('COMMIT_CONFLICT', () => other.commitTable(orders, delayed.request));
      assert.deepEqual((await catalog.loadTable(orders)).metadata, back.metadata);
    },
  },
  {
    name: 'refs are made, kept apart from main, and removed',
    async run({ catalog, other, io }) {
      const table = await commitAppend(catalog, await createOrders(catalog), { io });
      const snapshotId = table.metadata.currentSnapshotId!;
      await commit(catalog, [
        { action: 'set-snapshot-ref', refName: 'audit', type: 'branch', snapshotId, minSnapshotsToKeep: 3 },
        { action: 'set-snapshot-ref', refName: 'eom', type: 'tag', snapshotId, maxRefAgeMs: 86_400_000 },
      ]);
      const { metadata } = await other.loadTable(orders);
      assert.deepEqual(refByName(metadata, 'audit'), { snapshotId, type: 'branch', minSnapshotsToKeep: 3 });
      assert.deepEqual(refByName(metadata, 'eom'), { snapshotId, type: 'tag', maxRefAgeMs: 86_400_000 });
      const after = await commit(other, [{ action: 'remove-snapshot-ref', refName: 'audit' }]);
      assert.deepEqual(Object.keys(after.metadata.refs).sort(), ['eom', 'main']);
    },
  },
  {
    name: 'removed snapshots are gone from the table and from its history',
    async run({ catalog, other, io }) {
      const first = await commitAppend(catalog, await createOrders(catalog), { io });
      const second = await commitAppend(catalog, first, { io });
      await commit(catalog, [
        { action: 'remove-snapshots', snapshotIds: [first.metadata.currentSnapshotId!] },
      ]);
      const { metadata } = await other.loadTable(orders);
      assert.deepEqual(
        metadata.snapshots.map((snapshot) => snapshot.snapshotId),
        [second.metadata.currentSnapshotId],
      );
      assert.deepEqual(
        metadata.snapshotLog.map((entry) => entry.snapshotId),
        [second.metadata.currentSnapshotId],
      );
      assert.equal(metadata.currentSnapshotId, second.metadata.currentSnapshotId);
    },
  },
  {
    name: 'snapshot ids above 2^53 keep every digit',
    async run({ catalog, other, io }) {
      let table = await createOrders(catalog);
      const ids = [2n ** 53n + 1n, 7591105599309644717n, 2n ** 63n - 1n];
      for (const snapshotId of ids)
        table = await commitAppend(catalog, table, { io, snapshotId, tags: ['t'] });
      const { metadata } = await other.loadTable(orders);
      assert.deepEqual(
        metadata.snapshots.map((snapshot) => snapshot.snapshotId),
        ids,
      );
      assert.deepEqual(
        metadata.snapshots.map((snapshot) => snapshot.parentSnapshotId),
        [undefined, ids[0], ids[1]],
      );
      assert.equal(metadata.currentSnapshotId, ids[2]);
      assert.equal(metadata.refs.t!.snapshotId, ids[2]);
      assert.deepEqual(
        metadata.snapshotLog.map((entry) => entry.snapshotId),
        ids,
      );
    },
  },
  {
    name: 'a commit to a table that was dropped meanwhile is TABLE_NOT_FOUND, to its successor a conflict',
    async run({ catalog, other, io }) {
      const base = await createOrders(catalog);
      const { request } = await prepareAppend({ base, io, dataFiles: [dataFile(base, 'a', 0, 10)] });
      await other.dropTable(orders);
      await assertFails('TABLE_NOT_FOUND', () => catalog.commitTable(orders, request));
      await other.createTable(orders, orderOptions);
      await assertFails('COMMIT_CONFLICT', () => catalog.commitTable(orders, request));
      assert.deepEqual((await other.loadTable(orders)).metadata.snapshots, []);
    },
  },
  {
    name: 'old metadata files are forgotten, and deleted if the table asks for it',
    async run({ catalog, other, io }) {
      const created = await createOrders(catalog);
      await commit(catalog, [
        {
          action: 'set-properties',
          updates: {
            'write.metadata.delete-after-commit.enabled': 'true',
            'write.metadata.previous-versions-max': '2',
          },
        },
      ]);
      for (const i of [1, 2])
        await commit(catalog, [{ action: 'set-properties', updates: { i: String(i) } }]);
      const { metadata } = await other.loadTable(orders);
      assert.equal(metadata.metadataLog.length, 2);
      for (const { metadataFile } of metadata.metadataLog) await loadTableMetadata(io, metadataFile);
      await assert.rejects(io.readFile(created.metadataLocation), 'the first metadata file is deleted');
    },
  },
];

/** Needs `registerTable`, the only way to bring in what this package did not write. */
export const foreignMetadataCase: CatalogConformanceCase = {
  name: 'members of a metadata file that nobody here knows survive a commit, at every level',
  async run({ catalog, other, io }) {
    const table = await commitAppend(catalog, await createOrders(catalog), { io });
    const text = new TextDecoder().decode(await io.readFile(table.metadataLocation));
    const extended = text
      .replace('{"format-version"', '{"x-top":{"id":12345678901234567890,"n":1.50},"format-version"')
      .replace('"schema-id":0', '"x-schema":[1],"schema-id":0')
      .replace('"name":"append_time"', '"x-field":null,"name":"append_time"')
      .replace('"name":"append_day"', '"x-partition":true,"name":"append_day"')
      .replace('"direction":"asc"', '"x-sort":"s","direction":"asc"')
      .replace('"sequence-number":1', '"x-snapshot":9007199254740993,"sequence-number":1')
      .replace('"type":"branch"', '"x-ref":{},"type":"branch"');
    assert.equal(extended.match(/"x-/g)?.length, 7, 'the test reaches all levels');
    const location = table.metadataLocation.replace(/\/[^/]*$/, '/00009-foreign.metadata.json');
    await io.writeFile(location, new TextEncoder().encode(extended));
    await catalog.dropTable(orders);
    await catalog.registerTable(orders, location);
    await commitAppend(other, await other.loadTable(orders), { io });
    const after = new TextDecoder().decode(
      await io.readFile((await catalog.loadTable(orders)).metadataLocation),
    );
    const expected = [
      '"x-top":{"id":12345678901234567890,"n":1.50}',
      '"x-schema":[1]',
      '"x-field":null',
      '"x-partition":true',
      '"x-sort":"s"',
      '"x-snapshot":9007199254740993',
    ];
    for (const member of expected) assert.ok(after.includes(member), `${member} is still there`);
    assert.ok(/"main":\{[^}]*"x-ref":\{\}/.test(after), 'the member of the ref is still there');
  },
};

/** Commits updates without requirements. */
async function commit(catalog: Catalog, updates: CommitRequest['updates']): Promise<LoadedTable> {
  return catalog.commitTable(orders, { requirements: [], updates });
}

/** Appends one file. */
async function commitAppend(
  catalog: Catalog,
  base: LoadedTable,
  options: Pick<Parameters<typeof prepareAppend>[0], 'io' | 'snapshotId' | 'tags'>,
): Promise<LoadedTable> {
  const name = `f${base.metadata.lastSequenceNumber}`;
  const { request } = await prepareAppend({ ...options, base, dataFiles: [dataFile(base, name, 0, 10)] });
  return catalog.commitTable(orders, request);
}
