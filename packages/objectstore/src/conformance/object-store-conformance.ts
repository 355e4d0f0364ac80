import type { StoreCapabilities } from '../object-store.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { keyCases } from './key-cases.ts';
import { listCases } from './list-cases.ts';
import { putAndGetCases } from './put-and-get-cases.ts';

/**
 * The promises of `ObjectStore` as test cases, for every implementation and with any test runner:
 *
 * ```ts
 * for (const { name, run } of objectStoreConformance(capabilities)) {
 *   test(name, async () => run(await openMyEmptyStore()));
 * }
 * ```
 *
 * Each case wants a store of its own without objects in it. Durability across a power loss cannot be seen from
 * inside a process; an implementation tests that itself. The store's `capabilities` choose among the cases and must be
 * those that it declares.
 */
export function objectStoreConformance(capabilities: StoreCapabilities): readonly ConformanceCase[] {
  return [...putAndGetCases, ...listCases, ...keyCases(capabilities)];
}
