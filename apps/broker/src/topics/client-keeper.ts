import type { ClientSign, ClientStore } from '../metadata/client-records.ts';

/** A producer or consumer whose signs of life are kept. */
export interface KeptClient {
  readonly id: bigint;
  readonly lastSeenMs: number;
  /** Of consumers: whether it has left. */
  readonly left?: boolean;
}

/** What a {@link ClientKeeper} works with. */
export interface ClientKeeperOptions {
  readonly store: Pick<ClientStore, 'saveSigns'>;
  /** Longest time between a change and its place on disk, when fewer than {@link MAX_BATCH} wait. */
  readonly intervalMs: number;
  readonly onError: (error: unknown) => void;
}

/** A sign of life is written when the one on disk is this much older: after a crash, silence may count from a minute early. */
export const SIGN_GRANULARITY_MS = 60_000;
/** Rows in one transaction: a few milliseconds on the main thread. */
export const MAX_BATCH = 500;

/**
 * Writes signs of life of producers and consumers to the metadata store: in one transaction at most every
 * `intervalMs`, each client at most once a minute unless it left or came back. What a crash takes away is
 * the last minute's signs.
 */
export class ClientKeeper {
  readonly #options: ClientKeeperOptions;
  readonly #dirty = new Set<KeptClient>();
  readonly #saved = new WeakMap<KeptClient, { readonly lastSeenMs: number; readonly left: boolean }>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: ClientKeeperOptions) {
    this.#options = options;
  }

  /** Notes what is on disk. */
  stored(client: KeptClient, lastSeenMs = client.lastSeenMs): void {
    this.#saved.set(client, { lastSeenMs, left: client.left ?? false });
    this.#dirty.delete(client);
  }

  /** Notes that a client was seen, left or came back; cheap, called for every message. */
  noted(client: KeptClient): void {
    const saved = this.#saved.get(client);
    if (saved === undefined || this.#closed) return; // Not on disk yet: its registration is being written.
    if (client.lastSeenMs - saved.lastSeenMs < SIGN_GRANULARITY_MS && (client.left ?? false) === saved.left) {
      return;
    }
    this.#dirty.add(client);
    this.#arm();
  }

  /** Stops keeping a client. */
  forget(client: KeptClient): void {
    this.#dirty.delete(client);
    this.#saved.delete(client);
  }

  /** Writes all that waits. Never rejects: a failure is reported and tried again later. */
  flush(): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      while (this.#dirty.size > 0 && (await this.#writeBatch()));
    });
    return this.#writing;
  }

  /** Writes a last time and stops. */
  async close(): Promise<void> {
    await this.flush();
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #arm(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#writing.then(async () => {
        await this.#writeBatch();
        if (this.#dirty.size > 0 && !this.#closed) this.#arm();
      });
    }, this.#options.intervalMs).unref();
  }

  /** Whether the batch was written. */
  async #writeBatch(): Promise<boolean> {
    const clients: KeptClient[] = [];
    const signs: ClientSign[] = [];
    for (const client of this.#dirty) {
      clients.push(client);
      signs.push({ id: client.id, lastSeenMs: client.lastSeenMs, left: client.left ?? false });
      if (clients.length === MAX_BATCH) break;
    }
    if (signs.length === 0) return true;
    try {
      await this.#options.store.saveSigns(signs); // Durable here.
    } catch (error) {
      this.#options.onError(error);
      return false;
    }
    for (const [index, client] of clients.entries()) {
      const { lastSeenMs, left } = signs[index]!;
      this.#saved.set(client, { lastSeenMs, left });
      if ((client.left ?? false) === left) this.#dirty.delete(client);
    }
    return true;
  }
}
