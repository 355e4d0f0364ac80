import { commitCases, foreignMetadataCase } from './commit-cases.ts';
import type { CatalogCapabilities, CatalogConformanceCase } from './conformance-case.ts';
import { namespaceCases } from './namespace-cases.ts';
import { tableCases } from './table-cases.ts';

/**
 * The promises of `Catalog` as test cases, for every implementation and with any test runner:
 *
 * ```ts
 * for (const { name, run } of catalogConformance()) {
 *   test(name, async () => run(await openMyEmptyCatalog()));
 * }
 * ```
 *
 * Each case wants an empty catalog of its own, two clients of it (so that nothing is true only inside one
 * client's memory) and the `FileIO` its tables use. That a commit outlives a crash cannot be seen from inside a
 * process; an implementation tests that itself.
 */
export function catalogConformance(
  capabilities: CatalogCapabilities = {},
): readonly CatalogConformanceCase[] {
  return [
    ...namespaceCases(capabilities),
    ...tableCases(capabilities),
    ...commitCases,
    ...((capabilities.register ?? true) ? [foreignMetadataCase] : []),
  ];
}
