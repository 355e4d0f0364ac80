import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StorageError } from './errors.ts';
import type { NewMessage } from './message.ts';
import {
  decodeMessage,
  decodeMessageHead,
  encodeMessage,
  isRecordOf,
  topicKeyOf,
  uuidBytes,
} from './record-codec.ts';

const ID = '0123abcd-4567-4890-abcd-0123456789ab';
const OTHER = '0123abcd-4567-4890-abcd-0123456789ac';

const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const u64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const messages: fc.Arbitrary<NewMessage> = fc.record(
  {
    requestId: u64,
    producerId: u64,
    producerName: text,
    payload: fc.uint8Array({ maxLength: 100 }),
    publishTimeMs: fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }),
    subscriptionName: text,
    attributes: fc.array(fc.tuple(text, text), { maxLength: 4 }).map((entries) => new Map(entries)),
    schemaId: u64,
    schemaVersion: fc.integer({ min: 0, max: 0xffff_ffff }),
    routingKey: text,
  },
  { requiredKeys: ['requestId', 'producerId', 'producerName', 'payload', 'publishTimeMs'] },
);

function encode(message: NewMessage, offset = 7, appendTimeMs = 1_700_000_000_000): Uint8Array {
  return Buffer.concat(encodeMessage(uuidBytes(ID), offset, appendTimeMs, 'http://broker', message));
}

const simple: NewMessage = {
  requestId: 1n,
  producerId: 2n,
  producerName: 'p',
  payload: Buffer.from('x'),
  publishTimeMs: 3,
};

describe('message records', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(messages, fc.maxSafeNat(), fc.maxSafeNat(), (message, offset, appendTimeMs) => {
        const decoded = decodeMessage('/a/b', encode(message, offset, appendTimeMs));
        expect({ ...decoded, payload: [...decoded.payload] }).toEqual({
          ...message,
          payload: [...message.payload],
          topic: '/a/b',
          offset,
          appendTimeMs,
          brokerAddr: 'http://broker',
        });
      }),
    );
  });

  it('give their head without the rest', () => {
    const record = encode(simple, 2 ** 53 - 2);
    expect(decodeMessageHead(record)).toEqual({
      topicKey: topicKeyOf(ID),
      offset: 2 ** 53 - 2,
      appendTimeMs: 1_700_000_000_000,
    });
    expect(isRecordOf(record, uuidBytes(ID))).toBe(true);
    expect(isRecordOf(record, uuidBytes(OTHER))).toBe(false);
  });

  it('have the layout of docs/formats/storage-records.md', () => {
    const record = Buffer.from(encode({ ...simple, schemaVersion: 9 }));
    expect(record.subarray(0, 8).toString('hex')).toBe('01200000' + '5a000000');
    expect(record.subarray(8, 24).toString('hex')).toBe(ID.replaceAll('-', ''));
    expect(record.readBigInt64LE(24)).toBe(7n);
    expect(record.readBigInt64LE(40)).toBe(3n);
    expect(record.readUInt32LE(64)).toBe(1);
    expect(record.subarray(0x5a).toString()).toBe('x');
  });

  it.each([
    ['another version', (record: Buffer) => record.fill(2, 0, 1)],
    ['an unknown flag', (record: Buffer) => record.fill(0x80, 1, 2)],
    ['the reserved flag of relocated copies', (record: Buffer) => record.fill(0x01, 1, 2)],
    ['a head that ends behind the record', (record: Buffer) => record.fill(0xff, 4, 6)],
    ['a record cut short', (record: Buffer) => record.subarray(0, 40)],
    ['an offset beyond 2^53', (record: Buffer) => record.fill(0x7f, 24, 32)],
  ])('are refused with LOG_INVALID: %s', (_title, damage) => {
    const record = damage(Buffer.from(encode(simple)));
    for (const decode of [() => decodeMessageHead(record), () => decodeMessage('/a/b', record)])
      expect(decode).toThrow(expect.objectContaining({ code: 'LOG_INVALID' }));
  });

  it('are a typed error or the old message after any flipped byte, never a crash', () => {
    const record = Buffer.from(encode({ ...simple, attributes: new Map([['a', 'b']]), routingKey: 'r' }));
    for (let at = 0; at < record.length; at += 1) {
      const damaged = Buffer.from(record);
      damaged[at] = (damaged[at] as number) ^ 0xff;
      try {
        decodeMessage('/a/b', damaged);
      } catch (error) {
        expect(StorageError.is(error), `byte ${at}: ${error}`).toBe(true);
      }
    }
  });
});
