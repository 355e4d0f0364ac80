import { create } from '@bufbuild/protobuf';
import { type Backoff, pause } from '@danube/resilience';
import type { ServiceError } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import type { BoundedQueue } from './bounded-queue.ts';
import type { BrokerDirectory, Location } from './broker-directory.ts';
import type { IncomingStream } from './connection.ts';
import { CallFailure, clientError } from './error-mapping.ts';
import { ClientError } from './errors.ts';
import type { ConsumerRequest_SubscriptionType, StreamMessage } from './gen/danube_pb.ts';
import {
  AckRequestSchema,
  ConsumerRequestSchema,
  HealthCheckRequest_ClientType,
  NackRequestSchema,
  ReceiveRequestSchema,
} from './gen/danube_pb.ts';
import { watchHealth } from './health-check.ts';
import type { Message, MessageId } from './message.ts';
import { decodeMessage, encodeMessageId } from './message.ts';
import type { ResolvedOptions, ResolvedRetry } from './options.ts';
import { backoffOf } from './retry.ts';
import { consumerService } from './services.ts';

/** A consumer's settings after checks, for one topic or partition. */
export interface TopicConsumerInit {
  readonly topic: string;
  readonly consumerName: string;
  readonly subscription: string;
  readonly type: ConsumerRequest_SubscriptionType;
  readonly keyFilters: readonly string[];
  readonly retry: ResolvedRetry;
}

/** One subscription at one broker. */
interface Session {
  readonly location: Location;
  readonly consumerId: bigint;
}

/** How a message stream ended. */
interface StreamEnd {
  readonly reason: string;
  readonly failure: CallFailure | undefined;
  /** Messages came, or it stood for a while: the next reconnect is a first one. */
  readonly healthy: boolean;
}

/**
 * A consumer of one topic (or partition): subscribes, pushes what arrives into the queue, and subscribes anew
 * whenever the stream ends, until it is closed or the broker refuses for good.
 */
export class TopicConsumer {
  readonly topic: string;
  readonly #init: TopicConsumerInit;
  readonly #queue: BoundedQueue<Message>;
  readonly #directory: BrokerDirectory;
  readonly #options: ResolvedOptions;
  readonly #closing = new AbortController();
  #location: Location | undefined;
  #running: Promise<void> = Promise.resolve();
  #requestId = 0n;

  constructor(
    init: TopicConsumerInit,
    queue: BoundedQueue<Message>,
    directory: BrokerDirectory,
    options: ResolvedOptions,
  ) {
    this.topic = init.topic;
    this.#init = init;
    this.#queue = queue;
    this.#directory = directory;
    this.#options = options;
  }

  /** Subscribes, with the client's retries, and starts receiving. */
  async open(): Promise<void> {
    const backoff = backoffOf(this.#init.retry);
    for (let attempt = 1; ; attempt += 1) {
      try {
        const session = await this.#subscribe();
        this.#running = this.#run(session);
        return;
      } catch (failure) {
        const again = failure instanceof CallFailure && failure.transient && !this.#closing.signal.aborted;
        if (!again || attempt > this.#init.retry.maxRetries) throw this.#refusal(failure, attempt);
        await this.#pause(backoff, failure.message);
      }
    }
  }

  ack(id: MessageId): Promise<void> {
    const request = create(AckRequestSchema, {
      requestId: id.requestId,
      msgId: encodeMessageId(id),
      subscriptionName: this.#init.subscription,
    });
    return this.#settle('acknowledge', id, ({ connection, route }) =>
      connection.unary(consumerService.ack, request, route),
    );
  }

  nack(id: MessageId, delayMs: bigint | undefined, reason: string | undefined): Promise<void> {
    const request = create(NackRequestSchema, {
      requestId: id.requestId,
      msgId: encodeMessageId(id),
      subscriptionName: this.#init.subscription,
      ...(delayMs !== undefined && { delayMs }),
      ...(reason !== undefined && { reason }),
    });
    return this.#settle('give back', id, ({ connection, route }) =>
      connection.unary(consumerService.nack, request, route),
    );
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  /** Both answers to a message may be repeated without harm, so every transient failure is tried again. */
  async #settle(verb: string, id: MessageId, call: (location: Location) => Promise<unknown>): Promise<void> {
    const { retry } = this.#init;
    const backoff = backoffOf(retry);
    const doing = `${verb} offset ${id.offset} of ${id.topic}`;
    for (let attempt = 1; ; attempt += 1) {
      const location = this.#location;
      if (this.#closing.signal.aborted || location === undefined) {
        throw new ClientError('CLOSED', `could not ${doing}: the consumer is closed`);
      }
      try {
        await call(location);
        return;
      } catch (failure) {
        const again = failure instanceof CallFailure && failure.transient;
        if (!again || attempt > retry.maxRetries) {
          throw clientError(failure, doing, { topic: id.topic, offset: id.offset, attempts: attempt });
        }
        await pause(backoff.next(), this.#closing.signal);
      }
    }
  }

  async #subscribe(): Promise<Session> {
    const { topic, consumerName, subscription, type, keyFilters } = this.#init;
    const { signal } = this.#closing;
    const location = await this.#directory.locate(topic, 'general', this.#location, signal);
    this.#location = location;
    this.#requestId += 1n;
    const { consumerId } = await location.connection.unary(
      consumerService.subscribe,
      create(ConsumerRequestSchema, {
        requestId: this.#requestId,
        topicName: topic,
        consumerName,
        subscription,
        subscriptionType: type,
        keyFilters: [...keyFilters],
      }),
      location.route,
      { signal },
    );
    return { location, consumerId };
  }

  async #run(first: Session): Promise<void> {
    const { signal } = this.#closing;
    let session: Session | undefined = first;
    const backoff = backoffOf(this.#init.retry);
    while (!signal.aborted) {
      let reason: string;
      try {
        if (session === undefined) {
          session = await this.#subscribe();
          const { brokerUrl } = session.location;
          this.#options.onEvent({ kind: 'reconnected', role: 'consumer', topic: this.topic, brokerUrl });
        }
        const end = await this.#receive(session);
        if (end.failure !== undefined && isFinal(end.failure)) throw end.failure;
        if (end.healthy) backoff.reset();
        reason = end.reason;
      } catch (failure) {
        if (signal.aborted) return;
        if (!(failure instanceof CallFailure && failure.transient)) {
          this.#queue.fail(this.#refusal(failure, backoff.count));
          return;
        }
        reason = failure.message;
      }
      session = undefined;
      if (!signal.aborted) await this.#pause(backoff, reason);
    }
  }

  async #receive(session: Session): Promise<StreamEnd> {
    const { connection, route } = session.location;
    const openedAt = performance.now();
    let received = 0;
    this.#requestId += 1n;
    const incoming = connection.serverStream(
      consumerService.receiveMessages,
      create(ReceiveRequestSchema, { requestId: this.#requestId, consumerId: session.consumerId }),
      route,
    );
    let lost: string | undefined;
    const over = new AbortController();
    const cancel = () => incoming.cancel();
    this.#closing.signal.addEventListener('abort', cancel, { once: true });
    if (this.#closing.signal.aborted) cancel();
    void watchHealth({
      location: session.location,
      client: HealthCheckRequest_ClientType.Consumer,
      id: session.consumerId,
      intervalMs: this.#options.healthCheckIntervalMs,
      signal: over.signal,
      onLost: (reason) => {
        lost = reason;
        cancel();
      },
    });
    try {
      const failure = await this.#drain(incoming, () => {
        received += 1;
      });
      return {
        reason: lost ?? failure?.message ?? 'the broker ended the stream',
        failure: lost === undefined ? failure : undefined,
        healthy: received > 0 || performance.now() - openedAt >= this.#init.retry.maxDelayMs,
      };
    } finally {
      over.abort();
      this.#closing.signal.removeEventListener('abort', cancel);
    }
  }

  /** Moves messages to the queue, no faster than it is read; resolves when the stream is over. */
  #drain(incoming: IncomingStream<StreamMessage>, onMessage: () => void): Promise<CallFailure | undefined> {
    const { stream } = incoming;
    return new Promise((resolve, reject) => {
      stream.on('data', (wire: StreamMessage) => {
        onMessage();
        try {
          if (this.#queue.push(decodeMessage(wire), wire.payload.byteLength)) return;
        } catch (error) {
          incoming.cancel();
          reject(error);
          return;
        }
        stream.pause();
        void this.#queue.whenRoom().then(() => stream.resume());
      });
      stream.on('error', (error: ServiceError) => resolve(incoming.failure(error)));
      stream.on('end', () => resolve(undefined));
    });
  }

  async #pause(backoff: Backoff, reason: string): Promise<void> {
    const delayMs = backoff.next();
    this.#options.onEvent({
      kind: 'reconnecting',
      role: 'consumer',
      topic: this.topic,
      attempt: backoff.count,
      delayMs,
      reason,
    });
    // A consumer that is still opening is not known to the client, which cannot close it.
    await pause(delayMs, AbortSignal.any([this.#closing.signal, this.#directory.closing]));
  }

  #refusal(failure: unknown, attempts: number): ClientError {
    const { subscription } = this.#init;
    return clientError(failure, `subscribe to ${this.topic} as ${subscription}`, {
      topic: this.topic,
      subscription,
      attempts,
    });
  }
}

/** Stream failures that subscribing anew cannot mend. NOT_FOUND is not among them: the broker restarted. */
function isFinal(failure: CallFailure): boolean {
  switch (failure.status) {
    case status.INVALID_ARGUMENT:
    case status.PERMISSION_DENIED:
    case status.UNAUTHENTICATED:
    case status.FAILED_PRECONDITION:
    case status.UNIMPLEMENTED:
      return true;
    default:
      return false;
  }
}
