import type { TopicLog } from '@danube/storage';
import type { CursorUpdate, MetadataStore } from '../metadata/metadata-store.ts';

/** A subscription whose cursor is kept. */
export interface CursorSource {
  readonly topic: string;
  readonly name: string;
  /** Highest offset up to which everything is acknowledged. */
  readonly cursor: number;
  readonly log: Pick<TopicLog, 'durableOffset'>;
}

/** What a {@link CursorKeeper} works with. */
export interface CursorKeeperOptions {
  readonly store: Pick<MetadataStore, 'saveCursors'>;
  /** Longest time between an acknowledgement and its cursor on disk. */
  readonly intervalMs: number;
  readonly onError: (error: unknown) => void;
}

/**
 * Writes moved cursors to the metadata store: all of them in one transaction, at most every `intervalMs`, at
 * once on {@link flush}. After a crash, messages acknowledged since the last write are delivered again.
 *
 * A cursor is written only up to the topic's durable offset: a cursor that outlived the log's tail would
 * skip messages that get the same offsets later. What is above waits for a later write.
 */
export class CursorKeeper {
  readonly #options: CursorKeeperOptions;
  readonly #dirty = new Set<CursorSource>();
  readonly #saved = new WeakMap<CursorSource, number>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: CursorKeeperOptions) {
    this.#options = options;
  }

  /** Notes that a cursor moved. */
  moved(source: CursorSource): void {
    if (this.#closed) return;
    this.#dirty.add(source);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.flush();
    }, this.#options.intervalMs).unref();
  }

  /** Forgets a subscription that was deleted. */
  forget(source: CursorSource): void {
    this.#dirty.delete(source);
  }

  /** Writes now what may be written. Never rejects: a failure is reported and tried again later. */
  flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  /** Writes a last time and stops. */
  async close(): Promise<void> {
    await this.flush();
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #write(): Promise<void> {
    const updates: CursorUpdate[] = [];
    const written: [CursorSource, number][] = [];
    for (const source of this.#dirty) {
      // Invariant: no persisted cursor is above what the log has synced.
      const cursor = Math.min(source.cursor, source.log.durableOffset);
      if (cursor === source.cursor) this.#dirty.delete(source);
      if (cursor > (this.#saved.get(source) ?? -1)) {
        updates.push({ topic: source.topic, subscription: source.name, cursor });
        written.push([source, cursor]);
      }
    }
    const waiting = [...this.#dirty];
    if (updates.length > 0) {
      try {
        await this.#options.store.saveCursors(updates); // Durable here.
        for (const [source, cursor] of written) this.#saved.set(source, cursor);
      } catch (error) {
        this.#options.onError(error);
        for (const [source] of written) this.moved(source);
      }
    }
    for (const source of waiting) this.moved(source); // Their log will have synced more by then.
  }
}
