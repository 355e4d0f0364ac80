import { createMemoryCatalog, currentSnapshot, IcebergError, prepareAppend } from '@danube/iceberg';
import { createMemoryFileIO } from '@danube/iceberg/testing';

const io = createMemoryFileIO(); // or `createFileIO` of @danube/objectstore
const catalog = createMemoryCatalog({ io, warehouse: 'memory://warehouse' });
const orders = { namespace: ['default'], name: 'orders' };

await catalog.createNamespace(['default']);
const created = await catalog.createTable(orders, {
  schema: {
    fields: [
      { id: 1, name: 'order_id', required: true, type: 'long' },
      { id: 2, name: 'placed_at', required: true, type: 'timestamptz' },
    ],
  },
  partitionSpec: { fields: [{ sourceId: 2, name: 'placed_day', transform: 'day' }] },
});

// A Parquet file that somebody wrote under the table's location, described for the manifest.
const { request, snapshotId } = await prepareAppend({
  base: created,
  io,
  dataFiles: [
    {
      content: 'data',
      filePath: `${created.metadata.location}/data/placed_day=2026-08-22/00000.parquet`,
      fileFormat: 'PARQUET',
      partition: [20_687], // days since 1970-01-01
      specId: created.metadata.defaultSpecId,
      recordCount: 1_000,
      fileSizeInBytes: 52_133,
    },
  ],
  setProperties: { 'ingest.through': '999' },
  tags: ['ingest'],
});
const committed = await catalog.commitTable(orders, request);
console.log(currentSnapshot(committed.metadata)?.summary['total-records']); // 1000

// The same request again: its assertions no longer hold, so nothing can be added twice.
try {
  await catalog.commitTable(orders, request);
} catch (error) {
  if (!IcebergError.is(error, 'COMMIT_CONFLICT')) throw error;
  const now = await catalog.loadTable(orders);
  console.log(now.metadata.currentSnapshotId === snapshotId); // true: it had landed
}
