/** A table whose metadata files are compressed lives on through commits, by any name and any reader of the bytes. */
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { createMemoryCatalog, IcebergError, loadTableMetadata, prepareAppend } from '../../src/index.ts';
import { createMemoryFileIO } from '../../src/io/memory-file-io.ts';
import { parseTableMetadata } from '../../src/metadata/table-metadata-json.ts';

const identifier = { namespace: ['default'], name: 'orders' };

async function compressedTable() {
  const io = createMemoryFileIO();
  const catalog = createMemoryCatalog({ io, warehouse: 'mem://wh' });
  await catalog.createNamespace(['default']);
  const created = await catalog.createTable(identifier, {
    schema: { fields: [{ id: 1, name: 'n', required: true, type: 'long' }] },
    properties: { 'write.metadata.compression-codec': 'gzip' },
  });
  const { request } = await prepareAppend({ base: created, io, dataFiles: [] });
  return { io, created, table: await catalog.commitTable(identifier, request) };
}

test('every metadata file is gzip, named so, and says the same as its text', async () => {
  const { io, created, table } = await compressedTable();
  for (const { metadataLocation, metadata } of [created, table]) {
    expect(metadataLocation.endsWith('.gz.metadata.json')).toBe(true);
    const bytes = io.files.get(metadataLocation)!;
    expect([...bytes.subarray(0, 2)]).toEqual([0x1f, 0x8b]);
    expect(parseTableMetadata(gunzipSync(bytes).toString('utf8'))).toEqual(metadata);
    expect(await loadTableMetadata(io, metadataLocation)).toEqual(metadata);
  }
  expect(table.metadata.metadataLog.map(({ metadataFile }) => metadataFile)).toEqual([
    created.metadataLocation,
  ]);
});

test('the old name `.metadata.json.gz`, members of several streams, and gzip under a plain name are read', async () => {
  const { io, table } = await compressedTable();
  const text = gunzipSync(io.files.get(table.metadataLocation)!);
  const half = text.length >> 1;
  const twoMembers = Buffer.concat([gzipSync(text.subarray(0, half)), gzipSync(text.subarray(half))]);
  for (const [name, bytes] of [
    ['mem://t/v2.metadata.json.gz', gzipSync(text)],
    ['mem://t/v2.metadata.json', gzipSync(text)],
    ['mem://t/v2.gz.metadata.json', twoMembers],
  ] as const) {
    io.files.set(name, bytes);
    expect(await loadTableMetadata(io, name)).toEqual(table.metadata);
  }
});

test('cut at any byte, or with a bit of any byte flipped, it is refused by name: gzip has a checksum', async () => {
  const { io, table } = await compressedTable();
  const bytes = io.files.get(table.metadataLocation)!;
  const name = 'mem://t/damaged.gz.metadata.json';
  const read = async (damaged: Uint8Array) => {
    io.files.set(name, damaged);
    return loadTableMetadata(io, name).catch((error: unknown) => error);
  };
  let unseen = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const flipped = Uint8Array.from(bytes, (byte, index) => (index === at ? byte ^ (1 << (at % 8)) : byte));
    for (const result of [await read(bytes.subarray(0, at)), await read(flipped)]) {
      if (!(result instanceof Error)) {
        // Bytes 3 to 9 are flags, time and system, the last byte before checksum and length may end in bits that only
        // fill it, and a repetition may refer to the same text elsewhere: the content does not depend on them.
        expect(result).toEqual(table.metadata);
        unseen += 1;
        continue;
      }
      expect(IcebergError.is(result, 'INVALID_METADATA')).toBe(true);
      expect(result.message).toContain(name);
    }
  }
  expect(unseen).toBeLessThan(20);
});
