import { commitCases } from './commit-cases.ts';
import { concurrencyCases } from './concurrency-cases.ts';
import type { CatalogCapabilities, CatalogConformanceCase } from './conformance-case.ts';
import { createCases } from './create-cases.ts';
import { dropCases } from './drop-cases.ts';
import { evolutionCases } from './evolution-cases.ts';
import { metadataFileCases } from './metadata-file-cases.ts';
import { nameCases } from './name-cases.ts';
import { namespaceCases } from './namespace-cases.ts';
import { registerCases } from './register-cases.ts';
import { renameCases } from './rename-cases.ts';
import { snapshotCases } from './snapshot-cases.ts';

/*
 * What of Iceberg Java's CatalogTests is covered, by its test names, and where:
 *
 * namespace-cases     testCreateNamespace, testCreateExistingNamespace, testCreateNamespaceWithProperties,
 *                     testLoadNamespaceMetadata, testSetNamespaceProperties, testUpdateNamespaceProperties,
 *                     testUpdateAndSetNamespaceProperties, testSetNamespacePropertiesNamespaceDoesNotExist,
 *                     testRemoveNamespaceProperties, testRemoveNamespacePropertiesNamespaceDoesNotExist,
 *                     testDropNamespace, testDropNonexistentNamespace, testDropNonEmptyNamespace,
 *                     testListNamespaces, testListNestedNamespaces, testListNonExistingNamespace
 * name-cases          testNamespaceWithSlash, testNamespaceWithDot, testTableNameWithSlash, testTableNameWithDot,
 *                     testLoadMetadataTable (the other way round: metadata tables have no names in a catalog)
 * create-cases        testBasicCreateTable, testBasicCreateTableThatAlreadyExists, testCompleteCreateTable,
 *                     testLoadTable, tableCreationWithoutNamespace
 * drop-cases          testDropTable, testDropTableWithPurge, testDropTableWithoutPurge, testDropMissingTable,
 *                     testListTables, testLoadMissingTable, testLoadTableWithNonExistingNamespace
 * rename-cases        testRenameTable, testRenameTableMissingSourceTable, renameTableNamespaceMissing,
 *                     testRenameTableDestinationTableAlreadyExists
 * register-cases      testRegisterTable, testRegisterExistingTable
 * commit-cases        testUUIDValidation
 * evolution-cases     testUpdateTableSchema, …ServerSideRetry, …Conflict, …AssignmentConflict, …ThenRevert;
 *                     testUpdateTableSpec, …ServerSideRetry, …Conflict, testUpdateTableAssignmentSpecConflict,
 *                     …ThenRevert; testUpdateTableSortOrder, …ServerSideRetry, testUpdateTableOrderThenRevert;
 *                     testRemoveUnusedSpec, testRemoveUnusedSchemas (what the catalog does; which ones are unused
 *                     is the transaction's business), testUpdateTransaction, testReplaceTableKeepsSnapshotLog
 * snapshot-cases      testAppend
 * concurrency-cases   testConcurrentAppendEmptyTable, testConcurrentAppendNonEmptyTable
 * metadata-file-cases testMetadataFileLocationsRemovalAfterCommit, testLoadTableWithMissingMetadataFile
 *
 * Left out:
 * - createAndDropEmptyNamespace, namespacePropertiesOnEmptyNamespace, listTablesInEmptyNamespace,
 *   listNamespacesWithEmptyNamespace: a namespace has at least one level here; that is a case of its own.
 * - test(Default|Override)TableProperties and the same in create and replace transactions: properties that a
 *   catalog adds by its configuration are no part of `Catalog`.
 * - testCreateTableWithDefaultColumnValue: default values need format v3, which is not written.
 * - testCreateTransaction, testCompleteCreateTransaction, …MultipleSchemas, …V2, testConcurrentCreateTransaction,
 *   createTableTransaction, testCreateOrReplaceTransaction… and testCompleteCreateOrReplaceTransaction…: `Catalog`
 *   has no staged create; a table is made empty and committed to.
 * - test(Complete)ReplaceTransaction, replaceTableTransaction, testReplaceTransactionRequiresTableExists,
 *   testConcurrentReplaceTransaction…: a replacement is one commit of ordinary updates, which is a case in
 *   evolution-cases; how conflicting ones are rebased is a matter of who builds them.
 * - testCatalogWithCustomMetricsReporter: no reporters.
 * - the class CatalogTransactionTests: no commit spans several tables.
 */

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
    ...nameCases(capabilities),
    ...createCases(capabilities),
    ...dropCases(capabilities),
    ...commitCases,
    ...evolutionCases,
    ...snapshotCases,
    ...metadataFileCases(capabilities),
    ...concurrencyCases(capabilities),
    ...((capabilities.rename ?? true) ? renameCases : []),
    ...((capabilities.register ?? true) ? registerCases : []),
  ];
}
