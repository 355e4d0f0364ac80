/** Writes and reads a manifest of 100,000 entries in a process of its own, whose heap the test bounds. */
import type { DataFile } from '../../src/manifest/data-file.ts';
import { decodeManifest } from '../../src/manifest/manifest-reader.ts';
import {
  encodeManifests,
  type NewManifestEntry,
  withSequenceNumber,
} from '../../src/manifest/manifest-writer.ts';
import { createTableMetadata } from '../../src/metadata/create-table-metadata.ts';
import { encodeSingleValue } from '../../src/metadata/single-value.ts';

const entryCount = 100_000;
/** Planted bug: keeps every entry, as a reader would that hands out arrays. */
const keepAll = process.argv.includes('--keep-all');

const metadata = createTableMetadata({
  location: 'mem://t',
  schema: {
    fields: [
      { id: 1, name: 'n', required: true, type: 'long' },
      { id: 2, name: 's', required: false, type: 'string' },
    ],
  },
  partitionSpec: { fields: [{ sourceId: 1, name: 'n', transform: 'identity' }] },
});

const fileOf = (n: number): DataFile => {
  const bound = new Map([
    [1, encodeSingleValue('long', BigInt(n))],
    [2, encodeSingleValue('string', `value ${n}`)],
  ]);
  const counts = new Map([
    [1, 10],
    [2, 10],
  ]);
  return {
    content: 'data',
    filePath: `mem://t/data/n=${n}/${n}.parquet`,
    fileFormat: 'PARQUET',
    partition: [BigInt(n)],
    specId: 0,
    recordCount: 10,
    fileSizeInBytes: 1_000 + n,
    valueCounts: counts,
    nullValueCounts: counts,
    lowerBounds: bound,
    upperBounds: bound,
  };
};

function* entries(): Generator<NewManifestEntry> {
  for (let n = 0; n < entryCount; n += 1) yield { status: 'added', dataFile: fileOf(n) };
}

const input = {
  metadata,
  spec: metadata.partitionSpecs[0]!,
  content: 'data',
  snapshotId: 7n,
  entries: entries(),
} as const;
const [encoded] = [...encodeManifests(input, () => 'mem://t/metadata/m0.avro')];
if (!encoded) throw new Error('no manifest');
const kept: unknown[] = [];
let count = 0;
let sizes = 0;
for (const entry of decodeManifest(encoded.bytes, metadata, withSequenceNumber(encoded.manifest, 1n))) {
  if (entry.dataFile.partition[0] !== BigInt(count)) throw new Error(`entry ${count} is another one`);
  count += 1;
  sizes += entry.dataFile.fileSizeInBytes;
  if (keepAll) kept.push(entry);
}
console.log(JSON.stringify({ count, sizes, bytes: encoded.bytes.length, kept: kept.length }));
