import { putFile } from './put-file.ts';
import { readFully, type WalFile, type WalFs, writeFully } from './wal-fs.ts';

const COPY_CHUNK_BYTES = 1024 * 1024;

/** Copies bytes to a file of their own in the log directory; durable when it resolves, and at no time there in part. */
export async function keepAside(
  fs: WalFs,
  dir: string,
  source: WalFile,
  start: number,
  end: number,
  name: string,
): Promise<void> {
  const copy = await putFile(fs, dir, name, (file) => copyRange(source, start, end, file, 0));
  await copy.close();
}

/** Copies bytes from file to file. @throws an error with code EIO when the source ends before `end`. */
export async function copyRange(
  source: WalFile,
  start: number,
  end: number,
  target: WalFile,
  targetStart: number,
): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(end - start, COPY_CHUNK_BYTES));
  for (let at = start; at < end; ) {
    const count = await readFully(source, buffer.subarray(0, Math.min(buffer.length, end - at)), at);
    if (count === 0) throw Object.assign(new Error('EIO: file ended while copying'), { code: 'EIO' });
    await writeFully(target, [buffer.subarray(0, count)], targetStart + at - start);
    at += count;
  }
}
