import type { StoreCapabilities } from '../object-store.ts';
import { abortCases } from './abort-cases.ts';
import { abortPutCases } from './abort-put-cases.ts';
import { attributeCases } from './attribute-cases.ts';
import { closeCases } from './close-cases.ts';
import { type ConformanceCase, type ConformanceParameters, resolveParameters } from './conformance-case.ts';
import { copyCases } from './copy-cases.ts';
import { deleteCases } from './delete-cases.ts';
import { getCases } from './get-cases.ts';
import { getConditionCases } from './get-condition-cases.ts';
import { getStreamCases } from './get-stream-cases.ts';
import { ifAbsentCases } from './if-absent-cases.ts';
import { ifMatchCases } from './if-match-cases.ts';
import { keyCases } from './key-cases.ts';
import { listCases } from './list-cases.ts';
import { listDelimiterCases } from './list-delimiter-cases.ts';
import { listPagesCases } from './list-pages-cases.ts';
import { optionCases } from './option-cases.ts';
import { putCases } from './put-cases.ts';
import { putFailureCases } from './put-failure-cases.ts';
import { putStreamCases } from './put-stream-cases.ts';
import { rangeCases } from './range-cases.ts';
import { replacingCases } from './replacing-cases.ts';

/**
 * The promises of `ObjectStore` as test cases, for every implementation and with any test runner:
 *
 * ```ts
 * for (const { name, run } of objectStoreConformance(capabilities)) {
 *   test(name, async () => run(await openMyEmptyStore()));
 * }
 * ```
 *
 * Each case wants a store of its own without objects in it, and may close it. The capabilities must be those that the
 * store declares; what a store cannot do must be `NOT_SUPPORTED`, which is a case too. Durability across a power loss
 * and what becomes of a lost reply cannot be seen from inside a process; an implementation tests that itself.
 */
export function objectStoreConformance(
  capabilities: StoreCapabilities,
  parameters: ConformanceParameters = {},
): readonly ConformanceCase[] {
  const resolved = resolveParameters(parameters);
  return [
    ...optionCases(capabilities),
    ...putCases(resolved),
    ...putStreamCases(resolved),
    ...putFailureCases(resolved),
    ...ifAbsentCases(capabilities.ifAbsent, resolved),
    ...ifMatchCases(capabilities.ifMatch, resolved),
    ...attributeCases(capabilities.attributes, resolved),
    ...getCases,
    ...rangeCases(resolved),
    ...getConditionCases,
    ...getStreamCases(resolved),
    ...replacingCases,
    ...listCases,
    ...listDelimiterCases,
    ...listPagesCases(resolved),
    ...deleteCases,
    ...copyCases(capabilities, resolved),
    ...keyCases(capabilities, resolved),
    ...abortCases(resolved),
    ...abortPutCases(resolved),
    ...closeCases(resolved),
  ];
}
