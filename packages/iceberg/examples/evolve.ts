import {
  commitTransaction,
  createMemoryCatalog,
  currentSchema,
  defaultPartitionSpec,
  replaceSortOrder,
  updatePartitionSpec,
  updateProperties,
  updateSchema,
} from '@danube/iceberg';
import { createMemoryFileIO } from '@danube/iceberg/testing';

const io = createMemoryFileIO(); // or `createFileIO` of @danube/objectstore
const catalog = createMemoryCatalog({ io, warehouse: 'memory://warehouse' });
const orders = { namespace: ['default'], name: 'orders' };
await catalog.createNamespace(['default']);
await catalog.createTable(orders, {
  schema: {
    fields: [
      { id: 1, name: 'order_id', required: true, type: 'int' },
      { id: 2, name: 'placed_at', required: true, type: 'timestamptz' },
      { id: 3, name: 'note', required: false, type: 'string' },
    ],
  },
  partitionSpec: { fields: [{ sourceId: 2, name: 'placed_at_day', transform: 'day' }] },
});

const target = { catalog, io, identifier: orders };
// One commit: readers see all of it or nothing.
const { table } = await commitTransaction(target, [
  updateSchema((schema) =>
    schema
      .widenColumn('order_id', 'long')
      .renameColumn('note', 'remark')
      .addColumn('ship_to', {
        type: {
          type: 'struct',
          fields: [
            { name: 'city', type: 'string' },
            { name: 'zip', type: 'string' },
          ],
        },
        doc: 'where the parcel goes',
      })
      .moveAfter('ship_to', 'order_id'),
  ),
  updatePartitionSpec((spec) => spec.removeField('placed_at_day').addField('order_id', 'bucket[16]')),
  replaceSortOrder((order) => order.asc('ship_to.city').desc('placed_at')),
  updateProperties({ set: { owner: 'shipping' } }),
]);

console.log(
  currentSchema(table.metadata)
    .fields.map(({ id, name }) => `${id} ${name}`)
    .join(', '),
);
console.log(
  defaultPartitionSpec(table.metadata)
    .fields.map(({ name }) => name)
    .join(', '),
);
