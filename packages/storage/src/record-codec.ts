import { StorageError } from './errors.ts';
import type { NewMessage, StoredMessage } from './message.ts';

/** Version byte of message records. */
const VERSION = 1;
/** Bytes before the variable part. */
const FIXED_BYTES = 64;

/** Reserved: a copy made so that the segment of the original could be dropped. Not written, refused. */
const FLAG_RELOCATED = 0x01;
const FLAG_PRODUCER_SEQUENCE = 0x02;
const FLAG_SUBSCRIPTION = 0x04;
const FLAG_ATTRIBUTES = 0x08;
const FLAG_SCHEMA_ID = 0x10;
const FLAG_SCHEMA_VERSION = 0x20;
const FLAG_ROUTING_KEY = 0x40;
const KNOWN_FLAGS = 0x7f & ~FLAG_RELOCATED;

/** The part of a message record that replay needs. */
export interface MessageHead {
  /** Key of the topic's life: the 16 bytes of its uuid as a latin-1 string. */
  readonly topicKey: string;
  readonly offset: number;
  readonly appendTimeMs: number;
}

/** The 16 bytes of a uuid. */
export function uuidBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

/** The key under which records of a topic's life are found. */
export function topicKeyOf(uuid: string): string {
  return uuidBytes(uuid).toString('latin1');
}

/**
 * Encodes a message as the parts of a record's payload: head and texts in one new buffer, then the message
 * payload itself, not copied. Layout: docs/formats/storage-records.md.
 */
export function encodeMessage(
  topicIdBytes: Uint8Array,
  offset: number,
  appendTimeMs: number,
  brokerAddr: string,
  message: NewMessage,
): readonly [Uint8Array, Uint8Array] {
  const { subscriptionName, attributes, schemaId, schemaVersion, routingKey } = message;
  let flags = 0;
  let size = FIXED_BYTES + 8 + Buffer.byteLength(message.producerName) + Buffer.byteLength(brokerAddr);
  if (subscriptionName !== undefined) {
    flags |= FLAG_SUBSCRIPTION;
    size += 4 + Buffer.byteLength(subscriptionName);
  }
  if (attributes !== undefined) {
    flags |= FLAG_ATTRIBUTES;
    size += 4;
    for (const [key, value] of attributes) size += 8 + Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (schemaId !== undefined) {
    flags |= FLAG_SCHEMA_ID;
    size += 8;
  }
  if (schemaVersion !== undefined) {
    flags |= FLAG_SCHEMA_VERSION;
    size += 4;
  }
  if (routingKey !== undefined) {
    flags |= FLAG_ROUTING_KEY;
    size += 4 + Buffer.byteLength(routingKey);
  }

  const head = Buffer.allocUnsafe(size);
  head[0] = VERSION;
  head[1] = flags;
  head.writeUInt16LE(0, 2);
  head.writeUInt32LE(size, 4);
  head.set(topicIdBytes, 8);
  writeSafe(head, offset, 24);
  writeSafe(head, appendTimeMs, 32);
  writeSafe(head, message.publishTimeMs, 40);
  head.writeBigUInt64LE(message.requestId, 48);
  head.writeBigUInt64LE(message.producerId, 56);
  let at = writeText(head, message.producerName, FIXED_BYTES);
  at = writeText(head, brokerAddr, at);
  if (subscriptionName !== undefined) at = writeText(head, subscriptionName, at);
  if (attributes !== undefined) {
    at = head.writeUInt32LE(attributes.size, at);
    for (const [key, value] of attributes) at = writeText(head, value, writeText(head, key, at));
  }
  if (schemaId !== undefined) at = head.writeBigUInt64LE(schemaId, at);
  if (schemaVersion !== undefined) at = head.writeUInt32LE(schemaVersion, at);
  if (routingKey !== undefined) at = writeText(head, routingKey, at);
  return [head, message.payload];
}

/** Reads what replay needs, without touching texts and payload. `LOG_INVALID` for an unknown version or flag. */
export function decodeMessageHead(payload: Uint8Array): MessageHead {
  const view = asBuffer(payload);
  checkHead(view);
  return {
    topicKey: view.toString('latin1', 8, 24),
    offset: readSafe(view, 24),
    appendTimeMs: readSafe(view, 32),
  };
}

/** Whether a message record belongs to this topic life; cheaper than decoding its head. */
export function isRecordOf(payload: Uint8Array, topicIdBytes: Uint8Array): boolean {
  return asBuffer(payload).compare(topicIdBytes, 0, 16, 8, 24) === 0;
}

/** The topic offset of a message record. */
export function recordOffset(payload: Uint8Array): number {
  return readSafe(asBuffer(payload), 24);
}

/** Decodes a whole message record. The message's payload is a view of the record's. `LOG_INVALID` if it is damaged. */
export function decodeMessage(topic: string, payload: Uint8Array): StoredMessage {
  const view = asBuffer(payload);
  const headBytes = checkHead(view);
  const flags = view[1] as number;
  const reader = new TextReader(view, FIXED_BYTES, headBytes);
  if (flags & FLAG_PRODUCER_SEQUENCE) reader.skip(8);
  const producerName = reader.text();
  const brokerAddr = reader.text();
  const subscriptionName = flags & FLAG_SUBSCRIPTION ? reader.text() : undefined;
  const attributes = flags & FLAG_ATTRIBUTES ? reader.map() : undefined;
  const schemaId = flags & FLAG_SCHEMA_ID ? reader.u64() : undefined;
  const schemaVersion = flags & FLAG_SCHEMA_VERSION ? reader.u32() : undefined;
  const routingKey = flags & FLAG_ROUTING_KEY ? reader.text() : undefined;
  reader.end();
  return {
    topic,
    offset: readSafe(view, 24),
    appendTimeMs: readSafe(view, 32),
    publishTimeMs: readSafe(view, 40),
    requestId: view.readBigUInt64LE(48),
    producerId: view.readBigUInt64LE(56),
    producerName,
    brokerAddr,
    payload: payload.subarray(headBytes),
    ...(subscriptionName === undefined ? {} : { subscriptionName }),
    ...(attributes === undefined ? {} : { attributes }),
    ...(schemaId === undefined ? {} : { schemaId }),
    ...(schemaVersion === undefined ? {} : { schemaVersion }),
    ...(routingKey === undefined ? {} : { routingKey }),
  };
}

/** Checks version, flags and lengths; the result is the number of bytes before the message payload. */
function checkHead(view: Buffer): number {
  if (view.byteLength < FIXED_BYTES) throw invalid(`has ${view.byteLength} bytes`);
  if (view[0] !== VERSION) throw invalid(`has version ${view[0]}, this release knows ${VERSION}`);
  if (((view[1] as number) & ~KNOWN_FLAGS) !== 0 || view.readUInt16LE(2) !== 0)
    throw invalid(`has flags ${view[1]}, which this release does not know`);
  const headBytes = view.readUInt32LE(4);
  if (headBytes < FIXED_BYTES || headBytes > view.byteLength)
    throw invalid(`has a head of ${headBytes} bytes`);
  return headBytes;
}

class TextReader {
  readonly #view: Buffer;
  readonly #end: number;
  #at: number;

  constructor(view: Buffer, at: number, end: number) {
    this.#view = view;
    this.#at = at;
    this.#end = end;
  }

  skip(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.#end) throw invalid('ends within a field');
    this.#at = at + bytes;
    return at;
  }

  u32(): number {
    return this.#view.readUInt32LE(this.skip(4));
  }

  u64(): bigint {
    return this.#view.readBigUInt64LE(this.skip(8));
  }

  text(): string {
    const length = this.u32();
    const at = this.skip(length);
    return this.#view.toString('utf8', at, at + length);
  }

  map(): Map<string, string> {
    const map = new Map<string, string>();
    for (let count = this.u32(); count > 0; count -= 1) {
      const key = this.text();
      map.set(key, this.text());
    }
    return map;
  }

  end(): void {
    if (this.#at !== this.#end) throw invalid(`has ${this.#end - this.#at} bytes too many in its head`);
  }
}

function writeText(buffer: Buffer, text: string, at: number): number {
  const bytes = buffer.write(text, at + 4);
  buffer.writeUInt32LE(bytes, at);
  return at + 4 + bytes;
}

/** Writes a safe integer as i64 without a bigint. */
function writeSafe(buffer: Buffer, value: number, at: number): void {
  buffer.writeUInt32LE(value >>> 0, at);
  buffer.writeInt32LE(Math.floor(value / 0x1_0000_0000), at + 4);
}

function readSafe(buffer: Buffer, at: number): number {
  const value = buffer.readInt32LE(at + 4) * 0x1_0000_0000 + buffer.readUInt32LE(at);
  if (!Number.isSafeInteger(value)) throw invalid('holds a number beyond 2^53');
  return value;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function invalid(what: string): StorageError {
  return new StorageError('LOG_INVALID', `a message record ${what}`);
}
