export type { WalDirectoryLock, WalFile, WalFs } from '../wal-fs.ts';
export { Random } from './random.ts';
export type { SimDiskOptions, SimOperation } from './sim-disk.ts';
export { SimDisk } from './sim-disk.ts';
export { SECTOR_BYTES } from './sim-file.ts';
