// For users.

export type { DanubeClient } from './client.ts';
export { connect } from './client.ts';
export type { Consumer, ConsumerOptions, NackOptions } from './consumer.ts';
export type { ClientErrorCode, ErrorContext, Outcome } from './errors.ts';
export { ClientError } from './errors.ts';
export type { Message, MessageId } from './message.ts';
export type { ClientEvent, ConnectOptions, RetryOptions, TlsOptions } from './options.ts';
export type { Producer, ProducerOptions, SendOptions, SendReceipt } from './producer.ts';
export type { TopicName } from './topic-name.ts';
export { parseTopicName, TOPIC_NAME_RULE } from './topic-name.ts';
