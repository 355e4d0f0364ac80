import type { JsonObject } from '../json/json.ts';

/** What a snapshot did: only added files, rewrote them with the same rows, changed rows, only removed. */
export type SnapshotOperation = 'append' | 'replace' | 'overwrite' | 'delete';

/** A state of the table. Spec: https://iceberg.apache.org/spec/#snapshots */
export interface Snapshot {
  /** Positive 64-bit id; beyond 2^53 as a rule. */
  readonly snapshotId: bigint;
  /** Absent for a table's first snapshot. */
  readonly parentSnapshotId?: bigint;
  /** Order of commits; 0 in tables that were v1. */
  readonly sequenceNumber: bigint;
  /** Unix milliseconds. */
  readonly timestampMs: number;
  /** Location of the manifest list; empty when a v1 snapshot names its manifests itself. */
  readonly manifestList: string;
  /** v1 only: locations of the manifests of a snapshot without manifest list. */
  readonly manifests?: readonly string[];
  /** `operation` and the counts, all as strings. Empty in v1 snapshots that have none. */
  readonly summary: Readonly<Record<string, string>>;
  /** Schema that was current when the snapshot was made. */
  readonly schemaId?: number;
  /** v3: first row id of the rows this snapshot added. */
  readonly firstRowId?: bigint;
  /** v3: number of row ids this snapshot took. */
  readonly addedRows?: bigint;
  /** v3: id of the key the manifest list is encrypted with. */
  readonly keyId?: string;
  /** Members this package does not know; written back unchanged. */
  readonly extra?: JsonObject;
}

/** A named snapshot. Spec: https://iceberg.apache.org/spec/#snapshot-retention-policy */
export interface SnapshotRef {
  readonly snapshotId: bigint;
  readonly type: 'branch' | 'tag';
  /** Branches only. */
  readonly minSnapshotsToKeep?: number;
  /** Branches only. Infinity: for ever. */
  readonly maxSnapshotAgeMs?: number;
  /** Not for `main`, which never expires. Infinity: for ever. */
  readonly maxRefAgeMs?: number;
  /** Members this package does not know; written back unchanged. */
  readonly extra?: JsonObject;
}

/** The branch that is the table's current state. */
export const mainBranch = 'main';
