import type { ConsumerSink, Dispatcher } from '../dispatch/delivery.ts';
import { BrokerError } from '../errors.ts';
import type { ConsumerRecord } from '../metadata/client-records.ts';
import type { SubscriptionType } from '../metadata/subscription-type.ts';
import { createId } from './ids.ts';
import { isAbsent } from './producer.ts';

/** A consumer registered on a subscription. */
export interface Consumer {
  readonly id: bigint;
  readonly name: string;
  readonly subscription: Subscription;
  /** Its open stream, if any. */
  sink: ConsumerSink | undefined;
  /** Whether it ever opened a stream and that stream ended: it left, until it comes back. */
  left: boolean;
  /** Unix milliseconds of its last call or health check. */
  lastSeenMs: number;
  /** Unix milliseconds when the broker that took it over from its last run was there for clients; 0 when it came in this run. */
  restoredMs: number;
}

/** What a {@link Subscription} is made of. */
export interface SubscriptionOptions {
  readonly topic: string;
  readonly name: string;
  readonly type: SubscriptionType;
  readonly dispatcher: Dispatcher;
  /** Called when a consumer is no longer known: by id it is NOT_FOUND from now on. */
  readonly onForgotten: (consumer: Consumer) => void;
}

/** One subscription of a topic: who consumes it, and the dispatcher that feeds them. */
export class Subscription {
  readonly topic: string;
  readonly name: string;
  readonly dispatcher: Dispatcher;
  readonly #onForgotten: (consumer: Consumer) => void;
  readonly #consumers = new Map<string, Consumer>();
  #type: SubscriptionType;

  constructor(options: SubscriptionOptions) {
    this.topic = options.topic;
    this.name = options.name;
    this.dispatcher = options.dispatcher;
    this.#type = options.type;
    this.#onForgotten = options.onForgotten;
  }

  get type(): SubscriptionType {
    return this.#type;
  }

  /** Consumers registered, with or without a stream. */
  get consumers(): readonly Consumer[] {
    return [...this.#consumers.values()];
  }

  /**
   * Registers a consumer. A known name keeps its id and its old stream is ended (takeover). In an exclusive
   * subscription a consumer that left, or has been silent, gives way to a new one.
   *
   * @throws BrokerError `REFUSED`: exclusive and taken, or another type than the consumers present use
   */
  join(name: string, type: SubscriptionType, nowMs: number): Consumer {
    const known = this.#consumers.get(name);
    const others = this.consumers.filter((consumer) => consumer !== known);
    const present = others.filter((consumer) => isPresent(consumer, nowMs));
    if (present.length > 0 && (this.#type === 'exclusive' || type === 'exclusive')) {
      throw new BrokerError(
        'REFUSED',
        this.#type === 'exclusive'
          ? `The exclusive subscription ${this.name} of ${this.topic} cannot be shared: consumer ${present[0]!.name} has it.`
          : `The subscription ${this.name} of ${this.topic} is shared and has ${present.length} other consumer(s): it cannot be made exclusive.`,
        { context: { topic: this.topic, subscription: this.name } },
      );
    }
    if (type === 'exclusive') for (const other of others) this.forget(other);
    this.#type = type;
    if (known !== undefined) {
      this.release(
        known,
        new BrokerError('TAKEN_OVER', `Consumer ${name} subscribed again; this stream ended.`),
      );
      known.left = false;
      known.lastSeenMs = nowMs;
      return known;
    }
    const consumer: Consumer = {
      id: createId(),
      name,
      subscription: this,
      sink: undefined,
      left: false,
      lastSeenMs: nowMs,
      restoredMs: 0,
    };
    this.#consumers.set(name, consumer);
    return consumer;
  }

  /** Takes over a consumer of the broker's last run, with its id. It holds a place as if just silent since `nowMs`. */
  restore(record: Pick<ConsumerRecord, 'id' | 'name' | 'left' | 'lastSeenMs'>, nowMs: number): Consumer {
    const { id, name, left } = record;
    const lastSeenMs = Math.min(record.lastSeenMs, nowMs); // The clock may have been set back.
    const consumer = { id, name, subscription: this, sink: undefined, left, lastSeenMs, restoredMs: nowMs };
    this.#consumers.set(name, consumer);
    return consumer;
  }

  /** Starts the consumer's stream; an older stream of it is ended (takeover). */
  open(consumer: Consumer, sink: ConsumerSink): void {
    this.release(
      consumer,
      new BrokerError('TAKEN_OVER', `Consumer ${consumer.name} opened another stream; this one ended.`),
    );
    consumer.sink = sink;
    consumer.left = false;
    this.dispatcher.attach(sink);
  }

  /** The stream is gone; what was in flight on it goes to others or waits. */
  closed(consumer: Consumer, sink: ConsumerSink): void {
    this.dispatcher.detach(sink);
    if (consumer.sink !== sink) return; // Another stream has taken its place.
    consumer.sink = undefined;
    consumer.left = true;
  }

  /** Ends the consumer's stream, if it has one. */
  release(consumer: Consumer, reason: unknown): void {
    const { sink } = consumer;
    if (sink === undefined) return;
    consumer.sink = undefined;
    this.dispatcher.detach(sink);
    sink.end(reason);
  }

  /** Drops a consumer. */
  forget(consumer: Consumer): void {
    this.release(consumer, new BrokerError('TAKEN_OVER', `Consumer ${consumer.name} was replaced.`));
    this.#consumers.delete(consumer.name);
    this.#onForgotten(consumer);
  }

  /** Ends every stream and stops delivering. */
  close(reason: unknown): void {
    for (const consumer of this.consumers) this.release(consumer, reason);
    this.dispatcher.close();
  }
}

/** Has a stream, or has just subscribed and is about to open one. */
function isPresent(consumer: Consumer, nowMs: number): boolean {
  return consumer.sink !== undefined || (!consumer.left && !isAbsent(consumer, nowMs));
}
