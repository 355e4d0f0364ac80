/**
 * Manifests and manifest lists, cut at every byte and with a bit of every byte flipped: refused by name, or read.
 *
 * Avro has no checksum. What cannot be noticed, whatever the reader does: a flipped bit in the schema's text that gives
 * another sound schema, and one in the records that gives other sound records (with codec deflate mostly a stream that
 * no longer inflates); and a manifest list, whose length nobody records, cut exactly behind a block. Everything else is.
 */
import { expect, test } from 'vitest';
import { decodeAvroFile } from '../../src/avro/avro-file-reader.ts';
import { encodeAvroFile } from '../../src/avro/avro-file-writer.ts';
import { IcebergError } from '../../src/errors.ts';
import type { DataFile, ManifestFile } from '../../src/manifest/data-file.ts';
import { ManifestList } from '../../src/manifest/manifest-list.ts';
import { decodeManifestList } from '../../src/manifest/manifest-list-reader.ts';
import { decodeManifest } from '../../src/manifest/manifest-reader.ts';
import { encodeManifests, withSequenceNumber } from '../../src/manifest/manifest-writer.ts';
import { createTableMetadata } from '../../src/metadata/create-table-metadata.ts';

const location = 'mem://t/metadata/m0.avro';

const tableOf = (codec: string) =>
  createTableMetadata({
    location: 'mem://t',
    schema: { fields: [{ id: 1, name: 'n', required: true, type: 'long' }] },
    partitionSpec: { fields: [{ sourceId: 1, name: 'n', transform: 'identity' }] },
    properties: { 'write.manifest.compression-codec': codec },
  });

const dataFile = (n: number): DataFile => ({
  content: 'data',
  filePath: `mem://t/data/${n}.parquet`,
  fileFormat: 'PARQUET',
  partition: [BigInt(n)],
  specId: 0,
  recordCount: 1_000,
  fileSizeInBytes: 52_133,
  valueCounts: new Map([[1, 1_000]]),
  lowerBounds: new Map([[1, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0)]]),
  splitOffsets: [4],
});

interface Case {
  readonly bytes: Uint8Array;
  readonly read: (bytes: Uint8Array) => unknown[];
}

function manifestCase(codec: string): Case {
  const metadata = tableOf(codec);
  const entries = [1, 2, 3].map((n) => ({ status: 'added', dataFile: dataFile(n) }) as const);
  const spec = metadata.partitionSpecs[0]!;
  const input = { metadata, spec, content: 'data', snapshotId: 2n ** 62n + 1n, entries } as const;
  const [encoded] = [...encodeManifests(input, () => location)];
  const manifest = withSequenceNumber(encoded!.manifest, 1n);
  return { bytes: encoded!.bytes, read: (bytes) => [...decodeManifest(bytes, metadata, manifest)] };
}

function listCase(codec: 'null' | 'deflate'): Case {
  const line = (n: number): ManifestFile => ({
    manifestPath: `mem://t/metadata/m${n}.avro`,
    manifestLength: 5_000 + n,
    partitionSpecId: 0,
    content: 'data',
    sequenceNumber: BigInt(n),
    minSequenceNumber: 1n,
    addedSnapshotId: 2n ** 62n + BigInt(n),
    addedFilesCount: 3,
    existingFilesCount: 0,
    deletedFilesCount: 0,
    addedRowsCount: 10,
    existingRowsCount: 0,
    deletedRowsCount: 0,
    partitions: [{ containsNull: false, lowerBound: Uint8Array.of(1), upperBound: Uint8Array.of(9) }],
  });
  const bytes = ManifestList.of([line(3), line(2), line(1)], codec).encode({
    snapshotId: 7n,
    sequenceNumber: 3n,
  });
  return { bytes, read: (damaged) => [...decodeManifestList(damaged, location)] };
}

/** What damaged bytes are read as; undefined if they were refused properly. Anything else fails the test. */
function attempt({ read }: Case, damaged: Uint8Array): unknown[] | undefined {
  try {
    return read(damaged);
  } catch (error) {
    if (!IcebergError.is(error)) throw error;
    // An `expect` for each of tens of thousands of attempts would cost more than the attempts.
    const isProper =
      /^(INVALID_MANIFEST|UNSUPPORTED_FEATURE)$/.test(error.code) && error.message.includes(location);
    if (!isProper) throw new Error(`no proper refusal: ${error.message}`);
    return undefined;
  }
}

/** Where the parts of a file of one block are: the header's entries, its sync marker, the block's records. */
function partsOf(bytes: Uint8Array) {
  const buffer = Buffer.from(bytes);
  const sync = buffer.subarray(buffer.length - 16);
  const headerEnd = buffer.indexOf(sync) + 16;
  const schemaStart = buffer.indexOf('{"type":"record"', buffer.indexOf('avro.schema'));
  let depth = 0;
  let schemaEnd = schemaStart;
  do {
    depth += buffer[schemaEnd] === 0x7b ? 1 : buffer[schemaEnd] === 0x7d ? -1 : 0;
    schemaEnd += 1;
  } while (depth > 0);
  return { schemaStart, schemaEnd, headerEnd, recordsEnd: buffer.length - 16 };
}

const cases: readonly (readonly [string, Case])[] = [
  ['a manifest, deflate', manifestCase('gzip')],
  ['a manifest, no codec', manifestCase('none')],
  ['a manifest list, deflate', listCase('deflate')],
  ['a manifest list, no codec', listCase('null')],
];

test.each(cases)('%s, cut at any byte, is refused', (name, one) => {
  const { headerEnd } = partsOf(one.bytes);
  const unnoticed: number[] = [];
  for (let cut = 0; cut < one.bytes.length; cut += 1) {
    if (attempt(one, one.bytes.subarray(0, cut))) unnoticed.push(cut);
  }
  // A list of which the header alone is left is an empty list to any reader.
  expect(unnoticed).toEqual(name.startsWith('a manifest list') ? [headerEnd] : []);
});

test.each(cases)(
  '%s, with a bit of any byte flipped, is refused or unharmed, outside schema and records',
  (_name, one) => {
    const whole = JSON.stringify(one.read(one.bytes), textOf);
    const harmful: number[] = [];
    const { schemaStart, schemaEnd, headerEnd, recordsEnd } = partsOf(one.bytes);
    // The block's two counts: what is behind them are records.
    const recordsStart = headerEnd + 3;
    const seen = { refused: 0, same: 0, other: 0 };
    for (let at = 0; at < one.bytes.length; at += 1) {
      const inSchema = at >= schemaStart && at < schemaEnd;
      const inRecords = at >= recordsStart && at < recordsEnd;
      // Lengths, counts and markers: every bit. Not random elsewhere: the same bits in every run.
      const bits = at >= headerEnd - 16 && !inRecords ? allBits : [(at * 2654435761) >>> 29];
      for (const bit of bits) {
        const damaged = one.bytes.slice();
        damaged[at]! ^= 1 << bit;
        const read = attempt(one, damaged);
        const isSame = read !== undefined && JSON.stringify(read, textOf) === whole;
        seen[read === undefined ? 'refused' : isSame ? 'same' : 'other'] += 1;
        if (read && !isSame && !inSchema && !inRecords) harmful.push(at);
        if (read && (at < 4 || at >= recordsEnd)) harmful.push(at);
      }
    }
    expect(harmful).toEqual([]);
    expect(seen.refused).toBeGreaterThan(500);
    expect(seen.other).toBeLessThan(300);
  },
);

const allBits = [0, 1, 2, 3, 4, 5, 6, 7];

const textOf = (_key: string, value: unknown): unknown => {
  if (typeof value === 'bigint') return String(value);
  return value instanceof Map ? [...value] : value;
};

test('lengths that claim more than the file has allocate nothing', () => {
  // A string of 2^40 bytes, an array of 2^50 items, a block of 2^60 bytes: as zigzag numbers.
  const huge = (power: number) => {
    const out: number[] = [];
    for (let rest = 2n ** BigInt(power + 1); ; rest >>= 7n) {
      if (rest < 128n) return [...out, Number(rest)];
      out.push(Number(rest & 127n) | 128);
    }
  };
  const type = {
    kind: 'record',
    name: 'r',
    fields: [
      { name: 's', type: { kind: 'string' } },
      { name: 'a', type: { kind: 'array', items: { kind: 'null' } } },
    ],
  } as const;
  const file = Buffer.from(encodeAvroFile({ type, records: [['x', []]], codec: 'null' }));
  const { headerEnd } = partsOf(file);
  const sync = file.subarray(file.length - 16);
  const header = file.subarray(0, headerEnd);
  const block = (records: number, data: readonly number[], claimed = data.length * 2) =>
    Buffer.concat([header, Buffer.from([records * 2, claimed, ...data]), sync]);
  const before = process.memoryUsage().arrayBuffers;
  const claims: readonly (readonly [Buffer, string])[] = [
    [block(1, [...huge(40), 0]), `${location}: a length of ${2 ** 40}`],
    [block(1, [2, 120, ...huge(50)]), `${location}: ${2 ** 50} items`],
    [Buffer.concat([header, Buffer.from([2, ...huge(60)]), sync]), `${location}: a length of ${2n ** 60n}`],
    [Buffer.concat([header, Buffer.from([...huge(50), 4, 2, 120]), sync]), `claims ${2 ** 50} records`],
  ];
  for (const [damaged, problem] of claims) {
    expect(() => [...decodeAvroFile(damaged, location).records()]).toThrow(problem);
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 24);
});
