import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  deletionVectors,
  emptyTable,
  equalityDeletes,
  parquetFile,
  positionDeletes,
  withSnapshot,
} from '../../test/support/delete-table.ts';
import { IcebergError } from '../errors.ts';
import { createMemoryFileIO, type MemoryFileIO } from '../io/memory-file-io.ts';
import type { DataFile } from '../manifest/data-file.ts';
import type { NestedField } from '../metadata/schema.ts';
import { scanRows } from '../scan/scan-rows.ts';

const fields: readonly NestedField[] = [
  { id: 1, name: 'id', required: true, type: 'long' },
  { id: 2, name: 'name', required: false, type: 'string' },
];
const rows = Array.from({ length: 50 }, (_, i) => ({ id: BigInt(i), name: i % 3 ? `name ${i}` : null }));

const kinds: readonly [string, (io: MemoryFileIO, data: DataFile) => DataFile][] = [
  [
    'position deletes',
    (io, { filePath }) =>
      positionDeletes(
        io,
        'd',
        [3, 4, 40].map((i) => [filePath, i] as const),
      ),
  ],
  ['equality deletes', (io) => equalityDeletes(io, 'd', fields, rows.slice(10, 20))],
  ['a deletion vector', (io, of) => deletionVectors(io, 'd', [{ of, positions: [3, 4, 40] }])[0] as DataFile],
];

test.each(kinds)(
  '%s, damaged anywhere: rows of the table or a typed error that names the file, never anything else',
  async (_kind, make) => {
    const io = createMemoryFileIO();
    const data = parquetFile(io, 'rows', fields, rows);
    const deletes = make(io, data);
    const metadata = withSnapshot(emptyTable([{ schemaId: 0, fields }]), io, [
      { file: data, sequenceNumber: 1n },
      { file: deletes, sequenceNumber: 2n },
    ]);
    const sound = io.files.get(deletes.filePath) as Uint8Array;
    let noticed = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(7)), { minLength: 1, maxLength: 3 }),
        fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, fc.nat(sound.length)),
        async (flips, cut) => {
          const bytes = Uint8Array.from(sound);
          for (const [at, bit] of flips) bytes[at] = (bytes[at] as number) ^ (1 << bit);
          io.files.set(deletes.filePath, bytes.subarray(0, cut));
          try {
            for await (const row of scanRows(metadata, io)) expect(row).toEqual(rows[Number(row['id'])]);
          } catch (error) {
            if (!IcebergError.is(error)) throw error;
            noticed += 1;
            expect(['DATA_FILE_CORRUPT', 'UNSUPPORTED_FEATURE']).toContain(error.code);
            expect(error.message).toContain(deletes.filePath);
          }
        },
      ),
      { numRuns: 60 },
    );
    expect(noticed).toBeGreaterThan(5);
  },
);
