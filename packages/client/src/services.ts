import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import type { handleServerStreamingCall, handleUnaryCall, MethodDefinition } from '@grpc/grpc-js';
import type { StreamMessage } from './gen/danube_pb.ts';
import {
  AckRequestSchema,
  AckResponseSchema,
  ConsumerRequestSchema,
  ConsumerResponseSchema,
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  MessageResponseSchema,
  NackRequestSchema,
  NackResponseSchema,
  ProducerRequestSchema,
  ProducerResponseSchema,
  ReceiveRequestSchema,
  StreamMessageSchema,
  TopicLookupRequestSchema,
  TopicLookupResponseSchema,
  TopicPartitionsResponseSchema,
} from './gen/danube_pb.ts';
import { encodeStreamMessage } from './stream-message-encoder.ts';

/** A method with one request and one response. */
export interface UnaryMethod<Request, Response> extends MethodDefinition<Request, Response> {
  readonly requestStream: false;
  readonly responseStream: false;
}

/** A method with one request and a stream of responses. */
export interface ServerStreamMethod<Request, Response> extends MethodDefinition<Request, Response> {
  readonly requestStream: false;
  readonly responseStream: true;
}

/** The handler a server supplies for one method. */
export type HandlerOf<Method> =
  Method extends UnaryMethod<infer Request, infer Response>
    ? handleUnaryCall<Request, Response>
    : Method extends ServerStreamMethod<infer Request, infer Response>
      ? handleServerStreamingCall<Request, Response>
      : never;

/**
 * The handlers a server supplies for one service, one per method and typed by its messages:
 * `const impl: HandlersOf<typeof producerService> = {…}; server.addService(producerService, impl)`.
 */
export type HandlersOf<Service> = { readonly [Name in keyof Service]: HandlerOf<Service[Name]> };

/** Encoder and decoder of one message type, as grpc-js wants them. */
interface Codec<Message> {
  encode(message: Message): Buffer;
  /** Byte fields of the result are views of `bytes`, not copies. */
  decode(bytes: Uint8Array): Message;
}

function codec<Desc extends DescMessage>(schema: Desc): Codec<MessageShape<Desc>> {
  return {
    encode(message) {
      const bytes = toBinary(schema, message);
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
    // From a plain Uint8Array, so that byte fields are plain too: a Buffer's slice would be another view.
    decode: (bytes) => fromBinary(schema, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
  };
}

function methodOf<Request, Response>(path: string, request: Codec<Request>, response: Codec<Response>) {
  return {
    path,
    requestStream: false as const,
    requestSerialize: request.encode,
    requestDeserialize: request.decode,
    responseSerialize: response.encode,
    responseDeserialize: response.decode,
  };
}

function unary<Request, Response>(
  path: string,
  request: Codec<Request>,
  response: Codec<Response>,
): UnaryMethod<Request, Response> {
  return { ...methodOf(path, request, response), responseStream: false };
}

function serverStream<Request, Response>(
  path: string,
  request: Codec<Request>,
  response: Codec<Response>,
): ServerStreamMethod<Request, Response> {
  return { ...methodOf(path, request, response), responseStream: true };
}

const streamMessage: Codec<StreamMessage> = { ...codec(StreamMessageSchema), encode: encodeStreamMessage };
const topicLookupRequest = codec(TopicLookupRequestSchema);

/**
 * `danube.Discovery`: where a topic is served and which partitions it has. For `server.addService` and for
 * clients made from it.
 */
export const discoveryService = {
  topicLookup: unary('/danube.Discovery/TopicLookup', topicLookupRequest, codec(TopicLookupResponseSchema)),
  topicPartitions: unary(
    '/danube.Discovery/TopicPartitions',
    topicLookupRequest,
    codec(TopicPartitionsResponseSchema),
  ),
};

/** `danube.HealthCheck`: asked by each producer and consumer every 5 s; `CLOSE` tells it to register anew. */
export const healthCheckService = {
  healthCheck: unary(
    '/danube.HealthCheck/HealthCheck',
    codec(HealthCheckRequestSchema),
    codec(HealthCheckResponseSchema),
  ),
};

/** `danube.ProducerService`: register a producer, publish one message a call. */
export const producerService = {
  createProducer: unary(
    '/danube.ProducerService/CreateProducer',
    codec(ProducerRequestSchema),
    codec(ProducerResponseSchema),
  ),
  sendMessage: unary('/danube.ProducerService/SendMessage', streamMessage, codec(MessageResponseSchema)),
};

/** `danube.ConsumerService`: join a subscription, receive its messages, acknowledge each or give it back. */
export const consumerService = {
  subscribe: unary(
    '/danube.ConsumerService/Subscribe',
    codec(ConsumerRequestSchema),
    codec(ConsumerResponseSchema),
  ),
  receiveMessages: serverStream(
    '/danube.ConsumerService/ReceiveMessages',
    codec(ReceiveRequestSchema),
    streamMessage,
  ),
  ack: unary('/danube.ConsumerService/Ack', codec(AckRequestSchema), codec(AckResponseSchema)),
  nack: unary('/danube.ConsumerService/Nack', codec(NackRequestSchema), codec(NackResponseSchema)),
};

/** What a server implements for {@link discoveryService}. */
export type DiscoveryHandlers = HandlersOf<typeof discoveryService>;
/** What a server implements for {@link healthCheckService}. */
export type HealthCheckHandlers = HandlersOf<typeof healthCheckService>;
/** What a server implements for {@link producerService}. */
export type ProducerHandlers = HandlersOf<typeof producerService>;
/** What a server implements for {@link consumerService}. */
export type ConsumerHandlers = HandlersOf<typeof consumerService>;
