import { applyCommit } from '../../src/catalog/apply-commit.ts';
import type { TableUpdate } from '../../src/catalog/table-update.ts';
import { IcebergError, type IcebergErrorCode } from '../../src/errors.ts';
import { createMemoryFileIO } from '../../src/io/memory-file-io.ts';
import { createTableMetadata } from '../../src/metadata/create-table-metadata.ts';
import type { SnapshotRef } from '../../src/metadata/snapshot.ts';
import { refByName, type TableMetadata } from '../../src/metadata/table-metadata.ts';
import { requirementKey, requirementsFor } from '../../src/transaction/requirements.ts';
import type { OperationPlan, TableOperation } from '../../src/transaction/table-operation.ts';

/** When the tables of these tests were made; snapshot n was made n seconds later. */
export const startMs = 1_700_000_000_000;

/** Ids that no double can hold. */
export const idOf = (n: number): bigint => 2n ** 62n + BigInt(n);

/** A table without files: metadata only. */
export function emptyTable(properties: Record<string, string> = {}): TableMetadata {
  return createTableMetadata({
    location: 'mem://t',
    nowMs: startMs,
    schema: { fields: [{ id: 1, name: 'a', required: true, type: 'long' }] },
    properties,
  });
}

/** The table with updates applied, whatever it asserts. */
export function apply(base: TableMetadata, ...updates: TableUpdate[]): TableMetadata {
  return applyCommit(base, { requirements: [], updates }, { nowMs: startMs });
}

/** Adds snapshot n on `parent` (default: the head of `branch`) and moves `branch` (default `main`) to it; null: none. */
export function addSnapshot(
  base: TableMetadata,
  n: number,
  { branch = 'main', parent }: { branch?: string | null; parent?: number | null } = {},
): TableMetadata {
  const head = branch === null ? undefined : refByName(base, branch);
  const parentSnapshotId =
    parent === undefined ? head?.snapshotId : parent === null ? undefined : idOf(parent);
  const snapshotId = idOf(n);
  const snapshot = {
    snapshotId,
    ...(parentSnapshotId !== undefined && { parentSnapshotId }),
    sequenceNumber: base.lastSequenceNumber + 1n,
    timestampMs: startMs + n * 1000,
    manifestList: `mem://t/metadata/snap-${n}.avro`,
    summary: { operation: 'append' },
    schemaId: base.currentSchemaId,
  };
  const move: TableUpdate[] =
    branch === null
      ? []
      : [{ action: 'set-snapshot-ref', refName: branch, type: 'branch', ...head, snapshotId }];
  return apply(base, { action: 'add-snapshot', snapshot }, ...move);
}

/** `main` with snapshots 1 to `count`. */
export function chain(count: number, properties?: Record<string, string>): TableMetadata {
  let table = emptyTable(properties);
  for (let n = 1; n <= count; n += 1) table = addSnapshot(table, n);
  return table;
}

export function withRef(
  base: TableMetadata,
  refName: string,
  n: number,
  ref: Partial<SnapshotRef> = {},
): TableMetadata {
  return apply(base, { action: 'set-snapshot-ref', refName, type: 'tag', ...ref, snapshotId: idOf(n) });
}

/** The numbers of the snapshots that are there. */
export function numbersOf(metadata: TableMetadata): number[] {
  return metadata.snapshots.map(({ snapshotId }) => Number(snapshotId - 2n ** 62n));
}

export interface PlanState {
  /** What the caller decided on. Default: the base. */
  readonly start?: TableMetadata;
  /** The attempt's base. Default: the state that is planned on. */
  readonly attemptBase?: TableMetadata;
  readonly nowMs?: number;
}

/** Plans an operation on `base` as the commit loop does. */
export async function planOn(
  base: TableMetadata,
  operation: TableOperation,
  { start = base, attemptBase = base, nowMs = startMs + 1_000_000 }: PlanState = {},
): Promise<OperationPlan> {
  return operation.plan({
    metadata: base,
    base: attemptBase,
    start,
    io: createMemoryFileIO(),
    attempt: 1,
    nowMs,
    commitUuid: 'uuid',
    once: (_, make) => make(),
    newManifestLocation: () => 'mem://t/metadata/m.avro',
    writeFile: async () => undefined,
  });
}

/** Plans on `base` and commits to `target`, asserting what the commit loop would. */
export async function commitOperation(
  base: TableMetadata,
  operation: TableOperation,
  options: PlanState & { readonly target?: TableMetadata } = {},
): Promise<TableMetadata> {
  const { updates, requirements = [] } = await planOn(base, operation, options);
  const all = [...requirementsFor(base, updates), ...requirements];
  const asserted = [...new Map(all.map((one) => [requirementKey(one), one])).values()];
  return applyCommit(options.target ?? base, { requirements: asserted, updates }, { nowMs: startMs });
}

/** The code an operation or commit is refused with. */
export async function refusal(call: Promise<unknown>): Promise<IcebergErrorCode | undefined> {
  try {
    await call;
  } catch (error) {
    if (IcebergError.is(error)) return error.code;
    throw error;
  }
  return undefined;
}
