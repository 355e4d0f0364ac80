import { create } from '@bufbuild/protobuf';
import { ClientError } from './errors.ts';
import type { MsgID, StreamMessage } from './gen/danube_pb.ts';
import { MsgIDSchema } from './gen/danube_pb.ts';

/** What {@link Consumer.ack} needs of a message: plain data, so it may be stored or sent elsewhere first. */
export interface MessageId {
  /** The topic, or the partition, that the message came from. */
  readonly topic: string;
  /** Its place in the topic, from 0. On non-reliable topics brokers may leave it at 0. */
  readonly offset: number;
  /** Unsigned 64-bit. */
  readonly producerId: bigint;
  readonly brokerAddr: string;
  /** The producer's own number for it, unsigned 64-bit. */
  readonly requestId: bigint;
}

/** One delivered message. */
export interface Message extends MessageId {
  /**
   * The bytes as published. A view of the buffer in which the message arrived (which it keeps alive): copy it if it
   * is to outlive the message by much.
   */
  readonly payload: Uint8Array;
  /** The producing client's clock, milliseconds since the epoch. Rounded above 2^53. */
  readonly publishTimeMs: number;
  readonly producerName: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly subscription: string;
  readonly routingKey?: string;
  readonly schemaId?: bigint;
  readonly schemaVersion?: number;
}

/**
 * A delivered message from its wire form. Throws `OFFSET_OUT_OF_RANGE` for an offset above 2^53 − 1 and
 * `BROKER_ERROR` for a message without id.
 */
export function decodeMessage(wire: StreamMessage): Message {
  const { msgId } = wire;
  if (msgId === undefined) {
    throw new ClientError('BROKER_ERROR', 'the broker delivered a message without msg_id');
  }
  if (msgId.topicOffset > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new ClientError(
      'OFFSET_OUT_OF_RANGE',
      `${msgId.topicName} delivered offset ${msgId.topicOffset}; this client counts to 2^53 - 1`,
      { context: { topic: msgId.topicName, offset: msgId.topicOffset } },
    );
  }
  return {
    topic: msgId.topicName,
    offset: Number(msgId.topicOffset),
    producerId: msgId.producerId,
    brokerAddr: msgId.brokerAddr,
    requestId: wire.requestId,
    payload: wire.payload,
    publishTimeMs: Number(wire.publishTime),
    producerName: wire.producerName,
    attributes: new Map(Object.entries(wire.attributes)),
    subscription: wire.subscriptionName,
    ...(wire.routingKey !== undefined && { routingKey: wire.routingKey }),
    ...(wire.schemaId !== undefined && { schemaId: wire.schemaId }),
    ...(wire.schemaVersion !== undefined && { schemaVersion: wire.schemaVersion }),
  };
}

/** The id as it is sent back with an acknowledgement. */
export function encodeMessageId(id: MessageId): MsgID {
  if (!Number.isSafeInteger(id.offset) || id.offset < 0) {
    throw new ClientError('INVALID_ARGUMENT', `an offset is an integer from 0 to 2^53 - 1, not ${id.offset}`);
  }
  return create(MsgIDSchema, {
    producerId: id.producerId,
    topicName: id.topic,
    brokerAddr: id.brokerAddr,
    topicOffset: BigInt(id.offset),
  });
}
