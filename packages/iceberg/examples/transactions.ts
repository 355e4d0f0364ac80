import {
  commitTransaction,
  createMemoryCatalog,
  type DataFile,
  deleteDataFiles,
  eq,
  fastAppend,
  IcebergError,
  planFiles,
  rewriteFiles,
  updateProperties,
} from '@danube/iceberg';
import { createMemoryFileIO } from '@danube/iceberg/testing';

const io = createMemoryFileIO(); // or `createFileIO` of @danube/objectstore
const catalog = createMemoryCatalog({ io, warehouse: 'memory://warehouse' });
const orders = { namespace: ['default'], name: 'orders' };
const target = { catalog, identifier: orders, io };

await catalog.createNamespace(['default']);
await catalog.createTable(orders, {
  schema: {
    fields: [
      { id: 1, name: 'order_id', required: true, type: 'long' },
      { id: 2, name: 'country', required: true, type: 'string' },
    ],
  },
  partitionSpec: { fields: [{ sourceId: 2, name: 'country', transform: 'identity' }] },
});

// Data files and a property in one commit: both or neither.
await commitTransaction(target, [
  fastAppend({ dataFiles: [fileOf('1', 'AT', 100), fileOf('2', 'AT', 50), fileOf('3', 'HU', 70)] }),
  updateProperties({ set: { 'ingest.through': '219' } }),
]);

// Compaction: decided on a state (`base`), and refused if others touched the rows since.
const base = await catalog.loadTable(orders);
const small: DataFile[] = [];
for await (const { dataFile } of planFiles(base.metadata, io, { filter: eq('country', 'AT') })) {
  small.push(dataFile);
}
const large = fileOf('4', 'AT', 150); // somebody wrote the rows of the small ones to it
await commitTransaction(target, [rewriteFiles({ removeDataFiles: small, addDataFiles: [large] })], { base });

// Whole files by what is known of their rows; nothing is read.
const { snapshots } = await commitTransaction(target, [deleteDataFiles({ filter: eq('country', 'HU') })]);
console.log(snapshots[0]?.summary['total-records']); // 150

// The small files are gone: what was decided on them cannot be committed any more.
try {
  await commitTransaction(target, [deleteDataFiles({ files: small })], { base });
} catch (error) {
  console.log(IcebergError.is(error, 'COMMIT_CONFLICT')); // true
}

/** A Parquet file that somebody wrote under the table's location, described for the manifest. */
function fileOf(name: string, country: string, recordCount: number): DataFile {
  return {
    content: 'data',
    filePath: `memory://warehouse/orders/data/country=${country}/${name}.parquet`,
    fileFormat: 'PARQUET',
    partition: [country],
    specId: 0,
    recordCount,
    fileSizeInBytes: recordCount * 20,
  };
}
