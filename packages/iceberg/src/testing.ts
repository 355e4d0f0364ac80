export { catalogConformance } from './conformance/catalog-conformance.ts';
export type {
  CatalogCapabilities,
  CatalogConformanceCase,
  CatalogSubject,
} from './conformance/conformance-case.ts';
export type { CommitFault, FaultCatalog, FaultCatalogOptions } from './conformance/fault-catalog.ts';
export { createFaultCatalog } from './conformance/fault-catalog.ts';
export type { RandomWritersOptions, RandomWritersReport } from './conformance/random-writers.ts';
export { runRandomWriters } from './conformance/random-writers.ts';
export type { CountedRead, CountingFileIO } from './io/counting-file-io.ts';
export { createCountingFileIO } from './io/counting-file-io.ts';
export type { MemoryFileIO } from './io/memory-file-io.ts';
export { createMemoryFileIO } from './io/memory-file-io.ts';
export { createUnsyncedFileIO } from './io/unsynced-file-io.ts';
