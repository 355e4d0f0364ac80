import type { ConsumerRecord } from '../metadata/client-records.ts';

/** A consumer of the broker's last run whose topic is not open yet. */
export interface DormantConsumer extends Omit<ConsumerRecord, 'lastSeenMs'> {
  lastSeenMs: number;
}

/** Consumers that wait for their topic to be opened, by id and by topic. */
export class DormantConsumers {
  readonly #byId = new Map<bigint, DormantConsumer>();
  readonly #byTopic = new Map<string, DormantConsumer[]>();

  get size(): number {
    return this.#byId.size;
  }

  add(record: ConsumerRecord): void {
    const consumer = { ...record };
    this.#byId.set(consumer.id, consumer);
    const others = this.#byTopic.get(consumer.topic);
    if (others === undefined) this.#byTopic.set(consumer.topic, [consumer]);
    else others.push(consumer);
  }

  get(id: bigint): DormantConsumer | undefined {
    return this.#byId.get(id);
  }

  /** Removes and returns those of a topic. */
  take(topic: string): readonly DormantConsumer[] {
    const consumers = this.#byTopic.get(topic) ?? [];
    this.#byTopic.delete(topic);
    for (const { id } of consumers) this.#byId.delete(id);
    return consumers;
  }

  /** Removes and returns those that were silent since before `beforeMs`. */
  takeSilent(beforeMs: number): readonly DormantConsumer[] {
    const silent = [...this.#byId.values()].filter(({ lastSeenMs }) => lastSeenMs < beforeMs);
    for (const consumer of silent) {
      this.#byId.delete(consumer.id);
      const others = this.#byTopic.get(consumer.topic);
      others?.splice(others.indexOf(consumer), 1);
    }
    return silent;
  }
}
