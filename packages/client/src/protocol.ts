// @danube/client/protocol: the wire protocol, for clients, brokers and test doubles alike. u64 fields are bigint;
// byte fields of a decoded message are views of the buffer it came in.
export { create, equals, fromBinary, toBinary } from '@bufbuild/protobuf';
export type {
  AckRequest,
  AckResponse,
  ConsumerRequest,
  ConsumerResponse,
  HealthCheckRequest,
  HealthCheckResponse,
  MessageResponse,
  MsgID,
  NackRequest,
  NackResponse,
  ProducerRequest,
  ProducerResponse,
  ReceiveRequest,
  SchemaReference,
  StreamMessage,
  TopicLookupRequest,
  TopicLookupResponse,
  TopicPartitionsResponse,
} from './gen/danube_pb.ts';
export {
  AckRequestSchema,
  AckResponseSchema,
  ConsumerRequest_SubscriptionType as SubscriptionType,
  ConsumerRequestSchema,
  ConsumerResponseSchema,
  DispatchStrategy,
  HealthCheckRequest_ClientType as ClientType,
  HealthCheckRequestSchema,
  HealthCheckResponse_ClientStatus as ClientStatus,
  HealthCheckResponseSchema,
  MessageResponseSchema,
  MsgIDSchema,
  NackRequestSchema,
  NackResponseSchema,
  ProducerAccessMode,
  ProducerRequestSchema,
  ProducerResponseSchema,
  ReceiveRequestSchema,
  SchemaReferenceSchema,
  StreamMessageSchema,
  TopicLookupRequestSchema,
  TopicLookupResponse_LookupType as LookupType,
  TopicLookupResponseSchema,
  TopicPartitionsResponseSchema,
} from './gen/danube_pb.ts';
export type {
  ConsumerHandlers,
  DiscoveryHandlers,
  HandlerOf,
  HandlersOf,
  HealthCheckHandlers,
  ProducerHandlers,
  ServerStreamMethod,
  UnaryMethod,
} from './services.ts';
export { consumerService, discoveryService, healthCheckService, producerService } from './services.ts';
export { encodeStreamMessage } from './stream-message-encoder.ts';
export type { TopicName } from './topic-name.ts';
export { parseTopicName, TOPIC_NAME_RULE } from './topic-name.ts';
export {
  AUTHORIZATION_METADATA,
  BROKER_URL_METADATA,
  DEFAULT_PORT,
  HEALTH_CHECK_INTERVAL_MS,
  MAX_PAYLOAD_BYTES,
  MAX_WIRE_MESSAGE_BYTES,
} from './wire-constants.ts';
