import { open, readFile, stat } from 'node:fs/promises';
import { and, type FileIO, gtEq, loadTableMetadata, lt, scanRows } from '@danube/iceberg';

// Prints some rows of a table on this machine:
//   node scan.ts file:///…/metadata/00003-….metadata.json [COLUMN FROM TO]
const [location, column, from, to] = process.argv.slice(2);
if (location === undefined) throw new Error('which table? give the location of its metadata file');

const pathOf = (uri: string) => uri.replace(/^file:\/\//, '');
const refuse = async () => {
  throw new Error('this example only reads');
};
const io: FileIO = {
  readFile: (uri) => readFile(pathOf(uri)),
  async readRange(uri, start, endExclusive) {
    const file = await open(pathOf(uri));
    try {
      const { buffer, bytesRead } = await file.read(new Uint8Array(endExclusive - start), {
        position: start,
      });
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  },
  fileSize: async (uri) => (await stat(pathOf(uri))).size,
  writeFile: refuse,
  deleteFile: refuse,
};

const metadata = await loadTableMetadata(io, location);
const filter = column && from && to ? and(gtEq(column, BigInt(from)), lt(column, BigInt(to))) : undefined;
let rows = 0;
for await (const row of scanRows(metadata, io, filter ? { filter } : {})) {
  if (rows < 10) console.log(row);
  rows += 1;
}
console.log(`${rows} rows`);
