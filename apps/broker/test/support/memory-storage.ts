import {
  type AppendAck,
  type NewMessage,
  type PersistentStorage,
  type ReadOptions,
  StorageError,
  type StorageErrorCode,
  type StoredMessage,
  type TopicLog,
} from '@danube/storage';

/**
 * A PersistentStorage in memory for tests of the broker's own rules: offsets, durability that lags behind, and
 * failures on demand. It has no table; what depends on one is tested on the real storage.
 */
export class MemoryStorage
  implements Pick<PersistentStorage, 'openTopic' | 'topic' | 'listTopics' | 'close' | 'on'>
{
  readonly logId = 'memory';
  readonly epoch = 1;
  readonly #topics: Map<string, MemoryTopic>;
  /** What openTopic fails with. */
  openError: StorageError | undefined;
  closed = false;

  /** @param messages topics that "were on disk" before; shared between storages to act a restart */
  constructor(topics = new Map<string, MemoryTopic>()) {
    this.#topics = topics;
  }

  async openTopic(name: string, options: { persistedCursor?: number } = {}): Promise<TopicLog> {
    if (this.openError) throw this.openError;
    const topic = this.#topics.get(name) ?? new MemoryTopic(name);
    this.#topics.set(name, topic);
    topic.nextOffset = Math.max(topic.nextOffset, (options.persistedCursor ?? -1) + 1);
    return topic as unknown as TopicLog;
  }

  topic(name: string): TopicLog | undefined {
    return this.#topics.get(name) as unknown as TopicLog | undefined;
  }

  memoryTopic(name: string): MemoryTopic {
    return this.#topics.get(name)!;
  }

  listTopics(): readonly string[] {
    return [...this.#topics.keys()];
  }

  on(): () => void {
    return () => {};
  }

  stats() {
    return {
      topics: [],
      unflushedBytes: 0,
      tailBytes: 0,
      commits: 0,
      commitFailures: 0,
      commitsInFlight: 0,
      lastCommitMs: 0,
      totalCommitMs: 0,
      stops: {},
      walBytes: 0,
    };
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  asStorage(): PersistentStorage {
    return this as unknown as PersistentStorage;
  }
}

/** A topic of a {@link MemoryStorage}. */
export class MemoryTopic {
  readonly name: string;
  readonly messages: StoredMessage[] = [];
  nextOffset = 0;
  /** Set to hold durability back. */
  durableLimit = Number.POSITIVE_INFINITY;
  appendError: StorageErrorCode | undefined;
  /** How many batches were handed out, to see that readers are pulled, not pushed. */
  batchesRead = 0;
  readErrors: StorageError[] = [];
  #wakers: (() => void)[] = [];

  constructor(name: string) {
    this.name = name;
  }

  get durableOffset(): number {
    return Math.min(this.nextOffset - 1, this.durableLimit);
  }

  get status() {
    return { state: 'open' as const };
  }

  async append(message: NewMessage): Promise<AppendAck> {
    if (this.appendError) throw new StorageError(this.appendError, 'on demand');
    const offset = this.nextOffset++;
    this.messages.push({
      ...message,
      brokerAddr: message.brokerAddr ?? '',
      topic: this.name,
      offset,
      appendTimeMs: Date.now(),
    });
    for (const wake of this.#wakers.splice(0)) wake();
    return { offset, durable: offset <= this.durableOffset };
  }

  async *read({ from, follow, signal }: ReadOptions): AsyncIterable<readonly StoredMessage[]> {
    let next = from;
    while (!signal?.aborted) {
      const error = this.readErrors.shift();
      if (error) throw error;
      const batch = this.messages.filter((message) => message.offset >= next).slice(0, 100);
      if (batch.length > 0) {
        this.batchesRead += 1;
        next = batch.at(-1)!.offset + 1;
        yield batch;
      } else if (!follow) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wakers.push(resolve);
          signal?.addEventListener('abort', () => resolve(), { once: true });
        });
      }
    }
  }
}
