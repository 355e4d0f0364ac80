import { create } from '@bufbuild/protobuf';
import {
  type Backoff,
  type ConcurrencyLimit,
  createConcurrencyLimit,
  pause,
  ResilienceError,
} from '@danube/resilience';
import { status } from '@grpc/grpc-js';
import type { BrokerDirectory, Location } from './broker-directory.ts';
import { CallFailure, clientError, sendError } from './error-mapping.ts';
import type { Outcome } from './errors.ts';
import { ClientError } from './errors.ts';
import type { DispatchStrategy, ProducerAccessMode } from './gen/danube_pb.ts';
import {
  HealthCheckRequest_ClientType,
  ProducerRequestSchema,
  StreamMessageSchema,
} from './gen/danube_pb.ts';
import { watchHealth } from './health-check.ts';
import type { ResolvedOptions, ResolvedRetry } from './options.ts';
import { Registration } from './registration.ts';
import { backoffOf } from './retry.ts';
import { SendWindow } from './send-window.ts';
import { producerService } from './services.ts';

/** A producer's settings after checks, for one topic or partition. */
export interface TopicProducerInit {
  readonly topic: string;
  readonly name: string;
  readonly dispatch: DispatchStrategy;
  readonly accessMode: ProducerAccessMode;
  readonly maxInFlight: number;
  readonly ordered: boolean;
  readonly retry: ResolvedRetry;
  readonly retryUnknown: boolean;
}

/** More than gRPC's prefix, four 64-bit numbers, every tag and every length around them take. */
const ENVELOPE_BYTES = 100;

/** One message to send, after checks. */
export interface OutgoingMessage {
  readonly payload: Uint8Array;
  /** No less than what payload, attributes and routing key take when encoded. */
  readonly sizeBytes: number;
  readonly publishTime: bigint;
  readonly attributes: { [key: string]: string };
  readonly routingKey: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/** One registration at one broker; given up as a whole when anything about it is in doubt. */
interface Session {
  readonly location: Location;
  readonly producerId: bigint;
}

/**
 * A producer on one topic (or partition).
 *
 * All sends share one registration. When a call fails in a way another try may mend, the registration is renewed
 * once for all of them: back-off, lookup, CreateProducer. Sends that wait for it go out in the order of their numbers.
 */
export class TopicProducer {
  readonly topic: string;
  readonly #init: TopicProducerInit;
  readonly #directory: BrokerDirectory;
  readonly #options: ResolvedOptions;
  readonly #slots: ConcurrencyLimit;
  readonly #closing = new AbortController();
  readonly #inFlight = new Set<Promise<unknown>>();
  #registration: Registration<Session> | undefined;
  #lastLocation: Location | undefined;
  #health: AbortController | undefined;
  #nextRequestId = 1n;
  #registrations = 0n;

  constructor(init: TopicProducerInit, directory: BrokerDirectory, options: ResolvedOptions) {
    this.topic = init.topic;
    this.#init = init;
    this.#directory = directory;
    this.#options = options;
    this.#slots = createConcurrencyLimit(init.maxInFlight);
  }

  /** Registers at the broker; rejects as {@link send} does, `outcome` aside. */
  async open(): Promise<void> {
    const backoff = backoffOf(this.#init.retry);
    const doing = `create producer ${this.#init.name} on ${this.topic}`;
    for (let attempt = 0; ; ) {
      const registration = this.#current();
      try {
        await registration.wait(0n);
        return;
      } catch (failure) {
        attempt += 1;
        const again = failure instanceof CallFailure && failure.transient && !this.#closing.signal.aborted;
        if (!again || attempt > this.#init.retry.maxRetries) {
          throw clientError(failure, doing, { topic: this.topic, attempts: attempt });
        }
        this.#renew(registration, attempt, backoff.next(), failure.message);
      }
    }
  }

  /** Sends one message; the request id is taken at once, in call order. */
  send(message: OutgoingMessage): Promise<bigint> {
    const requestId = this.#nextRequestId;
    this.#nextRequestId += 1n;
    const sending = this.#slots
      .run(() => this.#deliver(requestId, message), message.signal)
      .catch((error: unknown) => {
        throw ResilienceError.is(error) ? this.#leftQueue(error, requestId) : error;
      });
    this.#inFlight.add(sending);
    const settled = () => this.#inFlight.delete(sending);
    sending.then(settled, settled);
    return sending;
  }

  /** Lets calls that are under way end, retries nothing any more, and ends the health checks. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#inFlight);
    this.#health?.abort();
  }

  /** The error of a send whose signal fired before its turn came. */
  #leftQueue({ cause }: ResilienceError, requestId: bigint): ClientError {
    const { topic } = this;
    const aborted = new ClientError('ABORTED', 'the signal fired', { cause });
    const context = { topic, requestId, attempts: 0 };
    return sendError(aborted, 'refused', `send message ${requestId} to ${topic}`, context);
  }

  async #deliver(requestId: bigint, message: OutgoingMessage): Promise<bigint> {
    const { retry, retryUnknown } = this.#init;
    const { signal } = message;
    let outcome: Outcome = 'refused';
    let backoff: Backoff | undefined;
    for (let attempt = 1; ; attempt += 1) {
      const giveUp = (failure: unknown) =>
        sendError(failure, outcome, `send message ${requestId} to ${this.topic}`, {
          topic: this.topic,
          requestId,
          attempts: attempt,
        });
      if (signal?.aborted) {
        throw giveUp(new ClientError('ABORTED', 'the signal fired', { cause: signal.reason }));
      }
      if (this.#closing.signal.aborted) throw giveUp(new ClientError('CLOSED', 'the producer is closed'));

      const registration = this.#current();
      let again: boolean;
      let failure: unknown;
      try {
        const session = await registration.wait(requestId, signal);
        if (session === undefined) continue; // the signal fired: said at the head of the loop
        return await this.#call(session, requestId, message);
      } catch (error) {
        failure = error;
        if (!(error instanceof CallFailure)) throw giveUp(error);
        // Once one attempt may have been stored, a later refusal does not take that back.
        if (error.outcome === 'unknown') outcome = 'unknown';
        if (error.cancelled)
          throw giveUp(new ClientError('ABORTED', 'the signal fired', { cause: signal?.reason }));
        // NOT_FOUND: a broker that restarted does not know the producer id; nothing was stored.
        again = error.transient || error.status === status.NOT_FOUND;
      }
      if (!again || attempt > retry.maxRetries || (outcome === 'unknown' && !retryUnknown)) {
        throw giveUp(failure);
      }
      backoff ??= backoffOf(retry);
      const reason = failure instanceof Error ? failure.message : String(failure);
      this.#renew(registration, attempt, backoff.next(), reason);
    }
  }

  async #call(session: Session, requestId: bigint, message: OutgoingMessage): Promise<bigint> {
    if (!this.#init.ordered) return this.#request(session, requestId, message);
    const { connection, brokerUrl } = session.location;
    const { window } = connection;
    const names = this.topic.length + brokerUrl.length + Buffer.byteLength(this.#init.name);
    const weight = SendWindow.weigh(message.sizeBytes + names + ENVELOPE_BYTES);
    const turn = window.enter(weight);
    if (turn !== undefined) await turn;
    try {
      return await this.#request(session, requestId, message);
    } finally {
      window.leave(weight);
    }
  }

  async #request(session: Session, requestId: bigint, message: OutgoingMessage): Promise<bigint> {
    const { connection, route, brokerUrl } = session.location;
    const answer = await connection.unary(
      producerService.sendMessage,
      create(StreamMessageSchema, {
        requestId,
        msgId: { producerId: session.producerId, topicName: this.topic, brokerAddr: brokerUrl },
        payload: message.payload,
        publishTime: message.publishTime,
        producerName: this.#init.name,
        attributes: message.attributes,
        ...(message.routingKey !== undefined && { routingKey: message.routingKey }),
      }),
      route,
      { signal: message.signal },
    );
    return answer.requestId;
  }

  #current(): Registration<Session> {
    this.#registration ??= new Registration(this.#register(0));
    return this.#registration;
  }

  /** Replaces `stale` by a new registration after `delayMs`; does nothing if another send already did. */
  #renew(stale: Registration<Session>, attempt: number, delayMs: number, reason: string): void {
    if (this.#registration !== stale) return;
    const { topic } = this;
    const { onEvent } = this.#options;
    onEvent({ kind: 'reconnecting', role: 'producer', topic, attempt, delayMs, reason });
    const work = this.#register(delayMs);
    work.then(
      ({ location }) =>
        onEvent({ kind: 'reconnected', role: 'producer', topic, brokerUrl: location.brokerUrl }),
      () => {}, // each send that waits for it reports it
    );
    this.#registration = new Registration(work);
  }

  async #register(delayMs: number): Promise<Session> {
    this.#health?.abort();
    const closing = this.#closing.signal;
    // A producer that is still opening is not known to the client, which cannot close it.
    if (delayMs > 0) await pause(delayMs, AbortSignal.any([closing, this.#directory.closing]));
    if (closing.aborted) throw new ClientError('CLOSED', 'the producer is closed');
    const { topic, name, dispatch, accessMode } = this.#init;
    const lane = this.#init.ordered ? 'ordered' : 'unordered';
    const location = await this.#directory.locate(topic, lane, this.#lastLocation);
    this.#lastLocation = location;
    this.#registrations += 1n;
    const { producerId } = await location.connection
      .unary(
        producerService.createProducer,
        create(ProducerRequestSchema, {
          requestId: this.#registrations,
          producerName: name,
          topicName: topic,
          producerAccessMode: accessMode,
          dispatchStrategy: dispatch,
        }),
        location.route,
      )
      .catch((error: unknown) => {
        // Registering stores no message: whatever happened to this call, the send behind it has not been made.
        throw error instanceof CallFailure ? error.withoutEffect() : error;
      });
    this.#watch(location, producerId);
    return { location, producerId };
  }

  #watch(location: Location, id: bigint): void {
    const health = new AbortController();
    this.#health = health;
    if (this.#closing.signal.aborted) health.abort();
    const registration = this.#registration;
    void watchHealth({
      location,
      client: HealthCheckRequest_ClientType.Producer,
      id,
      intervalMs: this.#options.healthCheckIntervalMs,
      signal: health.signal,
      onLost: () => {
        // The next send registers anew; calls under way end by themselves.
        if (this.#registration === registration) this.#registration = undefined;
      },
    });
  }
}
