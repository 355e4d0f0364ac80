import { join } from 'node:path';
import { WalError } from './errors.ts';
import { putFile } from './put-file.ts';
import { FORMAT_VERSION } from './segment-header.ts';
import { readFully, reading, type WalFs, writeFully } from './wal-fs.ts';

/** Name of the file that says which format the directory has. */
export const VERSION_FILE = 'VERSION';

/** Checks the file. @throws WalError WAL_VERSION_UNSUPPORTED for a newer format, WAL_CORRUPT for anything else. */
export async function readVersionFile(fs: WalFs, dir: string): Promise<void> {
  const bytes = new Uint8Array(64);
  const length = await reading(fs, join(dir, VERSION_FILE), (file) => readFully(file, bytes, 0));
  const text = Buffer.from(bytes.subarray(0, length)).toString('latin1');
  const version = /^danube-wal (\d{1,9})\n$/.exec(text)?.[1];
  if (version === undefined) {
    throw new WalError('WAL_CORRUPT', 'the VERSION file is not one of ours', {
      dir,
      damage: [{ file: VERSION_FILE, startByte: 0, endByteExclusive: length, reason: 'unreadable' }],
    });
  }
  if (Number(version) !== FORMAT_VERSION) {
    throw new WalError(
      'WAL_VERSION_UNSUPPORTED',
      `the directory has format ${version}, this version reads and writes ${FORMAT_VERSION}`,
      { dir, found: Number(version), supported: FORMAT_VERSION },
    );
  }
}

/** Creates the file, durable before anything else is written to the directory. */
export async function writeVersionFile(fs: WalFs, dir: string): Promise<void> {
  const text = Buffer.from(`danube-wal ${FORMAT_VERSION}\n`, 'latin1');
  const file = await putFile(fs, dir, VERSION_FILE, (empty) => writeFully(empty, [text], 0));
  await file.close();
}
