// Apache's REST catalog server with its tables on a signing S3 server, and a client that has no keys but those that the
// catalog hands out with a table.
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  commitTransaction,
  describeParquetFile,
  fastAppend,
  loadTableMetadata,
  scanRows,
} from '../../packages/iceberg/src/index.ts';
import { openRestCatalog, vendedS3Credentials } from '../../packages/iceberg-catalog-rest/src/index.ts';
import {
  type RestFixture,
  s3Properties,
  startRestFixture,
} from '../../packages/iceberg-catalog-rest/test/support/rest-fixture.ts';
import { createFileIO, openS3ObjectStore } from '../../packages/objectstore/src/index.ts';
import { createBucket } from '../../packages/objectstore/test/support/s3-client.ts';
import { type S3Server, startVersitygw } from '../../packages/objectstore/test/support/s3-servers.ts';
import { createParquetEncoder } from '../../packages/parquet-writer/src/index.ts';

const BUCKET = 'danube-warehouse';
const orders = { namespace: ['sales'], name: 'orders' };
const schema = { fields: [{ id: 1, name: 'id', required: true, type: 'long' }] } as const;

let s3: S3Server;
let fixture: RestFixture;
beforeAll(async () => {
  s3 = await startVersitygw();
  await createBucket(s3, BUCKET);
  const properties = s3Properties(s3, { vended: true });
  fixture = await startRestFixture({ warehouse: `s3://${BUCKET}`, properties });
}, 60_000);
afterAll(async () => {
  await fixture?.stop();
  await s3?.stop();
});

test('a table is made, appended to with vended keys, read, and purged by the server that reads our manifests', async () => {
  await using catalog = await openRestCatalog({
    uri: fixture.catalog('tables'),
    accessDelegation: ['vended-credentials'],
  });
  await catalog.createNamespace(['sales']);
  const { metadata } = await catalog.createTable(orders, { schema });
  expect(metadata.location).toBe(`s3://${BUCKET}/tables/sales/orders`);

  const access = await catalog.storageAccess(orders);
  const store = await openS3ObjectStore({
    bucket: BUCKET,
    // Apache's fixture hands out keys, and not where the server is.
    endpoint: s3.endpoint,
    region: s3.region,
    pathStyle: true,
    credentials: vendedS3Credentials(access, { catalog, identifier: orders })!,
  });
  try {
    const io = createFileIO({ store, baseUri: `s3://${BUCKET}/` });
    const location = `${metadata.location}/data/00000.parquet`;
    await io.writeFile(location, await parquetOf([1n, 2n, 3n]));
    const dataFiles = [await describeParquetFile(io, metadata, location)];
    const { table } = await commitTransaction({ catalog, identifier: orders, io }, [
      fastAppend({ dataFiles }),
    ]);
    const ids: unknown[] = [];
    for await (const { id } of scanRows((await catalog.loadTable(orders)).metadata, io)) ids.push(id);
    expect(ids.sort()).toEqual([1n, 2n, 3n]);
    // What the server wrote is what it answered.
    expect(await loadTableMetadata(io, table.metadataLocation)).toEqual(table.metadata);

    await catalog.dropTable(orders, { purge: true });
    for (const file of [location, table.metadataLocation, table.metadata.snapshots[0]!.manifestList])
      await expect(io.readFile(file), file).rejects.toMatchObject({ code: 'NOT_FOUND' });
  } finally {
    await store.close();
  }
}, 60_000);

async function parquetOf(ids: readonly bigint[]): Promise<Uint8Array> {
  const encoder = createParquetEncoder();
  const writer = encoder.open({ fields: schema.fields });
  await writer.write({ rowCount: ids.length, columns: { id: BigInt64Array.from(ids) } });
  const { bytes } = await writer.finish();
  await encoder.close();
  return bytes;
}
