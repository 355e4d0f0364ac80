import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  arbitraryEntry,
  arbitraryManifestFile,
  widelyPartitioned,
} from '../../test/support/arbitrary-manifest.ts';
import type { DataFile } from './data-file.ts';
import { ManifestList } from './manifest-list.ts';
import { decodeManifestList } from './manifest-list-reader.ts';
import { decodeManifest } from './manifest-reader.ts';
import { encodeManifests, type NewManifestEntry, withSequenceNumber } from './manifest-writer.ts';

const codecs = fc.constantFrom('gzip', 'none');

/** What comes back: bytes are views of buffers, and maps are in the order of their ids. */
const comparable = ({ partition, ...file }: DataFile): unknown => ({
  ...Object.fromEntries(
    Object.entries(file).map(([key, value]) => [
      key,
      value instanceof Map
        ? [...value].sort(([a], [b]) => a - b).map(([id, item]) => [id, plain(item)])
        : plain(value),
    ]),
  ),
  partition: partition.map(plain),
});

const plain = (value: unknown): unknown =>
  value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;

describe('what is written is read back', () => {
  test('manifest entries, with partitions of every type, whatever is left out', () => {
    fc.assert(
      fc.property(fc.array(arbitraryEntry, { minLength: 1, maxLength: 4 }), codecs, (entries, codec) => {
        const metadata = { ...widelyPartitioned, properties: { 'write.manifest.compression-codec': codec } };
        const spec = metadata.partitionSpecs[0]!;
        const input = { metadata, spec, content: 'data', snapshotId: 2n ** 62n + 1n, entries } as const;
        const [encoded] = [...encodeManifests(input, () => 'mem://m')];
        const manifest = withSequenceNumber(encoded!.manifest, 2n ** 61n + 1n);
        const read = [...decodeManifest(encoded!.bytes, metadata, manifest)];
        expect(read.map(({ dataFile }) => comparable(dataFile))).toEqual(
          entries.map(({ dataFile }) => comparable(dataFile)),
        );
        expect(read.map(numbersOf)).toEqual(entries.map((entry) => ({ ...inherited, ...numbersOf(entry) })));
      }),
      { numRuns: 150 },
    );
  });

  test('manifest lists', () => {
    fc.assert(
      fc.property(
        fc.array(arbitraryManifestFile, { maxLength: 4 }),
        fc.constantFrom('deflate' as const, 'null' as const),
        (manifests, codec) => {
          const bytes = ManifestList.of(manifests, codec).encode({ snapshotId: 7n, sequenceNumber: 3n });
          const read = decodeManifestList(bytes, 'mem://list');
          expect(read.map((manifest) => ({ ...manifest, ...bytesOf(manifest) }))).toEqual(
            manifests.map((manifest) => ({ ...manifest, ...bytesOf(manifest) })),
          );
        },
      ),
      { numRuns: 150 },
    );
  });
});

const inherited = {
  snapshotId: 2n ** 62n + 1n,
  sequenceNumber: 2n ** 61n + 1n,
  fileSequenceNumber: 2n ** 61n + 1n,
};

const numbersOf = ({ status, snapshotId, sequenceNumber, fileSequenceNumber }: NewManifestEntry) => ({
  status,
  ...(snapshotId === undefined ? {} : { snapshotId }),
  ...(sequenceNumber === undefined ? {} : { sequenceNumber }),
  ...(fileSequenceNumber === undefined ? {} : { fileSequenceNumber }),
});

const bytesOf = ({ partitions, keyMetadata }: Parameters<typeof ManifestList.of>[0][number]) => ({
  partitions: partitions?.map((summary) => ({
    ...summary,
    lowerBound: plain(summary.lowerBound),
    upperBound: plain(summary.upperBound),
  })),
  keyMetadata: plain(keyMetadata),
});
