import { StorageError } from './errors.ts';

/** A message to append. The payload is kept by reference until it is committed: do not change it afterwards. */
export interface NewMessage {
  /** 64 bits, unsigned. */
  readonly requestId: bigint;
  /** 64 bits, unsigned. */
  readonly producerId: bigint;
  readonly producerName: string;
  /** Where producers reach the broker. Default: the storage's own `brokerAddr`. */
  readonly brokerAddr?: string;
  readonly payload: Uint8Array;
  /** Unix milliseconds, set by the producer; from year 1 up to the end of year 9999. */
  readonly publishTimeMs: number;
  readonly subscriptionName?: string;
  readonly attributes?: ReadonlyMap<string, string>;
  /** 64 bits, unsigned. */
  readonly schemaId?: bigint;
  /** 32 bits, unsigned. */
  readonly schemaVersion?: number;
  readonly routingKey?: string;
}

/** A message of a topic: what was appended, and where. */
export interface StoredMessage extends NewMessage {
  readonly brokerAddr: string;
  readonly topic: string;
  /** Position in the topic, from 0, without holes except those reported. */
  readonly offset: number;
  /** Unix milliseconds, the broker's clock at append; never decreases with the offset. */
  readonly appendTimeMs: number;
}

/** Limits that a message is checked against before anything is written. */
export interface MessageLimits {
  readonly maxPayloadBytes: number;
  readonly maxAttributes: number;
  /** Of all names and texts of a message together (UTF-8), attributes included. */
  readonly maxHeaderBytes: number;
}

/** 9999-12-31T23:59:59.999Z: Arrow readers break on anything later. */
export const MAX_PUBLISH_TIME_MS = 253_402_300_799_999;
/** 0001-01-01T00:00:00Z. */
export const MIN_PUBLISH_TIME_MS = -62_135_596_800_000;

const MAX_U64 = (1n << 64n) - 1n;
const LONE_SURROGATE = /\p{Surrogate}/u;
const MAX_U32 = 0xffff_ffff;

/** Throws `MESSAGE_INVALID` unless the message can be stored exactly as it is and read back equal. */
export function checkMessage(message: NewMessage, limits: MessageLimits): void {
  if (!(message.payload instanceof Uint8Array)) throw invalid('payload', 'must be a Uint8Array');
  if (message.payload.byteLength > limits.maxPayloadBytes)
    throw invalid(
      'payload',
      `has ${message.payload.byteLength} bytes, the limit is ${limits.maxPayloadBytes}`,
    );
  checkUnsigned64('requestId', message.requestId);
  checkUnsigned64('producerId', message.producerId);
  if (message.schemaId !== undefined) checkUnsigned64('schemaId', message.schemaId);
  const version = message.schemaVersion;
  if (version !== undefined && !(Number.isInteger(version) && version >= 0 && version <= MAX_U32))
    throw invalid('schemaVersion', 'must be an unsigned 32-bit integer');
  const time = message.publishTimeMs;
  if (!Number.isSafeInteger(time)) throw invalid('publishTimeMs', 'must be whole milliseconds since 1970');
  if (time > MAX_PUBLISH_TIME_MS || time < MIN_PUBLISH_TIME_MS)
    throw invalid('publishTimeMs', `${time} is not between the years 1 and 9999`);
  if (typeof message.producerName !== 'string') throw invalid('producerName', 'must be a string');
  let headerBytes = textBytes('producerName', message.producerName);
  headerBytes += optionalTextBytes('brokerAddr', message.brokerAddr);
  headerBytes += optionalTextBytes('subscriptionName', message.subscriptionName);
  headerBytes += optionalTextBytes('routingKey', message.routingKey);
  if (message.attributes !== undefined) {
    if (message.attributes.size > limits.maxAttributes)
      throw invalid(
        'attributes',
        `are ${message.attributes.size} entries, the limit is ${limits.maxAttributes}`,
      );
    for (const [key, value] of message.attributes)
      headerBytes += textBytes('attributes', key) + textBytes('attributes', value);
  }
  if (headerBytes > limits.maxHeaderBytes)
    throw invalid(
      'message',
      `has ${headerBytes} bytes beside its payload, the limit is ${limits.maxHeaderBytes}`,
    );
}

function checkUnsigned64(field: string, value: bigint): void {
  if (typeof value !== 'bigint' || value < 0n || value > MAX_U64)
    throw invalid(field, 'must be an unsigned 64-bit bigint');
}

function optionalTextBytes(field: string, text: string | undefined): number {
  return text === undefined ? 0 : textBytes(field, text);
}

function textBytes(field: string, text: string): number {
  // A lone surrogate would come back as U+FFFD: refuse what UTF-8 cannot hold.
  if (typeof text !== 'string' || LONE_SURROGATE.test(text)) throw invalid(field, 'must be well-formed text');
  return Buffer.byteLength(text);
}

function invalid(field: string, why: string): StorageError {
  return new StorageError('MESSAGE_INVALID', `${field} ${why}`, { context: { field } });
}

/** Bytes a message counts for in buffers and limits: payload plus texts plus a fixed share for the rest. */
export function messageSizeBytes(message: NewMessage): number {
  let size = 128 + message.payload.byteLength + message.producerName.length;
  size += (message.subscriptionName?.length ?? 0) + (message.routingKey?.length ?? 0);
  if (message.attributes !== undefined)
    for (const [key, value] of message.attributes) size += 32 + key.length + value.length;
  return size;
}
