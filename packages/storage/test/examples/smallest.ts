import { openSqlCatalog } from '@danube/iceberg-catalog-sql';
import { createFileIO, localBaseUri, openLocalObjectStore } from '@danube/objectstore';
import { openIcebergStorage } from '@danube/storage';

const dir = process.argv[2] ?? '/var/lib/danube';
const warehouse = localBaseUri(`${dir}/warehouse`);
const store = await openLocalObjectStore({ root: `${dir}/warehouse` });
const io = createFileIO({ store, baseUri: warehouse });
const catalog = await openSqlCatalog({ file: `${dir}/catalog.db`, name: 'danube', warehouse, io });

const storage = await openIcebergStorage({
  wal: { dir: `${dir}/wal` },
  resolve: () => ({ catalog, io }),
  brokerAddr: 'http://127.0.0.1:6650',
});
const orders = await storage.openTopic('/default/orders');
const { offset, durable } = await orders.append({
  requestId: 1n,
  producerId: 1n,
  producerName: 'example',
  payload: Buffer.from('hello'),
  publishTimeMs: Date.now(),
});
console.log(`offset ${offset}, ${durable ? 'on the disk' : 'written'}`);

await orders.flush(); // or wait: 64 MiB or 10 s
console.log(`rows up to ${orders.table()?.through} are in the table`);
for await (const batch of orders.read({ from: 0 })) console.log(`${batch.length} messages`);

await storage.close();
await catalog.close();
