import type { ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import type {
  AckRequest,
  AckResponse,
  ConsumerHandlers,
  DiscoveryHandlers,
  HealthCheckHandlers,
  HealthCheckRequest,
  MessageResponse,
  NackRequest,
  ProducerHandlers,
  ReceiveRequest,
  StreamMessage,
} from '../../src/protocol.ts';
import {
  AckResponseSchema,
  ClientStatus,
  ConsumerResponseSchema,
  consumerService,
  create,
  discoveryService,
  HealthCheckResponseSchema,
  healthCheckService,
  LookupType,
  MAX_WIRE_MESSAGE_BYTES,
  MessageResponseSchema,
  NackResponseSchema,
  ProducerResponseSchema,
  producerService,
  TopicLookupResponseSchema,
  TopicPartitionsResponseSchema,
} from '../../src/protocol.ts';

/** What a fault hook may do with a message: answer, store it or not, or keep silent. */
export type SendFault =
  | { readonly answer: status; readonly store?: boolean }
  | { readonly silent: true; readonly store: boolean }
  | undefined;

interface Subscription {
  /** Every offset below was acknowledged. */
  cursor: number;
  readonly acked: Set<number>;
  readonly consumers: Map<string, bigint>;
  streams: Set<ServerWritableStream<ReceiveRequest, StreamMessage>>;
  /** Per stream: the next offset to deliver. */
  readonly nacks: NackRequest[];
}

interface Topic {
  readonly log: StreamMessage[];
  readonly subscriptions: Map<string, Subscription>;
}

/**
 * A small broker in memory, honest about what clients rely on: topics are logs, subscriptions have cursors, a new
 * stream starts behind the acknowledged prefix, ids of a former run are unknown. It survives {@link stop} and
 * {@link start} with its topics, as a durable broker would, but not with its producers and consumers.
 */
export class TestBroker {
  readonly topics = new Map<string, Topic>();
  readonly calls: string[] = [];
  readonly healthChecks: HealthCheckRequest[] = [];
  readonly metadata: Record<string, unknown>[] = [];
  port = 0;
  /** Consulted for each SendMessage. */
  onSend: (message: StreamMessage) => SendFault = () => undefined;
  /** Consulted for each other unary call by name; a status is answered instead of the real answer. */
  onCall: (name: string) => status | undefined = () => undefined;
  health: (request: HealthCheckRequest) => ClientStatus = () => ClientStatus.OK;
  /** What lookups answer with; the broker itself by default. */
  lookup: { connectUrl?: string; brokerUrl?: string; proxy?: boolean; failed?: boolean } = {};
  partitions = new Map<string, readonly string[]>();
  /** What a send of a producer id from a former run is answered. */
  unknownProducer: status = status.NOT_FOUND;
  /** Whether producer and consumer ids outlive {@link stop}, as with a broker that keeps them on disk. */
  keepIds = false;
  /** Offset of a topic's first message, to reach big offsets. */
  firstOffset = 0n;
  /** Messages written to streams, again if they were delivered again. */
  delivered = 0;
  #server: Server | undefined;
  #credentials: ServerCredentials;
  #ids = new Map<bigint, string>();
  readonly #consumers = new Map<bigint, { topic: string; subscription: Subscription }>();
  #nextId = 1n;

  constructor(serverCredentials: ServerCredentials = ServerCredentials.createInsecure()) {
    this.#credentials = serverCredentials;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Listens: on a free port at first, on the same port from then on. */
  async start(): Promise<this> {
    const server = new Server({ 'grpc.max_receive_message_length': MAX_WIRE_MESSAGE_BYTES });
    server.addService(discoveryService, this.#discovery());
    server.addService(healthCheckService, this.#health());
    server.addService(producerService, this.#producer());
    server.addService(consumerService, this.#consumer());
    this.port = await new Promise<number>((resolve, reject) =>
      server.bindAsync(`127.0.0.1:${this.port}`, this.#credentials, (error, port) =>
        error === null ? resolve(port) : reject(error),
      ),
    );
    this.#server = server;
    return this;
  }

  /** Whether a producer or consumer is registered under this id. */
  knows(id: bigint): boolean {
    return this.#ids.has(id);
  }

  /** Goes away at once, as a killed process does: connections drop, registrations are forgotten. */
  stop(): void {
    this.#server?.forceShutdown();
    this.#server = undefined;
    if (!this.keepIds) this.#ids.clear();
    for (const topic of this.topics.values()) {
      for (const subscription of topic.subscriptions.values()) {
        if (!this.keepIds) subscription.consumers.clear();
        subscription.streams.clear();
      }
    }
  }

  topic(name: string): Topic {
    let topic = this.topics.get(name);
    if (topic === undefined) {
      topic = { log: [], subscriptions: new Map() };
      this.topics.set(name, topic);
    }
    return topic;
  }

  /** Appends as a producer's message would be, and delivers. */
  append(message: StreamMessage): void {
    const { log } = this.topic(message.msgId!.topicName);
    message.msgId!.topicOffset = this.firstOffset + BigInt(log.length);
    log.push(message);
    this.#wake(message.msgId!.topicName);
  }

  /** Ends every message stream of a topic, with a status or as complete. */
  endStreams(name: string, code?: status): void {
    for (const subscription of this.topic(name).subscriptions.values()) {
      for (const stream of subscription.streams) {
        if (code === undefined) stream.end();
        else stream.emit('error', { code, details: 'ended by the test' });
      }
      subscription.streams.clear();
    }
  }

  #register(kind: string): bigint {
    const id = this.#nextId;
    this.#nextId += 1n;
    this.#ids.set(id, kind);
    return id;
  }

  /** The unary envelope: records the call, answers a planted status, or goes on. */
  #unary<Request, Response>(
    name: string,
    handle: (request: Request) => Response | status,
  ): (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>) => void {
    return (call, callback) => {
      this.calls.push(name);
      this.metadata.push(call.metadata.getMap());
      const answer = this.onCall(name) ?? handle(call.request);
      if (typeof answer === 'number')
        callback({ code: answer, details: `${name} refused by the test broker` });
      else callback(null, answer as Response);
    };
  }

  #discovery(): DiscoveryHandlers {
    return {
      topicLookup: this.#unary('TopicLookup', (request) =>
        create(TopicLookupResponseSchema, {
          requestId: request.requestId,
          responseType: this.lookup.failed ? LookupType.Failed : LookupType.Connect,
          connectUrl: this.lookup.connectUrl ?? this.url,
          brokerUrl: this.lookup.brokerUrl ?? this.url,
          proxy: this.lookup.proxy ?? false,
        }),
      ),
      topicPartitions: this.#unary('TopicPartitions', (request) =>
        create(TopicPartitionsResponseSchema, {
          requestId: request.requestId,
          partitions: [
            ...(this.partitions.get(request.topic) ??
              (this.topics.has(request.topic) ? [request.topic] : [])),
          ],
        }),
      ),
    };
  }

  #health(): HealthCheckHandlers {
    return {
      healthCheck: this.#unary('HealthCheck', (request) => {
        this.healthChecks.push(request);
        return create(HealthCheckResponseSchema, { status: this.health(request) });
      }),
    };
  }

  #producer(): ProducerHandlers {
    return {
      createProducer: this.#unary('CreateProducer', (request) => {
        this.topic(request.topicName);
        return create(ProducerResponseSchema, {
          requestId: request.requestId,
          producerId: this.#register('producer'),
          producerName: request.producerName,
        });
      }),
      sendMessage: (call, callback) => {
        const message = call.request;
        this.calls.push('SendMessage');
        const fault = this.onSend(message);
        const known = this.#ids.has(message.msgId?.producerId ?? 0n);
        if (fault === undefined && !known) {
          callback({ code: this.unknownProducer, details: 'unknown producer id' });
          return;
        }
        if (fault === undefined || fault.store === true) this.append(message);
        if (fault === undefined) {
          callback(null, create(MessageResponseSchema, { requestId: message.requestId }) as MessageResponse);
        } else if ('answer' in fault) {
          callback({ code: fault.answer, details: 'planted' });
        }
      },
    };
  }

  #consumer(): ConsumerHandlers {
    const consumers = this.#consumers;
    return {
      subscribe: this.#unary('Subscribe', (request) => {
        const topic = this.topics.get(request.topicName);
        if (topic === undefined) return status.NOT_FOUND;
        let subscription = topic.subscriptions.get(request.subscription);
        if (subscription === undefined) {
          subscription = {
            cursor: topic.log.length,
            acked: new Set(),
            consumers: new Map(),
            streams: new Set(),
            nacks: [],
          };
          topic.subscriptions.set(request.subscription, subscription);
        }
        let id = subscription.consumers.get(request.consumerName);
        if (id === undefined && request.subscriptionType === 0 && subscription.consumers.size > 0) {
          return status.PERMISSION_DENIED;
        }
        if (id === undefined) {
          id = this.#register('consumer');
          subscription.consumers.set(request.consumerName, id);
        }
        consumers.set(id, { topic: request.topicName, subscription });
        return create(ConsumerResponseSchema, { requestId: request.requestId, consumerId: id });
      }),
      receiveMessages: (call) => {
        this.calls.push('ReceiveMessages');
        const consumer = consumers.get(call.request.consumerId);
        if (consumer === undefined || !this.#ids.has(call.request.consumerId)) {
          call.emit('error', { code: status.NOT_FOUND, details: 'unknown consumer id' });
          return;
        }
        const { subscription, topic } = consumer;
        for (const old of subscription.streams) old.end();
        subscription.streams = new Set([call]);
        void this.#deliver(call, topic, subscription);
      },
      ack: this.#unary<AckRequest, AckResponse>('Ack', (request) => {
        const topic = this.topics.get(request.msgId!.topicName)!;
        const subscription = topic.subscriptions.get(request.subscriptionName)!;
        subscription.acked.add(Number(request.msgId!.topicOffset - this.firstOffset));
        while (subscription.acked.delete(subscription.cursor)) subscription.cursor += 1;
        return create(AckResponseSchema, { requestId: request.requestId });
      }),
      nack: this.#unary('Nack', (request) => {
        const topic = this.topics.get(request.msgId!.topicName)!;
        topic.subscriptions.get(request.subscriptionName)!.nacks.push(request);
        return create(NackResponseSchema, { requestId: request.requestId });
      }),
    };
  }

  #waiting = new Map<string, (() => void)[]>();

  #wake(name: string): void {
    for (const wake of this.#waiting.get(name)?.splice(0) ?? []) wake();
  }

  async #deliver(
    call: ServerWritableStream<ReceiveRequest, StreamMessage>,
    name: string,
    subscription: Subscription,
  ): Promise<void> {
    const { log } = this.topic(name);
    const subscriptionName =
      [...this.topic(name).subscriptions].find(([, each]) => each === subscription)?.[0] ?? '';
    let open = true;
    let changed: () => void = () => {};
    call.on('cancelled', () => {
      open = false;
      changed();
    });
    for (let next = subscription.cursor; open && subscription.streams.has(call); ) {
      const message = log[next];
      if (message === undefined) {
        await new Promise<void>((resolve) => {
          changed = resolve;
          this.#waiting.set(name, [...(this.#waiting.get(name) ?? []), resolve]);
        });
        continue;
      }
      next += 1;
      if (subscription.acked.has(next - 1)) continue;
      this.delivered += 1;
      if (!call.write({ ...message, subscriptionName })) {
        await new Promise<void>((resolve) => {
          changed = resolve;
          call.once('drain', resolve);
        });
      }
    }
  }
}
