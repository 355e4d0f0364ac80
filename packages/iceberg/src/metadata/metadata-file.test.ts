import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { createMemoryFileIO } from '../io/memory-file-io.ts';
import { createTableMetadata } from './create-table-metadata.ts';
import {
  loadTableMetadata,
  metadataFolder,
  metadataVersion,
  newMetadataLocation,
  obsoleteMetadataFiles,
  writeTableMetadata,
} from './metadata-file.ts';
import type { TableMetadata } from './table-metadata.ts';
import { formatTableMetadata } from './table-metadata-json.ts';

function newTable(properties: Record<string, string> = {}): TableMetadata {
  const schema = { fields: [{ id: 1, name: 'ü', required: true, type: 'long' }] } as const;
  return createTableMetadata({ location: 'mem://wh/t/', schema, properties });
}

test('a written file is read back, plain and compressed', async () => {
  const io = createMemoryFileIO();
  for (const properties of [{}, { 'write.metadata.compression-codec': 'gzip' }]) {
    const metadata = newTable(properties);
    const location = newMetadataLocation(metadata);
    await writeTableMetadata(io, metadata, location);
    expect(await loadTableMetadata(io, location)).toEqual(metadata);
    expect(location.endsWith('.gz.metadata.json')).toBe('write.metadata.compression-codec' in properties);
    expect(io.files.get(location)![0] === 0x1f).toBe(location.endsWith('.gz.metadata.json'));
  }
});

test('gzip is told by the bytes, whatever the file is called', async () => {
  const io = createMemoryFileIO();
  const metadata = newTable();
  for (const location of ['mem://a.metadata.json.gz', 'mem://b.metadata.json']) {
    await io.writeFile(location, gzipSync(formatTableMetadata(metadata)));
    expect(await loadTableMetadata(io, location)).toEqual(metadata);
  }
});

test('an existing metadata file is never replaced', async () => {
  const io = createMemoryFileIO();
  await io.writeFile('mem://m.metadata.json', Uint8Array.of(1));
  await expect(writeTableMetadata(io, newTable(), 'mem://m.metadata.json')).rejects.toThrow(/^IO_ERROR/);
  expect(io.files.get('mem://m.metadata.json')).toEqual(Uint8Array.of(1));
});

test('a file that is missing, cut, or not text is a typed error naming it', async () => {
  const io = createMemoryFileIO();
  await expect(loadTableMetadata(io, 'mem://none')).rejects.toMatchObject({
    code: 'IO_ERROR',
    context: { location: 'mem://none' },
    cause: { code: 'NOT_FOUND' },
  });
  const gzipped = gzipSync(formatTableMetadata(newTable()));
  const text = new TextEncoder().encode(formatTableMetadata(newTable()));
  const damaged = [
    gzipped.subarray(0, gzipped.length - 20),
    text.subarray(0, 40),
    Uint8Array.of(0xff),
    new Uint8Array(),
  ];
  for (const bytes of damaged) {
    io.files.set('mem://damaged', bytes);
    await expect(loadTableMetadata(io, 'mem://damaged')).rejects.toMatchObject({
      code: 'INVALID_METADATA',
      message: expect.stringContaining('mem://damaged'),
    });
  }
});

test.each([
  ['s3://b/t/metadata/00000-0a.metadata.json', 0],
  ['s3://b/t/metadata/00041-0a.gz.metadata.json', 41],
  ['s3://b/t/metadata/100000-0a.metadata.json', 100000],
  ['s3://b/t/metadata/v7.metadata.json', 7],
  ['s3://b/t/metadata/current.metadata.json', -1],
  ['s3://b/00012-t/metadata/x.metadata.json', -1],
])('the version of %s is %i', (location, version) => {
  expect(metadataVersion(location)).toBe(version);
  const next = newMetadataLocation(newTable(), location);
  expect(next).toMatch(/^mem:\/\/wh\/t\/metadata\/\d{5,}-[0-9a-f-]{36}\.metadata\.json$/);
  expect(metadataVersion(next)).toBe(version + 1);
});

test('write.metadata.path moves the folder', () => {
  expect(metadataFolder(newTable())).toBe('mem://wh/t/metadata');
  expect(metadataFolder(newTable({ 'write.metadata.path': 'mem://meta/' }))).toBe('mem://meta');
});

test('files that fell out of the log are obsolete only if the table wants them deleted', () => {
  const base = { ...newTable(), metadataLog: [1, 2].map((i) => ({ timestampMs: i, metadataFile: `m${i}` })) };
  const next = { ...base, metadataLog: [2, 3].map((i) => ({ timestampMs: i, metadataFile: `m${i}` })) };
  expect(obsoleteMetadataFiles(base, next)).toEqual([]);
  const deleting = { ...next, properties: { 'write.metadata.delete-after-commit.enabled': 'true' } };
  expect(obsoleteMetadataFiles(base, deleting)).toEqual(['m1']);
});
