export type { MemoryFileIO } from './memory-file-io.ts';
export { createMemoryFileIO } from './memory-file-io.ts';
