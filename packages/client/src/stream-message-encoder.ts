import { toBinary } from '@bufbuild/protobuf';
import type { MsgID, StreamMessage } from './gen/danube_pb.ts';
import { StreamMessageSchema } from './gen/danube_pb.ts';

const MAX_UINT64 = 0xffff_ffff_ffff_ffffn;
/** Up to this length a loop over ASCII characters beats a call into native code. */
const SHORT = 64;
const SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** Encoded size of a varint below 2^53. */
function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  if (value < 0x1000_0000) return 4;
  let size = 4;
  for (let rest = Math.floor(value / 0x1000_0000); rest > 0; rest = Math.floor(rest / 128)) size += 1;
  return size;
}

function uint64Size(value: bigint): number {
  if (value >= 0n && value <= SAFE) return varintSize(Number(value));
  if (value < 0n || value > MAX_UINT64) throw new RangeError(`${value} is not an unsigned 64-bit integer`);
  return value >= 1n << 63n ? 10 : value >= 1n << 56n ? 9 : 8;
}

/** Writes fields into a buffer of the right size; each write moves on. */
class FieldWriter {
  readonly buffer: Buffer;
  #at = 0;

  constructor(size: number) {
    this.buffer = Buffer.allocUnsafe(size);
  }

  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.buffer[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.buffer[this.#at++] = rest;
  }

  uint64(tag: number, value: bigint): void {
    this.buffer[this.#at++] = tag;
    if (value <= SAFE) {
      this.varint(Number(value));
      return;
    }
    let rest = value;
    while (rest >= 0x80n) {
      this.buffer[this.#at++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.buffer[this.#at++] = Number(rest);
  }

  length(tag: number, length: number): void {
    this.buffer[this.#at++] = tag;
    this.varint(length);
  }

  text(tag: number, value: string, size: number): void {
    this.length(tag, size);
    const { buffer } = this;
    if (size > SHORT || size !== value.length) {
      this.#at += buffer.write(value, this.#at, size, 'utf8');
      return;
    }
    let at = this.#at;
    for (let i = 0; i < size; i += 1) buffer[at++] = value.charCodeAt(i);
    this.#at = at;
  }

  bytes(tag: number, value: Uint8Array): void {
    this.length(tag, value.length);
    this.buffer.set(value, this.#at);
    this.#at += value.length;
  }
}

/** Size of a field of one tag byte, a length and that many bytes. */
const delimitedSize = (length: number): number => 1 + varintSize(length) + length;

function utf8Size(value: string): number {
  const { length } = value;
  if (length > SHORT) return Buffer.byteLength(value, 'utf8');
  for (let i = 0; i < length; i += 1) {
    if (value.charCodeAt(i) > 0x7f) return Buffer.byteLength(value, 'utf8');
  }
  return length;
}

/**
 * Encodes a `StreamMessage` to the same bytes as the generated code, in a fraction of its time: this message is sent
 * and delivered by the million. The payload is copied once, into the result. A message that carries fields of a newer
 * protocol is left to the generated code. Throws for a number outside its wire type.
 */
export function encodeStreamMessage(message: StreamMessage): Buffer {
  if (message.$unknown !== undefined || message.msgId?.$unknown !== undefined) {
    const bytes = toBinary(StreamMessageSchema, message);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  const { requestId, msgId, payload, publishTime, producerName, subscriptionName, attributes } = message;
  const { schemaId, schemaVersion, routingKey } = message;

  const topicSize = msgId === undefined ? 0 : utf8Size(msgId.topicName);
  const addrSize = msgId === undefined ? 0 : utf8Size(msgId.brokerAddr);
  const idSize = msgId === undefined ? 0 : msgIdSize(msgId, topicSize, addrSize);
  const producerSize = utf8Size(producerName);
  const subscriptionSize = utf8Size(subscriptionName);
  const names = Object.keys(attributes);
  const sizes: number[] = [];
  let size =
    (requestId === 0n ? 0 : 1 + uint64Size(requestId)) +
    (msgId === undefined ? 0 : delimitedSize(idSize)) +
    (payload.length === 0 ? 0 : delimitedSize(payload.length)) +
    (publishTime === 0n ? 0 : 1 + uint64Size(publishTime)) +
    (producerSize === 0 ? 0 : delimitedSize(producerSize)) +
    (subscriptionSize === 0 ? 0 : delimitedSize(subscriptionSize)) +
    (schemaId === undefined ? 0 : 1 + uint64Size(schemaId)) +
    (schemaVersion === undefined ? 0 : 1 + varintSize(checkedUint32(schemaVersion)));
  for (const name of names) {
    const nameSize = utf8Size(name);
    const valueSize = utf8Size(attributes[name]!);
    sizes.push(nameSize, valueSize);
    size += delimitedSize(delimitedSize(nameSize) + delimitedSize(valueSize));
  }
  const routingKeySize = routingKey === undefined ? 0 : utf8Size(routingKey);
  if (routingKey !== undefined) size += delimitedSize(routingKeySize);

  const writer = new FieldWriter(size);
  if (requestId !== 0n) writer.uint64(0x08, requestId);
  if (msgId !== undefined) {
    writer.length(0x12, idSize);
    if (msgId.producerId !== 0n) writer.uint64(0x08, msgId.producerId);
    if (topicSize > 0) writer.text(0x12, msgId.topicName, topicSize);
    if (addrSize > 0) writer.text(0x1a, msgId.brokerAddr, addrSize);
    if (msgId.topicOffset !== 0n) writer.uint64(0x28, msgId.topicOffset);
  }
  if (payload.length > 0) writer.bytes(0x1a, payload);
  if (publishTime !== 0n) writer.uint64(0x20, publishTime);
  if (producerSize > 0) writer.text(0x2a, producerName, producerSize);
  if (subscriptionSize > 0) writer.text(0x32, subscriptionName, subscriptionSize);
  for (let i = 0; i < names.length; i += 1) {
    const name = names[i]!;
    const nameSize = sizes[2 * i]!;
    const valueSize = sizes[2 * i + 1]!;
    writer.length(0x3a, delimitedSize(nameSize) + delimitedSize(valueSize));
    writer.text(0x0a, name, nameSize);
    writer.text(0x12, attributes[name]!, valueSize);
  }
  if (schemaId !== undefined) writer.uint64(0x40, schemaId);
  if (schemaVersion !== undefined) writer.length(0x48, schemaVersion); // a tag and a varint, like a length
  if (routingKey !== undefined) writer.text(0x52, routingKey, routingKeySize);
  return writer.buffer;
}

function msgIdSize({ producerId, topicOffset }: MsgID, topicSize: number, addrSize: number): number {
  return (
    (producerId === 0n ? 0 : 1 + uint64Size(producerId)) +
    (topicSize === 0 ? 0 : delimitedSize(topicSize)) +
    (addrSize === 0 ? 0 : delimitedSize(addrSize)) +
    (topicOffset === 0n ? 0 : 1 + uint64Size(topicOffset))
  );
}

function checkedUint32(value: number): number {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    throw new RangeError(`${value} is not an unsigned 32-bit integer`);
  }
  return value;
}
