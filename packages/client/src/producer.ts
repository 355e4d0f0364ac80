import type { BrokerDirectory } from './broker-directory.ts';
import { checkedName, checkedText, checkedTopic } from './checked-arguments.ts';
import { ClientError } from './errors.ts';
import { DispatchStrategy, ProducerAccessMode } from './gen/danube_pb.ts';
import type { ResolvedOptions, RetryOptions } from './options.ts';
import { numberBetween, refuseUnknownKeys, resolveRetryOptions } from './options.ts';
import { partitionOfKey } from './partition-of-key.ts';
import type { OutgoingMessage } from './topic-producer.ts';
import { TopicProducer } from './topic-producer.ts';

/** Settings of {@link DanubeClient.createProducer}. */
export interface ProducerOptions {
  /** `/namespace/topic`. The first producer creates the topic, where the broker allows it. */
  readonly topic: string;
  /** Unique among the topic's producers; the same name again takes up the old registration. */
  readonly name: string;
  /**
   * `reliable`: stored before it is acknowledged, delivered at least once. `non-reliable` (default, as in the
   * official clients): passed to whoever is subscribed now. Fixed by the topic's first producer; a producer that
   * disagrees is refused with `FAILED_PRECONDITION`.
   */
  readonly dispatch?: 'reliable' | 'non-reliable';
  /** `exclusive`: refuse other producers on the topic, where the broker supports it. Default `shared`. */
  readonly accessMode?: 'shared' | 'exclusive';
  /**
   * For a partitioned topic, how many partitions it has: messages go to `<topic>-part-<i>`, by the hash of
   * `routingKey`, or in turn. Default: not partitioned.
   */
  readonly partitions?: number;
  /** Sends under way at a time, per partition; further ones wait in call order. Default 256. */
  readonly maxInFlight?: number;
  /**
   * Default true: messages reach the broker in call order although several are under way, see {@link Producer.send}.
   * It costs throughput where the network is slow or messages are large: all ordered producers of a client have
   * together at most 28 KiB under way to one broker, and a message over 16 KiB travels alone. False lifts that:
   * only `maxInFlight` bounds what is under way, and messages may overtake each other.
   */
  readonly ordered?: boolean;
  /** Overrides the client's. */
  readonly retry?: RetryOptions;
  /**
   * Whether to send again when it is unknown if the broker stored the message. Default true, what the official
   * clients do: **at least once, a message may be stored twice**. False: **at most once**, such a send rejects with
   * `OUTCOME_UNKNOWN` at once; certain refusals are still tried again.
   */
  readonly retryUnknown?: boolean;
}

/** What may be said with one message. */
export interface SendOptions {
  readonly attributes?: Readonly<Record<string, string>> | ReadonlyMap<string, string>;
  /** Decides the partition, and the consumer of a KeyShared subscription. */
  readonly routingKey?: string;
  /** Milliseconds since the epoch, an integer. Default: now. */
  readonly publishTimeMs?: number;
  /**
   * Gives the send up: rejects with `ABORTED` if the message certainly was not stored, else `OUTCOME_UNKNOWN`. At once
   * also while it waits for its turn (`maxInFlight`).
   */
  readonly signal?: AbortSignal;
}

/** What the broker acknowledged. It does not say the offset: the protocol has no field for it. */
export interface SendReceipt {
  /** The producer's number for the message, from 1 in call order; consumers see it as `Message.requestId`. */
  readonly requestId: bigint;
  /** The topic or partition it went to. */
  readonly topic: string;
}

/** Publishes to one topic. Made by {@link DanubeClient.createProducer}; safe to use from many places at once. */
export interface Producer {
  readonly topic: string;
  readonly name: string;
  /**
   * Publishes one message and resolves when the broker acknowledged it; what that means for durability is the
   * broker's promise (reliable topics: stored).
   *
   * Order: messages of an ordered producer (the default) reach the broker in call order, however many are under way;
   * a broker that handles calls one after the other stores them so. Two things can change it: a broker that
   * handles calls in parallel (for those: `maxInFlight: 1`), and **a message that is sent again, which can land
   * behind later ones** (those that failed together are sent again in their order). Each try carries the same
   * `requestId`, `publishTimeMs` and bytes.
   *
   * `payload` and `attributes` must not be changed before the promise settles. Rejects with {@link ClientError}:
   * `outcome` is always set, `refused` or `unknown` (code `OUTCOME_UNKNOWN`).
   */
  send(payload: Uint8Array, options?: SendOptions): Promise<SendReceipt>;
  /** Lets calls under way end, tries nothing again, and frees the producer. Idempotent. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const MAX_UINT64_MS = Number.MAX_SAFE_INTEGER;

/** Checks the options, registers at the broker and answers the producer. */
export async function openProducer(
  options: ProducerOptions,
  directory: BrokerDirectory,
  resolved: ResolvedOptions,
  onClose: (producer: Producer) => void,
): Promise<Producer> {
  refuseUnknownKeys('createProducer', options, [
    'topic',
    'name',
    'dispatch',
    'accessMode',
    'partitions',
    'maxInFlight',
    'ordered',
    'retry',
    'retryUnknown',
  ]);
  const topic = checkedTopic(options.topic);
  const name = checkedName('the producer name', options.name);
  const { partitions } = options;
  if (partitions !== undefined) wholeNumber('partitions', partitions, 10_000);
  const producerOf = (partition: number | undefined) =>
    new TopicProducer(
      {
        topic: partition === undefined ? topic : `${topic}-part-${partition}`,
        name: partition === undefined ? name : `${name}-${partition}`,
        dispatch: options.dispatch === 'reliable' ? DispatchStrategy.Reliable : DispatchStrategy.NonReliable,
        accessMode:
          options.accessMode === 'exclusive' ? ProducerAccessMode.Exclusive : ProducerAccessMode.Shared,
        ordered: options.ordered ?? true,
        maxInFlight: wholeNumber('maxInFlight', options.maxInFlight ?? 256, 1_000_000),
        retry: resolveRetryOptions({ ...resolved.retry, ...options.retry }),
        retryUnknown: options.retryUnknown ?? true,
      },
      directory,
      resolved,
    );
  const producers =
    partitions === undefined
      ? [producerOf(undefined)]
      : Array.from({ length: partitions }, (_, partition) => producerOf(partition));
  const opened = await Promise.allSettled(producers.map((producer) => producer.open()));
  const failed = opened.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    await Promise.all(producers.map((producer) => producer.close()));
    throw failed.reason;
  }
  return new RoutingProducer(topic, name, producers, resolved.maxPayloadBytes, onClose);
}

/** Chooses the partition of each message; with one producer there is nothing to choose. */
class RoutingProducer implements Producer {
  readonly topic: string;
  readonly name: string;
  readonly #producers: readonly TopicProducer[];
  readonly #maxPayloadBytes: number;
  readonly #onClose: (producer: Producer) => void;
  #turn = 0;

  constructor(
    topic: string,
    name: string,
    producers: readonly TopicProducer[],
    maxPayloadBytes: number,
    onClose: (producer: Producer) => void,
  ) {
    this.#onClose = onClose;
    this.topic = topic;
    this.name = name;
    this.#producers = producers;
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  async send(payload: Uint8Array, options: SendOptions = {}): Promise<SendReceipt> {
    const message = this.#checked(payload, options);
    const producer = this.#producerFor(options.routingKey);
    return { requestId: await producer.send(message), topic: producer.topic };
  }

  async close(): Promise<void> {
    await Promise.all(this.#producers.map((producer) => producer.close()));
    this.#onClose(this);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #producerFor(routingKey: string | undefined): TopicProducer {
    const count = this.#producers.length;
    const index =
      count === 1 ? 0 : routingKey === undefined ? this.#turn++ % count : partitionOfKey(routingKey, count);
    return this.#producers[index]!;
  }

  #checked(payload: Uint8Array, options: SendOptions): OutgoingMessage {
    if (!(payload instanceof Uint8Array)) throw refused('a payload is a Uint8Array');
    if (payload.byteLength > this.#maxPayloadBytes) {
      throw refused(
        `the payload has ${payload.byteLength} bytes, more than the ${this.#maxPayloadBytes} allowed`,
      );
    }
    const publishTimeMs = options.publishTimeMs ?? Date.now();
    if (!Number.isInteger(publishTimeMs) || publishTimeMs < 0 || publishTimeMs > MAX_UINT64_MS) {
      throw refused(`publishTimeMs must be whole milliseconds since the epoch, not ${publishTimeMs}`);
    }
    let sizeBytes = payload.byteLength;
    const attributes: { [key: string]: string } = {};
    if (options.attributes !== undefined) {
      const entries =
        options.attributes instanceof Map
          ? options.attributes.entries()
          : Object.entries(options.attributes as Readonly<Record<string, string>>);
      for (const [key, value] of entries) {
        // defineProperty, so that an attribute may be called __proto__.
        Object.defineProperty(attributes, checkedText('an attribute name', key), {
          value: checkedText('an attribute', value),
          enumerable: true,
          configurable: true,
          writable: true,
        });
        // Two tags and up to three lengths around each.
        sizeBytes += Buffer.byteLength(key) + Buffer.byteLength(value) + 12;
      }
    }
    const { routingKey, signal } = options;
    if (routingKey !== undefined) sizeBytes += Buffer.byteLength(checkedText('routingKey', routingKey));
    return { payload, sizeBytes, publishTime: BigInt(publishTimeMs), attributes, routingKey, signal };
  }
}

function refused(message: string): ClientError {
  return new ClientError('INVALID_ARGUMENT', message, { outcome: 'refused' });
}

function wholeNumber(name: string, value: number, max: number): number {
  if (!Number.isInteger(value)) throw new ClientError('INVALID_ARGUMENT', `${name} must be a whole number`);
  return numberBetween(name, value, 1, max);
}
