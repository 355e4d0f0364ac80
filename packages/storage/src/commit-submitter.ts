import { type LoadedTable, saysMissing } from '@danube/iceberg';
import { pause } from '@danube/resilience';
import type { Attempt, AttemptPart } from './commit-builder.ts';
import { StorageError } from './errors.ts';
import type { Ledger } from './ledger.ts';
import { covers } from './ledger-case.ts';
import { createRetryBackoff } from './pacing.ts';
import type { StorageContext } from './storage-context.ts';
import type { TableState } from './table-state.ts';

/** Sends commits of one table and finds out what became of each. */
export class CommitSubmitter {
  readonly #context: StorageContext;
  readonly #table: TableState;

  constructor(context: StorageContext, table: TableState) {
    this.#context = context;
    this.#table = table;
  }

  /**
   * Sends the attempt until its outcome is certain: done, impossible (the base moved), or the signal ends the
   * wait. Whatever the reply, the case table decides: a refusal can mean that it landed before, and an
   * unknown outcome is looked up, then the same request is sent again on the same base.
   */
  async submit(attempt: Attempt, signal: AbortSignal): Promise<void> {
    const table = this.#table;
    const backoff = createRetryBackoff(this.#context.options);
    for (;;) {
      let loaded: LoadedTable | undefined;
      if (signal.aborted) throw this.#interrupted();
      try {
        // ③ The commit point: the catalog's swap makes rows and ledger visible at once, or neither.
        loaded = await table.catalog.commitTable(table.name.identifier, attempt.request, {
          idempotencyKey: attempt.idempotencyKey,
        });
      } catch (error) {
        table.failed(error, backoff.count);
      }
      for (;;) {
        if (signal.aborted) throw this.#interrupted();
        try {
          loaded ??= await table.load();
          if (signal.aborted) throw this.#interrupted();
          const outcome = await this.#settle(attempt, loaded);
          if (outcome === 'settled' || outcome === 'rebuild') return;
          break;
        } catch (error) {
          if (StorageError.is(error)) throw error;
          if (saysMissing(error)) return table.gone(attempt.parts.map((part) => part.topic));
          loaded = undefined;
          table.failed(error, backoff.count);
          await pause(backoff.next(), signal);
        }
      }
      await pause(backoff.next(), signal);
    }
  }

  /** Runs the case table for every topic of the attempt on what the table is now. */
  async #settle(attempt: Attempt, loaded: LoadedTable): Promise<'settled' | 'resend' | 'rebuild'> {
    const table = this.#table;
    table.latest = loaded;
    let stopped = false;
    let open = false;
    for (const part of attempt.parts) {
      const { topic } = part;
      if (topic.stop !== undefined) continue;
      const verdict = await table.check(loaded, topic);
      if (verdict.kind === 'stop') {
        table.refuse(topic, verdict);
        stopped = true;
      } else if (verdict.kind === 'ok' && this.#covers(loaded, verdict.ledger, part, attempt.base)) {
        topic.prepared = undefined;
        table.confirm(topic, loaded, verdict.ledger);
        this.#report(attempt, part, loaded);
      } else {
        open = true;
      }
    }
    if (!open) return 'settled';
    return !stopped && sameBase(attempt.base, loaded) ? 'resend' : 'rebuild';
  }

  #covers(loaded: LoadedTable, ledger: Ledger, part: AttemptPart, base: LoadedTable): boolean {
    return covers(
      { tableUuid: loaded.metadata.tableUuid, ledger },
      {
        tableUuid: base.metadata.tableUuid,
        topicId: part.topic.topicId,
        logId: this.#context.logId,
        through: part.through,
      },
    );
  }

  #report(attempt: Attempt, part: AttemptPart, loaded: LoadedTable): void {
    const { prepared, topic } = part;
    if (prepared === undefined) return;
    const { hub, counters, options } = this.#context;
    const now = options.now();
    topic.committedRows += prepared.rows;
    if (part === attempt.parts[0]) {
      counters.commits += 1;
      counters.lastCommitMs = now - attempt.startedMs;
      counters.totalCommitMs += counters.lastCommitMs;
    }
    hub.emit('committed', {
      topic: topic.name,
      table: this.#table.label,
      first: prepared.first,
      through: prepared.last,
      rows: prepared.rows,
      bytes: prepared.bytes,
      snapshotId: loaded.metadata.currentSnapshotId ?? 0n,
      metadataLocation: loaded.metadataLocation,
      durationMs: now - attempt.startedMs,
      lagMs: Math.max(0, now - prepared.oldestAppendTimeMs),
    });
  }

  #interrupted(): StorageError {
    this.#table.latest = undefined;
    return new StorageError('CATALOG_UNAVAILABLE', `gave up waiting for the catalog of ${this.#table.label}`);
  }
}

/**
 * While nothing changed, the request can still land, and sending it again is safe. After a change that moved no ref
 * it could too, but it may also be refused for ever (a snapshot older than the table): it is built anew, and as both
 * assert the same refs only one of them lands.
 */
function sameBase(base: LoadedTable, loaded: LoadedTable): boolean {
  return (
    base.metadata.tableUuid === loaded.metadata.tableUuid && base.metadataLocation === loaded.metadataLocation
  );
}
