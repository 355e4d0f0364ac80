import { randomUUID } from 'node:crypto';
import { applyCommit } from '../catalog/apply-commit.ts';
import type { CommitRequest, LoadedTable } from '../catalog/catalog.ts';
import type { TableRequirement } from '../catalog/table-requirement.ts';
import type { TableUpdate } from '../catalog/table-update.ts';
import { deleteFiles } from '../io/delete-files.ts';
import type { FileIO } from '../io/file-io.ts';
import { writeNewFile } from '../io/file-io-errors.ts';
import type { ManifestListCache } from '../manifest/manifest-list-cache.ts';
import { metadataFolder } from '../metadata/metadata-file.ts';
import { mainBranch, type Snapshot } from '../metadata/snapshot.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';
import { uuidV7 } from '../metadata/uuid.ts';
import { checkOptions, type OptionKeys } from '../options.ts';
import { assertRef, requirementKey, requirementsFor } from './requirements.ts';
import type { OperationContext, TableOperation } from './table-operation.ts';

/** What a transaction works with beside the operations. */
export interface TransactionComponents {
  /** Where manifests and manifest lists go. */
  readonly io: FileIO;
  /** Saves reading the parent's manifest list when this writer wrote it. Default: none. */
  readonly manifestListCache?: ManifestListCache;
  /** Unix milliseconds. Default: the clock. */
  readonly now?: () => number;
}

export const componentKeys: OptionKeys<TransactionComponents> = {
  io: true,
  manifestListCache: true,
  now: true,
};

export interface PrepareOptions extends TransactionComponents {
  /**
   * Refs that must be where the base has them, absent ones absent, beyond those the operations assert anyway; `main`
   * is one of them. Default: none.
   */
  readonly pinnedRefs?: readonly string[];
}

/** Whoever has the target of `commitTransaction` may give it here. */
const optionKeys: OptionKeys<PrepareOptions & Record<'catalog' | 'identifier', unknown>> = {
  ...componentKeys,
  pinnedRefs: true,
  catalog: true,
  identifier: true,
};

/** A commit that is ready to be sent, as often as needed: it can land once only. */
export interface PreparedTransaction {
  readonly base: LoadedTable;
  readonly request: CommitRequest;
  /** UUIDv7, for every sending of this request. */
  readonly idempotencyKey: string;
  /** The snapshots it adds, in order; empty for a change of metadata only. */
  readonly snapshots: readonly Snapshot[];
  /** Manifests and manifest lists, durable. Orphans if the commit is given up; nothing deletes them then. */
  readonly writtenFiles: readonly string[];
}

/**
 * Plans operations on exactly this base, one after the other, writes the files they need, and gives the commit that
 * would make the result the table's next state: all of it or nothing. It commits nothing, never moves to a newer
 * base. What it wrote is deleted again if it fails.
 *
 * Use it where the sending is yours (`catalog.commitTable(identifier, prepared.request)`): to send the very same
 * commit again, or to decide anew after each conflict. `commitTransaction` does both for everybody else.
 *
 * Errors: `INVALID_ARGUMENT` for an operation that does not fit the table, `UNSUPPORTED_FORMAT_VERSION` for tables
 * of another format than v2, `IO_ERROR`.
 */
export async function prepareTransaction(
  base: LoadedTable,
  operations: readonly TableOperation[],
  options: PrepareOptions,
): Promise<PreparedTransaction> {
  checkOptions<PrepareOptions>('prepareTransaction', options, optionKeys);
  const plan = new TransactionPlanner(base.metadata, operations, options);
  try {
    const prepared = await plan.prepare(base);
    await deleteFiles(options.io, plan.unusedFiles);
    return { ...prepared, writtenFiles: plan.usedFiles };
  } catch (error) {
    await deleteFiles(options.io, plan.writtenFiles);
    throw error;
  }
}

/** Plans the operations of one transaction, on one base after the other. */
export class TransactionPlanner {
  readonly #start: TableMetadata;
  readonly #operations: readonly TableOperation[];
  readonly #options: PrepareOptions;
  readonly #commitUuid = randomUUID();
  readonly #kept: readonly Map<string, unknown>[];
  /** By operation. */
  readonly #writtenBy: readonly Set<string>[];
  #used: ReadonlySet<string> = new Set();
  #attempt = 0;
  #manifests = 0;

  constructor(start: TableMetadata, operations: readonly TableOperation[], options: PrepareOptions) {
    this.#start = start;
    this.#operations = operations;
    this.#options = options;
    this.#kept = operations.map(() => new Map());
    this.#writtenBy = operations.map(() => new Set());
  }

  /** Everything written so far, over all attempts; also what may have been written by a call that failed. */
  get writtenFiles(): ReadonlySet<string> {
    return new Set(this.#writtenBy.flatMap((written) => [...written]));
  }

  /** Of these, what the request prepared last refers to. */
  get usedFiles(): readonly string[] {
    return [...this.writtenFiles].filter((location) => this.#used.has(location));
  }

  /** Of these, what it does not refer to: of earlier attempts, and manifests that were merged into others at once. */
  get unusedFiles(): readonly string[] {
    return [...this.writtenFiles].filter((location) => !this.#used.has(location));
  }

  async prepare(base: LoadedTable): Promise<PreparedTransaction> {
    this.#attempt += 1;
    const nowMs = (this.#options.now ?? Date.now)();
    const updates: TableUpdate[] = [];
    const requirements: TableRequirement[] = [];
    const used = new Set<string>();
    let { metadata } = base;
    for (const [index, operation] of this.#operations.entries()) {
      const plan = await operation.plan(this.#context(index, base.metadata, metadata, nowMs));
      if (plan.updates.length === 0) continue;
      updates.push(...plan.updates);
      requirements.push(...(plan.requirements ?? []));
      for (const location of plan.usedFiles ?? this.#writtenBy[index]!) used.add(location);
      metadata = applyCommit(metadata, { requirements: [], updates: plan.updates }, { nowMs });
    }
    this.#used = used;
    return {
      base,
      request: { requirements: this.#requirements(base.metadata, updates, requirements), updates },
      idempotencyKey: uuidV7(nowMs),
      snapshots: updates.flatMap((update) => (update.action === 'add-snapshot' ? [update.snapshot] : [])),
      writtenFiles: [...this.writtenFiles],
    };
  }

  #context(index: number, base: TableMetadata, metadata: TableMetadata, nowMs: number): OperationContext {
    const { io, manifestListCache } = this.#options;
    const kept = this.#kept[index]!;
    return {
      metadata,
      base,
      start: this.#start,
      io,
      attempt: this.#attempt,
      nowMs,
      commitUuid: this.#commitUuid,
      ...(manifestListCache !== undefined && { manifestListCache }),
      once<T>(name: string, make: () => T): T {
        if (!kept.has(name)) kept.set(name, make());
        return kept.get(name) as T;
      },
      newManifestLocation: () => `${metadataFolder(metadata)}/${this.#commitUuid}-m${this.#manifests++}.avro`,
      writeFile: async (location, bytes) => {
        // Before the call: what it leaves behind when it fails must be known, too.
        this.#writtenBy[index]!.add(location);
        await writeNewFile(io, location, bytes);
      },
    };
  }

  #requirements(
    base: TableMetadata,
    updates: readonly TableUpdate[],
    planned: readonly TableRequirement[],
  ): readonly TableRequirement[] {
    const { pinnedRefs } = this.#options;
    const pins =
      pinnedRefs === undefined ? [] : [mainBranch, ...pinnedRefs].map((ref) => assertRef(base, ref));
    // An earlier operation of the transaction may have moved the ref: what is asserted is where the base has it.
    const asserted = planned.map((requirement) =>
      requirement.type === 'assert-ref-snapshot-id' ? assertRef(base, requirement.ref) : requirement,
    );
    const all = [...requirementsFor(base, updates), ...asserted, ...pins];
    return [...new Map(all.map((requirement) => [requirementKey(requirement), requirement])).values()];
  }
}
