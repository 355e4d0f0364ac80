import { IcebergError, type IcebergErrorCode } from '../errors.ts';
import type { SnapshotRef } from '../metadata/snapshot.ts';
import { ancestorsOf, refByName, snapshotById, type TableMetadata } from '../metadata/table-metadata.ts';
import type { OperationContext } from '../transaction/table-operation.ts';

/** A snapshot by its id, or the one a ref points at by the ref's name. */
export type RefTarget = bigint | string;

/** What stands against an operation on a state of the table. */
export interface RefProblem {
  readonly message: string;
  readonly context: Readonly<Record<string, unknown>>;
  /** When nobody but the caller is to blame. Default `INVALID_ARGUMENT`. */
  readonly code?: IcebergErrorCode;
}

/**
 * Throws what a check finds on the state to be changed: as `COMMIT_CONFLICT` when others made it so since the caller
 * decided, else as the caller's own error.
 */
export function checkState(
  context: OperationContext,
  check: (metadata: TableMetadata) => RefProblem | undefined,
): void {
  const problem = check(context.metadata);
  if (problem === undefined) return;
  const others = check(context.start) === undefined && check(context.base) !== undefined;
  const { message, context: facts, code = 'INVALID_ARGUMENT' } = problem;
  throw new IcebergError(others ? 'COMMIT_CONFLICT' : code, message, { context: facts });
}

/** Something against using this name as a ref of this type; the ref must be there. */
export function refProblem(
  metadata: TableMetadata,
  name: string,
  type?: SnapshotRef['type'],
): RefProblem | undefined {
  const ref = refByName(metadata, name);
  const context = { ref: name };
  if (ref === undefined) return { message: `the table has no ref ${name}`, context };
  if (type === undefined || ref.type === type) return undefined;
  return { message: `ref ${name} is a ${ref.type}, not a ${type}`, context };
}

/** Something against a snapshot (or what a ref points at) as the target of a ref. */
export function targetProblem(metadata: TableMetadata, target: RefTarget): RefProblem | undefined {
  if (typeof target === 'string') return refProblem(metadata, target);
  if (snapshotById(metadata, target) !== undefined) return undefined;
  const message = `the table has no snapshot ${target} (any more)`;
  return { message, context: { snapshotId: target }, code: 'SNAPSHOT_NOT_FOUND' };
}

/** The id of a target that was checked. */
export function targetSnapshotId(metadata: TableMetadata, target: RefTarget): bigint {
  return typeof target === 'string' ? refByName(metadata, target)!.snapshotId : target;
}

/** The refs that a target is read from. */
export function refsReadBy(target: RefTarget): readonly string[] {
  return typeof target === 'string' ? [target] : [];
}

/** True if a snapshot is the other or comes after it, as far as the table still knows its ancestors. */
export function isAncestorOf(metadata: TableMetadata, ancestorId: bigint, snapshotId: bigint): boolean {
  for (const snapshot of ancestorsOf(metadata, snapshotId)) {
    if (snapshot.snapshotId === ancestorId) return true;
  }
  return false;
}
