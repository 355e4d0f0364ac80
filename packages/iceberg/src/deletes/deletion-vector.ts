import { crc32 } from 'node:zlib';
import type { FileIO } from '../io/file-io.ts';
import type { DataFile } from '../manifest/data-file.ts';
import { corruptDataFile, decoding, unsupportedDataFile } from '../parquet/data-file-errors.ts';
import { createParquetSource } from '../parquet/parquet-source.ts';
import { DeletedRows } from './deleted-rows.ts';
import { decodeRoaringBitmap, LittleEndianReader } from './roaring-bitmap.ts';

/** Length before and checksum behind the vector, both not counted in the length. */
const frameBytes = 8;
const magic = 0x6439d3d1;
const maxVectorBytes = 2 ** 31 - 1;

/**
 * Reads a deletion vector (format v3): one request for exactly the blob that the manifest entry points to, whatever
 * else the Puffin file holds.
 *
 * @param rowCount of the data file that it is for
 * @throws IcebergError `IO_ERROR`; `DATA_FILE_CORRUPT` naming the Puffin file when the blob is cut, damaged, or not
 *   what the entry says; `UNSUPPORTED_FEATURE` when it is encrypted
 * @see https://iceberg.apache.org/puffin-spec/#deletion-vector-v1-blob-type
 */
export async function readDeletionVector(
  io: FileIO,
  vector: DataFile,
  rowCount: number,
): Promise<DeletedRows> {
  const { filePath, contentOffset: start, contentSizeInBytes: length, fileSizeInBytes } = vector;
  if (vector.keyMetadata) throw unsupportedDataFile(filePath, 'encrypted deletion vectors cannot be read');
  if (start === undefined || length === undefined) {
    throw corruptDataFile(filePath, 'its manifest entry does not say where the deletion vector is');
  }
  if (length > maxVectorBytes) throw corruptDataFile(filePath, `a deletion vector of ${length} bytes`);
  const source = createParquetSource(io, filePath, fileSizeInBytes);
  const blob = await source.read({ start, endExclusive: start + length });
  return decoding(filePath, `deletion vector at ${start}`, () => {
    const rows = new DeletedRows(rowCount);
    const cardinality = decodeDeletionVector(blob, rows);
    if (cardinality === vector.recordCount) return rows;
    throw new Error(`it deletes ${cardinality} rows, its manifest entry says ${vector.recordCount}`);
  });
}

/**
 * Decodes a blob of type `deletion-vector-v1` into rows.
 *
 * @returns how many there are
 * @throws Error saying what is wrong, a position that the data file does not have included
 */
export function decodeDeletionVector(blob: Uint8Array, rows: DeletedRows): number {
  if (blob.length < frameBytes + 12) throw new Error(`${blob.length} bytes are too few`);
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  const length = view.getUint32(0);
  if (length !== blob.length - frameBytes) {
    throw new Error(`its length is ${length} where its place has ${blob.length - frameBytes}`);
  }
  const vector = blob.subarray(4, blob.length - 4);
  if (crc32(vector) !== view.getUint32(blob.length - 4)) throw new Error('its checksum is wrong');
  const input = new LittleEndianReader(vector, 0);
  if (input.uint32() !== magic) throw new Error('it does not begin as a deletion vector does');
  const bitmaps = input.uint64();
  let cardinality = 0;
  let previousKey = -1;
  for (let i = 0n; i < bitmaps; i += 1n) {
    const key = input.uint32();
    if (key <= previousKey) throw new Error('its bitmaps are out of order');
    previousKey = key;
    const decoded = decodeRoaringBitmap(vector, input.offset, (container, bits) =>
      rows.addContainer(key * 65_536 + container, bits),
    );
    input.offset = decoded.end;
    cardinality += decoded.cardinality;
  }
  if (input.offset !== vector.length) throw new Error(`${vector.length - input.offset} bytes are left over`);
  return cardinality;
}
