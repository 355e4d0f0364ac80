import { create, MsgIDSchema, type StreamMessage, StreamMessageSchema } from '@danube/client/protocol';
import type { NewMessage } from '@danube/storage';
import type { Delivery } from '../dispatch/delivery.ts';
import { BrokerError } from '../errors.ts';

/** 9999-12-31T23:59:59.999Z. Also keeps the conversion to a number exact. */
const LAST_PUBLISH_TIME_MS = 253_402_300_799_999n;

/**
 * What is stored of a message that came in. The payload is not copied: it is a view of the received frame.
 *
 * @throws BrokerError `INVALID_REQUEST` for a publish time beyond year 9999
 */
export function toNewMessage(
  message: StreamMessage,
  producer: { readonly id: bigint; readonly name: string },
  brokerAddr: string,
): NewMessage {
  if (message.publishTime > LAST_PUBLISH_TIME_MS) {
    throw new BrokerError(
      'INVALID_REQUEST',
      `publish_time ${message.publishTime} is beyond the year 9999; it counts milliseconds since 1970.`,
    );
  }
  const attributes = Object.entries(message.attributes);
  return {
    requestId: message.requestId,
    producerId: producer.id,
    producerName: message.producerName || producer.name,
    brokerAddr,
    payload: message.payload,
    publishTimeMs: Number(message.publishTime),
    ...(message.subscriptionName === '' ? {} : { subscriptionName: message.subscriptionName }),
    ...(attributes.length === 0 ? {} : { attributes: new Map(attributes) }),
    ...(message.schemaId === undefined ? {} : { schemaId: message.schemaId }),
    ...(message.schemaVersion === undefined ? {} : { schemaVersion: message.schemaVersion }),
    ...(message.routingKey === undefined ? {} : { routingKey: message.routingKey }),
  };
}

/**
 * A stored message as it goes to a consumer of a subscription. `brokerUrl` is where this broker is reached
 * now, which after a move is not where the message was published.
 */
export function toStreamMessage(
  message: Delivery,
  subscriptionName: string,
  brokerUrl: string,
): StreamMessage {
  return create(StreamMessageSchema, {
    requestId: message.requestId,
    msgId: create(MsgIDSchema, {
      producerId: message.producerId,
      topicName: message.topic,
      brokerAddr: brokerUrl,
      topicOffset: BigInt(message.offset),
    }),
    payload: message.payload as Uint8Array<ArrayBuffer>,
    publishTime: BigInt(message.publishTimeMs),
    producerName: message.producerName,
    subscriptionName,
    attributes: Object.fromEntries(message.attributes ?? []),
    ...(message.schemaId === undefined ? {} : { schemaId: message.schemaId }),
    ...(message.schemaVersion === undefined ? {} : { schemaVersion: message.schemaVersion }),
    ...(message.routingKey === undefined ? {} : { routingKey: message.routingKey }),
  });
}
