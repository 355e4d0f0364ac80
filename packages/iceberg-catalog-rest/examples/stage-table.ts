import { openRestCatalog } from '@danube/iceberg-catalog-rest';

const catalog = await openRestCatalog({ uri: process.argv[2] ?? 'http://127.0.0.1:8181' });
const staged = await catalog.stageTable(
  { namespace: ['shop'], name: 'invoices' },
  { schema: { fields: [{ id: 1, name: 'id', required: true, type: 'long' }] } },
);
// Write data files below staged.base.metadata.location, and commit them with the table (see prepareAppend).
const table = await staged.commit();
console.log(table.metadata.tableUuid === staged.base.metadata.tableUuid);
await catalog.close();
