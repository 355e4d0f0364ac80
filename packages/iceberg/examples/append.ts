import {
  commitTransaction,
  createMemoryCatalog,
  currentSnapshot,
  fastAppend,
  updateProperties,
} from '@danube/iceberg';
import { createMemoryFileIO } from '@danube/iceberg/testing';

const io = createMemoryFileIO(); // or `createFileIO` of @danube/objectstore
const catalog = createMemoryCatalog({ io, warehouse: 'memory://warehouse' });
const orders = { namespace: ['default'], name: 'orders' };

await catalog.createNamespace(['default']);
const { metadata } = await catalog.createTable(orders, {
  schema: {
    fields: [
      { id: 1, name: 'order_id', required: true, type: 'long' },
      { id: 2, name: 'placed_at', required: true, type: 'timestamptz' },
    ],
  },
  partitionSpec: { fields: [{ sourceId: 2, name: 'placed_day', transform: 'day' }] },
});

// A Parquet file that somebody wrote; `describeParquetFile` makes such a description from its footer.
const file = {
  content: 'data',
  filePath: `${metadata.location}/data/placed_day=2026-08-22/00000.parquet`,
  fileFormat: 'PARQUET',
  partition: [20_687], // days since 1970-01-01
  specId: metadata.defaultSpecId,
  recordCount: 1_000,
  fileSizeInBytes: 52_133,
} as const;

// Both or neither, whatever others commit meanwhile.
const { table } = await commitTransaction({ catalog, identifier: orders, io }, [
  fastAppend({ dataFiles: [file] }),
  updateProperties({ set: { 'ingest.through': '999' } }),
]);
console.log(currentSnapshot(table.metadata)?.summary['total-records']); // 1000
