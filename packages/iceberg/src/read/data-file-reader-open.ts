import type { FileIO } from '../io/file-io.ts';
import type { DataFile } from '../manifest/data-file.ts';
import { corruptDataFile, decoding, unsupportedDataFile } from '../parquet/data-file-errors.ts';
import { decodeFooter, type ParquetFooter } from '../parquet/parquet-footer.ts';
import { createParquetSource, type ParquetSource, withHeldBytes } from '../parquet/parquet-source.ts';

/** How much of a file's end is read at once: footer and page indexes of an ordinary file. */
const tailBytes = 64 * 1024;

const magic = 'PAR1';
const encryptedMagic = 'PARE';

/** A file with its footer read. */
export interface OpenedFile {
  readonly source: ParquetSource;
  readonly footer: ParquetFooter;
}

/**
 * Reads a data file's footer: one request for the file's last 64 KiB as a rule, two when the footer is larger.
 * The tail is kept, so page indexes within it cost no further request.
 */
export async function openParquet(io: FileIO, dataFile: DataFile): Promise<OpenedFile> {
  const { filePath: location, fileSizeInBytes: size } = dataFile;
  if (dataFile.fileFormat !== 'PARQUET') {
    throw unsupportedDataFile(location, `files of format ${dataFile.fileFormat} cannot be read`);
  }
  const opened = await openFooter(io, location, size);
  const { rowCount } = opened.footer;
  if (rowCount !== dataFile.recordCount) {
    throw corruptDataFile(
      location,
      `it has ${rowCount} rows, its manifest entry says ${dataFile.recordCount}`,
    );
  }
  return opened;
}

/** Reads the footer of a Parquet file that no manifest needs to know. */
export async function openFooter(io: FileIO, location: string, size: number): Promise<OpenedFile> {
  if (size < 12) throw corruptDataFile(location, `${size} bytes are too few for a Parquet file`);
  const file = createParquetSource(io, location, size);
  const tailStart = Math.max(0, size - tailBytes);
  const tail = await file.read({ start: tailStart, endExclusive: size });
  const end = Buffer.from(tail.buffer, tail.byteOffset, tail.byteLength).toString('latin1', tail.length - 4);
  if (end === encryptedMagic) throw unsupportedDataFile(location, 'encrypted files cannot be read');
  if (end !== magic) {
    throw corruptDataFile(location, `no Parquet file of ${size} bytes: it does not end with ${magic}`);
  }
  const length = new DataView(tail.buffer, tail.byteOffset).getUint32(tail.length - 8, true);
  const footerStart = size - 8 - length;
  if (footerStart < 4) throw corruptDataFile(location, `a footer of ${length} bytes in a file of ${size}`);
  const source = withHeldBytes(file, { start: tailStart, bytes: tail });
  const bytes = await source.read({ start: footerStart, endExclusive: size - 8 });
  const footer = decoding(location, 'footer', () => decodeFooter(bytes, footerStart));
  return { source, footer };
}
