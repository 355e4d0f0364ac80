export type { ConformanceCase, ConformanceParameters } from './conformance/conformance-case.ts';
export { objectStoreConformance } from './conformance/object-store-conformance.ts';
export type { FaultKind, FaultRule, InjectedFault } from './wrappers/fault-rules.ts';
export type { FaultOptions, FaultyStore } from './wrappers/fault-store.ts';
export { withFaults } from './wrappers/fault-store.ts';
