export type { ConformanceCase } from './conformance/conformance-case.ts';
export { objectStoreConformance } from './conformance/object-store-conformance.ts';
