import { crc32, crc32Range } from './crc32.ts';
import {
  encodeFrameHeader,
  encodeRecordHeader,
  FRAME_HEADER_BYTES,
  padded,
  RECORD_HEADER_BYTES,
} from './frame.ts';
import type { WalRecordInput } from './options.ts';
import type { Segment } from './segment.ts';
import { viewOf } from './u64.ts';

/** Payloads from this size on are written from the caller's memory; below, copying is cheaper than an iovec. */
const BY_REFERENCE_BYTES = 16 * 1024;

/** Memory a batch is encoded into; recycled once the batch has settled. */
export interface Arena {
  readonly bytes: Buffer;
  readonly view: DataView;
}

export function createArena(size: number): Arena {
  const bytes = Buffer.allocUnsafeSlow(size);
  return { bytes, view: viewOf(bytes) };
}

/** Payload bytes of a record. */
export function payloadLength(payload: WalRecordInput['payload']): number {
  if (payload instanceof Uint8Array) return payload.length;
  let length = 0;
  for (const part of payload) length += part.length;
  return length;
}

/** Bytes a record takes in the file. */
export function encodedBytes(length: number): number {
  return RECORD_HEADER_BYTES + padded(length);
}

/** Bytes a record takes in the arena. */
export function arenaBytes(length: number): number {
  return length < BY_REFERENCE_BYTES ? encodedBytes(length) : RECORD_HEADER_BYTES + 8;
}

/** What an append resolves with. */
export interface WalAck {
  readonly offset: number;
  /** The record is on stable storage. Always true in mode `always`. */
  readonly durable: boolean;
}

/** What an atomic batch resolves with. */
export interface WalBatchAck {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly durable: boolean;
}

type PendingAck = { readonly reject: (error: Error) => void } & (
  | { readonly offset: number; readonly resolve: (ack: WalAck) => void }
  | { readonly first: number; readonly last: number; readonly resolve: (ack: WalBatchAck) => void }
);

/** One group commit in the making: records encoded one by one, written as one frame. */
export class Batch {
  readonly segment: Segment;
  readonly firstOffset: number;
  readonly arena: Arena;
  count = 0;
  /** Bytes of the whole frame so far. */
  byteLength = FRAME_HEADER_BYTES;
  #used = FRAME_HEADER_BYTES;
  #runStart = 0;
  #recordsCrc = 0;
  readonly #buffers: Uint8Array[] = [];
  readonly #acks: PendingAck[] = [];

  constructor(segment: Segment, firstOffset: number, arena: Arena) {
    this.segment = segment;
    this.firstOffset = firstOffset;
    this.arena = arena;
  }

  /** Whether `bytes` more fit the arena. */
  hasRoom(bytes: number): boolean {
    return this.#used + bytes <= this.arena.bytes.length;
  }

  /** Encodes a record at offset `firstOffset + count`. The caller made sure of the room. */
  add(record: WalRecordInput, length: number, timestampMs: number): void {
    const { bytes, view } = this.arena;
    const { payload } = record;
    const headerAt = this.#used;
    let at = headerAt + RECORD_HEADER_BYTES;
    let payloadCrc = 0;
    if (length < BY_REFERENCE_BYTES) {
      if (payload instanceof Uint8Array) {
        bytes.set(payload, at);
        payloadCrc = crc32(payload);
      } else {
        let partAt = at;
        for (const part of payload) {
          bytes.set(part, partAt);
          partAt += part.length;
        }
        payloadCrc = crc32(bytes.subarray(at, partAt));
      }
      at += length;
    } else {
      this.#buffers.push(bytes.subarray(this.#runStart, at));
      this.#runStart = at;
      for (const part of payload instanceof Uint8Array ? [payload] : payload) {
        payloadCrc = crc32(part, payloadCrc);
        if (part.length > 0) this.#buffers.push(part);
      }
    }
    const pad = padded(length) - length;
    for (let i = 0; i < pad; i++) bytes[at++] = 0;
    const offset = this.firstOffset + this.count;
    encodeRecordHeader(
      bytes,
      view,
      headerAt,
      { offset, type: record.type, timestampMs, length, payloadCrc },
      this.segment.seed,
    );
    this.#recordsCrc = crc32Range(bytes, headerAt, headerAt + 4, this.#recordsCrc);
    this.#used = at;
    this.count++;
    this.byteLength += encodedBytes(length);
  }

  acknowledgeOne(offset: number, resolve: (ack: WalAck) => void, reject: (error: Error) => void): void {
    this.#acks.push({ offset, resolve, reject });
  }

  acknowledgeMany(
    first: number,
    last: number,
    resolve: (ack: WalBatchAck) => void,
    reject: (error: Error) => void,
  ): void {
    this.#acks.push({ first, last, resolve, reject });
  }

  /** Writes the frame header and returns the buffers to write, in order. */
  finish(durableUpTo: number, epoch: number): readonly Uint8Array[] {
    encodeFrameHeader(
      this.arena.bytes,
      this.arena.view,
      0,
      {
        firstOffset: this.firstOffset,
        count: this.count,
        byteLength: this.byteLength - FRAME_HEADER_BYTES,
        durableUpTo,
        epoch,
        recordsCrc: this.#recordsCrc,
      },
      this.segment.header.salt,
      this.segment.seed,
    );
    if (this.#used > this.#runStart)
      this.#buffers.push(this.arena.bytes.subarray(this.#runStart, this.#used));
    return this.#buffers;
  }

  resolve(durable: boolean): void {
    for (const ack of this.#acks) {
      if ('offset' in ack) ack.resolve({ offset: ack.offset, durable });
      else ack.resolve({ firstOffset: ack.first, lastOffset: ack.last, durable });
    }
  }

  /** Whether anybody was waiting for it. */
  reject(error: Error): boolean {
    for (const ack of this.#acks) ack.reject(error);
    return this.#acks.length > 0;
  }
}
