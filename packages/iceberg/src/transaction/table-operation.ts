import type { TableRequirement } from '../catalog/table-requirement.ts';
import type { TableUpdate } from '../catalog/table-update.ts';
import type { FileIO } from '../io/file-io.ts';
import type { ManifestListCache } from '../manifest/manifest-list-cache.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';

/** What an operation is planned on. */
export interface OperationContext {
  /** The state to change: this attempt's base, with the earlier operations of the same transaction applied. */
  readonly metadata: TableMetadata;
  /**
   * The state the caller decided on. What others committed between it and the base of this attempt is what an
   * operation must be compatible with.
   */
  readonly start: TableMetadata;
  /** This attempt's base, without the earlier operations: where it differs from `start`, others changed the table. */
  readonly base: TableMetadata;
  readonly io: FileIO;
  /** From 1, counted over the whole transaction. */
  readonly attempt: number;
  /** Unix milliseconds at the beginning of the attempt. */
  readonly nowMs: number;
  /** The same for all attempts; part of the names of the files that the transaction writes. */
  readonly commitUuid: string;
  readonly manifestListCache?: ManifestListCache;
  /** What was made under this name by an earlier attempt of the same operation in the same transaction, or is now. */
  once<T>(name: string, make: () => T): T;
  /** A name for a new manifest. */
  newManifestLocation(): string;
  /** Writes a new file, durably, and remembers it as this transaction's own: what a failed one leaves is deleted. */
  writeFile(location: string, bytes: Uint8Array): Promise<void>;
}

/** What an operation does to the state it was planned on. */
export interface OperationPlan {
  /** Applied in order; none if there is nothing to do. */
  readonly updates: readonly TableUpdate[];
  /** Beyond what the updates themselves call for (`requirementsFor`). */
  readonly requirements?: readonly TableRequirement[];
  /**
   * Files the updates refer to, as far as the operation wrote them; others it wrote are deleted in the end. Default: all
   * it wrote, in any attempt.
   */
  readonly usedFiles?: readonly string[];
}

/**
 * A change of a table as a part of a transaction. Made once, planned anew for every attempt, so it must not keep
 * anything of an earlier plan that a new base could make untrue.
 */
export interface TableOperation {
  /** For errors: what the caller asked for, in the words of the function that made it. */
  readonly name: string;
  /**
   * Plans the operation on one state. `COMMIT_CONFLICT` when a concurrent change rules it out, `INVALID_ARGUMENT`
   * when it cannot apply whatever others do; both end the transaction.
   */
  plan(context: OperationContext): OperationPlan | Promise<OperationPlan>;
}
