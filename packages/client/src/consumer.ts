import { BoundedQueue } from './bounded-queue.ts';
import type { BrokerDirectory } from './broker-directory.ts';
import { checkedName, checkedText, checkedTopic } from './checked-arguments.ts';
import { clientError } from './error-mapping.ts';
import { ClientError } from './errors.ts';
import { ConsumerRequest_SubscriptionType as SubscriptionType } from './gen/danube_pb.ts';
import type { Message, MessageId } from './message.ts';
import type { ResolvedOptions, RetryOptions } from './options.ts';
import { numberBetween, refuseUnknownKeys, resolveRetryOptions } from './options.ts';
import { withRetries } from './retry.ts';
import { TopicConsumer } from './topic-consumer.ts';

/** Settings of {@link DanubeClient.subscribe}. */
export interface ConsumerOptions {
  /** `/namespace/topic`; a partitioned topic is subscribed with all its partitions. Must exist. */
  readonly topic: string;
  /**
   * A subscription keeps its place under this name, whoever consumes it. A new one starts behind the newest
   * message.
   */
  readonly subscription: string;
  /**
   * Unique within the subscription. The same name again takes over: the broker ends the older stream (and two
   * processes under one name take it from each other for ever).
   */
  readonly consumerName: string;
  /**
   * `exclusive`: one consumer. `shared` (default, as in the official clients): messages go in turn to all.
   * `failover`: one, the others stand by. `key-shared`: each routing key to one consumer.
   */
  readonly type?: 'exclusive' | 'shared' | 'failover' | 'key-shared';
  /** Globs over routing keys; only for `key-shared`. */
  readonly keyFilters?: readonly string[];
  /** Messages held ready before the stream is paused. Default 100. */
  readonly bufferMessages?: number;
  /** Payload bytes held ready before the stream is paused (at least one message always fits). Default 16 MiB. */
  readonly bufferBytes?: number;
  /** Overrides the client's. `maxRetries` bounds the first subscribe and each acknowledgement. */
  readonly retry?: RetryOptions;
}

/** What may be said when a message is given back. */
export interface NackOptions {
  /** When to deliver it again, milliseconds from now. Default: the subscription's own rule. */
  readonly delayMs?: number;
  /** For people; brokers keep it with a message that ends in a dead-letter topic. */
  readonly reason?: string;
}

/**
 * Receives the messages of one subscription: `for await (const message of consumer)`.
 *
 * Delivery is at least once: a message that was not acknowledged comes again after a reconnect, so some may come
 * twice. Of one topic (or partition) messages come in offset order, except those that come again.
 *
 * The consumer reconnects by itself (broker restart, `CLOSE`, broken stream) for as long as it is open; it ends with
 * an error only when the broker refuses it for good, and then the iterator throws that error once. Leaving the loop
 * with `break` keeps it open: iterate again, or {@link close} it.
 */
export interface Consumer extends AsyncIterable<Message> {
  readonly topic: string;
  readonly subscription: string;
  /** The names actually subscribed: the topic itself, or its partitions. */
  readonly partitions: readonly string[];
  /** The next message, or `undefined` once the consumer is closed. Several calls may wait; they are served in turn. */
  receive(): Promise<Message | undefined>;
  /**
   * Tells the broker that the message is done. Resolves when the broker has answered (it may persist its cursor a
   * little later). Messages may be acknowledged in any order, and after a reconnect. When it rejects, the
   * message will come again.
   */
  ack(message: MessageId): Promise<void>;
  /** Gives the message back to be delivered again. Not known to brokers before v0.10. */
  nack(message: MessageId, options?: NackOptions): Promise<void>;
  /**
   * Ends the stream and the iterator. What was not acknowledged, delivered or not, stays with the subscription.
   * Acknowledge first what is done: afterwards `ack` rejects with `CLOSED`. Idempotent.
   */
  close(): Promise<void>;
  [Symbol.asyncIterator](): AsyncIterator<Message, undefined>;
  [Symbol.asyncDispose](): Promise<void>;
}

const subscriptionTypes = {
  exclusive: SubscriptionType.Exclusive,
  shared: SubscriptionType.Shared,
  failover: SubscriptionType.Failover,
  'key-shared': SubscriptionType.KeyShared,
} as const;

/** Checks the options, subscribes every partition and answers the consumer. */
export async function openConsumer(
  options: ConsumerOptions,
  directory: BrokerDirectory,
  resolved: ResolvedOptions,
  onClose: (consumer: Consumer) => void,
): Promise<Consumer> {
  refuseUnknownKeys('subscribe', options, [
    'topic',
    'subscription',
    'consumerName',
    'type',
    'keyFilters',
    'bufferMessages',
    'bufferBytes',
    'retry',
  ]);
  const topic = checkedTopic(options.topic);
  const subscription = checkedName('the subscription', options.subscription);
  const consumerName = checkedName('the consumer name', options.consumerName);
  const type = subscriptionTypes[options.type ?? 'shared'];
  if (type === undefined) {
    throw new ClientError(
      'INVALID_ARGUMENT',
      `a subscription type is ${Object.keys(subscriptionTypes).join(', ')}, not ${options.type}`,
    );
  }
  const keyFilters = options.keyFilters ?? [];
  if (keyFilters.length > 0 && type !== SubscriptionType.KeyShared) {
    throw new ClientError('INVALID_ARGUMENT', 'keyFilters need type key-shared');
  }
  for (const filter of keyFilters) checkedText('a key filter', filter);
  const queue = new BoundedQueue<Message>(
    numberBetween('bufferMessages', options.bufferMessages ?? 100, 1, 1_000_000),
    numberBetween('bufferBytes', options.bufferBytes ?? 16 * 1024 * 1024, 1, 2 ** 40),
  );
  const retry = resolveRetryOptions({ ...resolved.retry, ...options.retry });

  const lookUp = () => directory.partitions(topic);
  const partitions = await withRetries(retry, directory.closing, lookUp).catch((failure: unknown) => {
    throw clientError(failure, `look up the partitions of ${topic}`, { topic });
  });
  const consumers = partitions.map(
    (partition) =>
      new TopicConsumer(
        { topic: partition, consumerName, subscription, type, keyFilters, retry },
        queue,
        directory,
        resolved,
      ),
  );
  const consumer = new QueueConsumer(topic, subscription, queue, consumers, onClose);
  const opened = await Promise.allSettled(consumers.map((each) => each.open()));
  const failed = opened.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    await consumer.close();
    throw failed.reason;
  }
  return consumer;
}

/** One queue fed by the consumers of all partitions. */
class QueueConsumer implements Consumer {
  readonly topic: string;
  readonly subscription: string;
  readonly #queue: BoundedQueue<Message>;
  readonly #consumers: ReadonlyMap<string, TopicConsumer>;
  readonly #onClose: (consumer: Consumer) => void;

  constructor(
    topic: string,
    subscription: string,
    queue: BoundedQueue<Message>,
    consumers: readonly TopicConsumer[],
    onClose: (consumer: Consumer) => void,
  ) {
    this.#onClose = onClose;
    this.topic = topic;
    this.subscription = subscription;
    this.#queue = queue;
    this.#consumers = new Map(consumers.map((consumer) => [consumer.topic, consumer]));
  }

  get partitions(): readonly string[] {
    return [...this.#consumers.keys()];
  }

  async receive(): Promise<Message | undefined> {
    return (await this.#next()).value;
  }

  async ack(message: MessageId): Promise<void> {
    await this.#consumerOf(message).ack(message);
  }

  async nack(message: MessageId, options: NackOptions = {}): Promise<void> {
    const { delayMs, reason } = options;
    if (delayMs !== undefined && (!Number.isSafeInteger(delayMs) || delayMs < 0)) {
      throw new ClientError('INVALID_ARGUMENT', `delayMs must be whole milliseconds, not ${delayMs}`);
    }
    if (reason !== undefined) checkedText('reason', reason);
    await this.#consumerOf(message).nack(
      message,
      delayMs === undefined ? undefined : BigInt(delayMs),
      reason,
    );
  }

  async close(): Promise<void> {
    this.#queue.close();
    await Promise.all([...this.#consumers.values()].map((consumer) => consumer.close()));
    this.#onClose(this);
  }

  [Symbol.asyncIterator](): AsyncIterator<Message, undefined> {
    return {
      next: () => this.#next(),
      // Leaving the loop leaves the consumer open.
      return: () => Promise.resolve({ done: true, value: undefined }),
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #next(): Promise<IteratorResult<Message, undefined>> {
    try {
      return await this.#queue.next();
    } catch (error) {
      // One partition failed for good: the others stop too, nothing reads them any more.
      await this.close();
      throw error;
    }
  }

  #consumerOf(message: MessageId): TopicConsumer {
    const consumer = this.#consumers.get(message.topic);
    if (consumer === undefined) {
      throw new ClientError('INVALID_ARGUMENT', `${message.topic} is not consumed here`, {
        context: { topic: message.topic },
      });
    }
    return consumer;
  }
}
