import {
  AckResponseSchema,
  ClientStatus,
  ClientType,
  type ConsumerHandlers,
  ConsumerResponseSchema,
  create,
  type DiscoveryHandlers,
  type HealthCheckHandlers,
  HealthCheckResponseSchema,
  LookupType,
  MessageResponseSchema,
  type MsgID,
  NackResponseSchema,
  ProducerAccessMode,
  type ProducerHandlers,
  ProducerResponseSchema,
  TopicLookupResponseSchema,
  TopicPartitionsResponseSchema,
  DispatchStrategy as WireDispatch,
  SubscriptionType as WireSubscriptionType,
} from '@danube/client/protocol';
import { Metadata } from '@grpc/grpc-js';
import { BrokerError } from '../errors.ts';
import type { Metrics } from '../http/metrics.ts';
import type { Logger } from '../log.ts';
import type { DispatchStrategy } from '../metadata/metadata-store.ts';
import type { SubscriptionType } from '../metadata/subscription-type.ts';
import { fanOut, reliableDispatcherOf } from '../topics/topic.ts';
import { checkName, parseTopicName } from '../topics/topic-name.ts';
import type { TopicRegistry } from '../topics/topic-registry.ts';
import type { Damper } from './damper.ts';
import { type RequestGate, unary } from './handlers.ts';
import { createRefusalLog } from './refusal-log.ts';
import { toServiceError } from './status.ts';
import { StreamSink } from './stream-sink.ts';
import { toNewMessage, toStreamMessage } from './wire-message.ts';

/** What the services work with. */
export interface ServiceContext {
  readonly registry: TopicRegistry;
  readonly gate: RequestGate;
  readonly damper: Damper;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly maxMessageSizeBytes: number;
  /** Where clients reach this broker. `host` is what the client dialled, for a broker listening everywhere. */
  readonly urls: (host: string) => { readonly brokerUrl: string; readonly connectUrl: string };
}

/** The four services of the protocol, v0.15.1. */
export interface Services {
  readonly discovery: DiscoveryHandlers;
  readonly healthCheck: HealthCheckHandlers;
  readonly producer: ProducerHandlers;
  readonly consumer: ConsumerHandlers;
}

/** Binds the protocol to a registry. Statuses are those of the upstream broker; see `status.ts`. */
export function createServices(context: ServiceContext): Services {
  const { logger, metrics } = context;
  const logRefusal = createRefusalLog(logger);
  const onError = (method: string, error: unknown) => {
    metrics.requestFailed(method, error);
    logRefusal(method, error);
  };
  return {
    discovery: discovery(context, onError),
    healthCheck: healthCheck(context, onError),
    producer: producer(context, onError),
    consumer: consumer(context, onError),
  };
}

type OnError = (method: string, error: unknown) => void;

function discovery({ registry, gate, urls }: ServiceContext, onError: OnError): DiscoveryHandlers {
  return {
    // Every well-formed topic is served here, also one that its first producer has yet to create.
    topicLookup: unary(
      gate,
      (request, call) => {
        parseTopicName(request.topic);
        return create(TopicLookupResponseSchema, {
          requestId: request.requestId,
          responseType: LookupType.Connect,
          ...urls(call.getHost()),
          proxy: false,
        });
      },
      onError,
    ),
    // Never empty: clients fail on an empty list without saying why; Subscribe answers with a sentence.
    topicPartitions: unary(
      gate,
      (request) => {
        parseTopicName(request.topic);
        return create(TopicPartitionsResponseSchema, {
          requestId: request.requestId,
          partitions: [...registry.partitions(request.topic)],
        });
      },
      onError,
    ),
  };
}

function healthCheck({ registry }: ServiceContext, onError: OnError): HealthCheckHandlers {
  return {
    healthCheck: unary(
      undefined,
      ({ client, id }) => {
        const known = registry.touch(client === ClientType.Producer ? 'producer' : 'consumer', id);
        return create(HealthCheckResponseSchema, { status: known ? ClientStatus.OK : ClientStatus.CLOSE });
      },
      onError,
    ),
  };
}

function producer(context: ServiceContext, onError: OnError): ProducerHandlers {
  const { registry, gate, metrics, maxMessageSizeBytes, urls } = context;
  return {
    createProducer: unary(
      gate,
      async (request) => {
        parseTopicName(request.topicName);
        checkName('producer', request.producerName);
        if (request.schemaRef !== undefined) {
          throw new BrokerError(
            'UNSUPPORTED',
            'This version has no schema registry; create the producer without a schema reference.',
          );
        }
        const dispatch = dispatchOf(request.dispatchStrategy);
        const exclusive = isExclusive(request.producerAccessMode);
        const created = await registry.createProducer(
          request.producerName,
          request.topicName,
          dispatch,
          exclusive,
        );
        return create(ProducerResponseSchema, {
          requestId: request.requestId,
          producerId: created.id,
          producerName: created.name,
        });
      },
      onError,
    ),

    sendMessage: unary(
      gate,
      async (request, call) => {
        const begunMs = performance.now();
        const { producerId, topicName } = requireMsgId(request.msgId);
        const producer = registry.producer(producerId, topicName);
        if (request.payload.byteLength > maxMessageSizeBytes) {
          throw new BrokerError(
            'INVALID_REQUEST',
            `The payload has ${request.payload.byteLength} bytes, more than the maximum of ${maxMessageSizeBytes}.`,
          );
        }
        registry.seen(producer);
        const topic = registry.topic(topicName)!; // A producer never outlives its topic.
        const message = toNewMessage(request, producer, urls(call.getHost()).brokerUrl);
        if (topic.dispatch === 'reliable') {
          const log = topic.log ?? (await registry.openLog(topic));
          await log.append(message); // In mode `always` the message is on disk from here on.
        } else {
          metrics.fannedOut(topicName, fanOut(topic, { ...message, topic: topicName, offset: 0 }));
        }
        metrics.sendAcked(topicName, topic.dispatch, request.payload.byteLength, performance.now() - begunMs);
        return create(MessageResponseSchema, { requestId: request.requestId });
      },
      onError,
    ),
  };
}

function consumer(context: ServiceContext, onError: OnError): ConsumerHandlers {
  const { registry, gate, damper, urls } = context;
  return {
    subscribe: unary(
      gate,
      async (request) => {
        parseTopicName(request.topicName);
        checkName('consumer', request.consumerName);
        checkName('subscription', request.subscription);
        const type = subscriptionTypeOf(request.subscriptionType);
        const joined = await registry.subscribe(
          request.consumerName,
          request.topicName,
          request.subscription,
          type,
        );
        return create(ConsumerResponseSchema, {
          requestId: request.requestId,
          consumerId: joined.id,
          consumerName: joined.name,
        });
      },
      onError,
    ),

    receiveMessages(call) {
      const deliver = async () => {
        const receiver = await registry.consumer(call.request.consumerId);
        gate.enter();
        gate.leave(); // Streams do not hold up a shutdown: it ends them.
        if (call.cancelled) return;
        const { subscription } = receiver;
        const { brokerUrl } = urls(call.getHost());
        const sink = new StreamSink(
          call,
          (message) => toStreamMessage(message, subscription.name, brokerUrl),
          () => subscription.dispatcher.wake(),
        );
        let gone = false;
        const leave = () => {
          if (gone) return;
          gone = true;
          subscription.closed(receiver, sink);
          void registry.consumerLeft(receiver);
        };
        call.on('cancelled', leave);
        call.on('close', leave);
        call.on('error', leave);
        // Clients such as tonic wait for the headers before they hand the stream to the application.
        call.sendMetadata(new Metadata());
        subscription.open(receiver, sink);
        registry.seen(receiver);
      };
      deliver().catch((error: unknown) => {
        onError(call.getPath(), error);
        const refuse = () => call.emit('error', toServiceError(error));
        if (BrokerError.is(error) && error.code === 'SHUTTING_DOWN') refuse();
        else damper.hold(call, refuse);
      });
    },

    // Acknowledgements are welcome until the end: each one is a message not delivered twice.
    ack: unary(
      undefined,
      (request) => {
        const { topicName, topicOffset } = requireMsgId(request.msgId);
        const subscription = registry.subscription(topicName, request.subscriptionName);
        reliableDispatcherOf(subscription)?.ack(Number(topicOffset));
        return create(AckResponseSchema, { requestId: request.requestId });
      },
      onError,
    ),

    nack: unary(
      undefined,
      (request) => {
        const { topicName, topicOffset } = requireMsgId(request.msgId);
        const subscription = registry.subscription(topicName, request.subscriptionName);
        const delayMs = request.delayMs === undefined ? undefined : Number(request.delayMs);
        reliableDispatcherOf(subscription)?.nack(Number(topicOffset), delayMs);
        return create(NackResponseSchema, { requestId: request.requestId });
      },
      onError,
    ),
  };
}

function requireMsgId(msgId: MsgID | undefined): MsgID {
  if (msgId === undefined) throw new BrokerError('INVALID_REQUEST', 'msg_id is missing.');
  return msgId;
}

/** A value of a newer protocol must not become a topic that stores nothing. */
function dispatchOf(strategy: WireDispatch): DispatchStrategy {
  switch (strategy) {
    case WireDispatch.NonReliable:
      return 'non-reliable';
    case WireDispatch.Reliable:
      return 'reliable';
    default:
      throw new BrokerError('INVALID_REQUEST', `There is no dispatch strategy ${Number(strategy)}.`);
  }
}

function isExclusive(mode: ProducerAccessMode): boolean {
  switch (mode) {
    case ProducerAccessMode.Shared:
      return false;
    case ProducerAccessMode.Exclusive:
      return true;
    default:
      throw new BrokerError('INVALID_REQUEST', `There is no access mode ${Number(mode)}.`);
  }
}

function subscriptionTypeOf(type: WireSubscriptionType): SubscriptionType {
  switch (type) {
    case WireSubscriptionType.Exclusive:
      return 'exclusive';
    case WireSubscriptionType.Shared:
      return 'shared';
    case WireSubscriptionType.Failover:
      throw new BrokerError(
        'UNSUPPORTED',
        'Failover subscriptions are not supported by this version; use Exclusive or Shared.',
      );
    case WireSubscriptionType.KeyShared:
      throw new BrokerError(
        'UNSUPPORTED',
        'KeyShared subscriptions are not supported by this version; use Exclusive or Shared.',
      );
    default:
      throw new BrokerError('INVALID_REQUEST', `There is no subscription type ${Number(type)}.`);
  }
}
