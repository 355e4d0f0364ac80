export type { WalDirectoryLock, WalFile, WalFs } from '../wal-fs.ts';
