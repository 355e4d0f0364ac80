import type { StopCode } from './errors.ts';
import type { OffsetGap } from './offset-gap.ts';

/** Events of a storage, for logs and metrics. They are told after the fact and carry no payloads. */
export interface StorageEvents {
  /** A topic was claimed in its table's ledger. */
  claimed: { readonly topic: string; readonly table: string; readonly firstOffset: number };
  /** Rows became visible: a successful reply (or a later load) confirmed them. One event a topic and commit. */
  committed: {
    readonly topic: string;
    readonly table: string;
    readonly first: number;
    readonly through: number;
    readonly rows: number;
    /** Bytes of Parquet. */
    readonly bytes: number;
    readonly snapshotId: bigint;
    readonly metadataLocation: string;
    /** From the start of the commit (encoding included) to its confirmation. */
    readonly durationMs: number;
    /** Age of the oldest of these messages when they became visible. */
    readonly lagMs: number;
  };
  /** An attempt failed and is (or its outcome is) looked into; nothing is lost. */
  'commit-retry': { readonly table: string; readonly attempt: number; readonly error: unknown };
  /** A topic stopped. */
  stopped: {
    readonly topic: string;
    readonly code: StopCode | 'LOG_FAILED';
    readonly message: string;
    readonly range?: { readonly first: number; readonly last: number };
  };
  /** At open the next offset was moved ahead. `first`..`last` are not given out. */
  jump: {
    readonly topic: string;
    readonly first: number;
    readonly last: number;
    /** `ledger`: the log had lost its tail; `cursor`: a persisted cursor was ahead. */
    readonly reason: 'ledger' | 'cursor';
  };
  /** A reader passed over offsets. */
  gap: OffsetGap;
  /** Two rows for one offset were found; the one with the lower sequence number was delivered. */
  'duplicate-row': { readonly topic: string; readonly offset: number };
  /** The log was truncated: records below `walOffset` are gone. */
  truncated: { readonly walOffset: number };
}

/** A small typed emitter; listeners are called in order of subscription. */
export class EventHub {
  readonly #listeners = new Map<keyof StorageEvents, Set<(event: never) => void>>();

  on<Name extends keyof StorageEvents>(
    name: Name,
    listener: (event: StorageEvents[Name]) => void,
  ): () => void {
    const set = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, set);
    set.add(listener);
    return () => set.delete(listener);
  }

  emit<Name extends keyof StorageEvents>(name: Name, event: StorageEvents[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        (listener as (event: StorageEvents[Name]) => void)(event);
      } catch {
        // A metrics or log listener must not be able to stop a commit.
      }
    }
  }
}
