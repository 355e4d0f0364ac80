import { IcebergError } from '@danube/iceberg';
import { openRestCatalog } from '@danube/iceberg-catalog-rest';

const uri = process.argv[2] ?? 'http://127.0.0.1:8181';
const catalog = await openRestCatalog({ uri });

const orders = { namespace: ['shop'], name: 'orders' };
await catalog.createNamespace(['shop']);
await catalog.createTable(orders, {
  schema: { fields: [{ id: 1, name: 'id', required: true, type: 'long' }] },
});
try {
  const { metadata } = await catalog.commitTable(orders, {
    requirements: [],
    updates: [{ action: 'set-properties', updates: { owner: 'shop' } }],
  });
  console.log(metadata.properties['owner']);
} catch (error) {
  if (IcebergError.is(error, 'COMMIT_CONFLICT')) {
    // It did not happen. Load the table and decide again.
  } else if (IcebergError.is(error, 'COMMIT_STATE_UNKNOWN')) {
    // It may have happened. Load the table until certain; delete nothing.
  }
  throw error;
} finally {
  await catalog.close();
}
