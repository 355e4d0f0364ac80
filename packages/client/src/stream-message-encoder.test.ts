import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StreamMessageSchema } from './gen/danube_pb.ts';
import { encodeStreamMessage } from './stream-message-encoder.ts';

const uint64 = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  // Around every length of a varint.
  fc.tuple(fc.integer({ min: 0, max: 63 }), fc.integer({ min: -1, max: 1 })).map(([bits, add]) => {
    const value = (1n << BigInt(bits)) + BigInt(add);
    return value < 0n ? 0n : value;
  }),
);
const word = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 80 }),
  fc.string({ unit: 'grapheme-ascii', maxLength: 140 }),
  fc.constantFrom('', '__proto__', 'constructor', '\ufeff'),
);

test('any message is encoded to the bytes of the generated code, and comes back', () => {
  fc.assert(
    fc.property(
      fc.record(
        {
          requestId: uint64,
          msgId: fc.record({ producerId: uint64, topicName: word, brokerAddr: word, topicOffset: uint64 }),
          payload: fc.uint8Array({ maxLength: 300 }),
          publishTime: uint64,
          producerName: word,
          subscriptionName: word,
          attributes: fc.dictionary(word, word, { maxKeys: 5 }),
          schemaId: uint64,
          schemaVersion: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
          routingKey: word,
        },
        { requiredKeys: [] },
      ),
      (init) => {
        const message = create(StreamMessageSchema, init);
        const bytes = encodeStreamMessage(message);
        expect(bytes.equals(toBinary(StreamMessageSchema, message))).toBe(true);
        expect(fromBinary(StreamMessageSchema, new Uint8Array(bytes))).toEqual(message);
      },
    ),
    { numRuns: 2_000 },
  );
});

test('fields of a newer protocol that came in travel on', () => {
  const newer = Buffer.from('08051a01ff' + 'a206036e6577', 'hex'); // field 100, a string
  expect(encodeStreamMessage(fromBinary(StreamMessageSchema, newer)).equals(newer)).toBe(true);
  const newerId = Buffer.from('1206080122026869', 'hex'); // msg_id with its former field 4
  expect(encodeStreamMessage(fromBinary(StreamMessageSchema, newerId)).equals(newerId)).toBe(true);
});

test('numbers outside their wire type are refused', () => {
  const bad = [
    { requestId: -1n },
    { publishTime: 2n ** 64n },
    { schemaVersion: 2 ** 32 },
    { schemaVersion: 1.5 },
  ];
  for (const init of bad) {
    expect(() => encodeStreamMessage(create(StreamMessageSchema, init))).toThrow(RangeError);
  }
});
