// A stream of messages that prove who they are: payload and size follow from the id and the run's seed alone.
import { DispatchStrategy, ProducerAccessMode, producerService } from '@danube/client/protocol';
import { credentials, makeGenericClientConstructor } from '@grpc/grpc-js';

const RawClient = makeGenericClientConstructor(producerService, 'ProducerService');
type Raw = InstanceType<typeof RawClient>;

/** A small, fast generator (mulberry32); the same seed gives the same numbers. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The longest payload of a stream that is not told otherwise, in bytes. */
export const MAX_PAYLOAD_BYTES = 1608;

export function payloadOf(seed: number, id: number, maxBytes = MAX_PAYLOAD_BYTES): Buffer {
  const random = randomFrom(seed ^ Math.imul(id + 1, 0x9e3779b1));
  const payload = Buffer.alloc(8 + Math.floor(random() * (maxBytes - 8)));
  payload.writeBigUInt64BE(BigInt(id), 0);
  for (let i = 8; i < payload.length; i++) payload[i] = Math.floor(random() * 256);
  return payload;
}

/** The id of a payload, or an error when a single byte of it is not what was sent. */
export function identify(seed: number, payload: Uint8Array, maxBytes = MAX_PAYLOAD_BYTES): number {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  const id = bytes.length >= 8 ? Number(bytes.readBigUInt64BE(0)) : Number.NaN;
  if (!Number.isSafeInteger(id) || !bytes.equals(payloadOf(seed, id, maxBytes))) {
    throw new Error(
      `a payload of ${bytes.length} bytes starting ${bytes.subarray(0, 16).toString('hex')} is not one we sent`,
    );
  }
  return id;
}

/**
 * Publishes over the wire protocol itself and never retries, so that each id is handed to the broker at most once:
 * it ends up acknowledged, or its outcome is unknown.
 */
export class MessageStream {
  readonly sent = new Set<number>();
  readonly acked = new Set<number>();
  readonly #seed: number;
  readonly #topic: string;
  readonly #maxBytes: number;
  #nextId = 0;

  constructor(seed: number, topic: string, maxBytes = MAX_PAYLOAD_BYTES) {
    this.#seed = seed;
    this.#topic = topic;
    this.#maxBytes = maxBytes;
  }

  /** Makes the topic without sending anything. */
  async createTopic(address: string): Promise<void> {
    const client = new RawClient(address, credentials.createInsecure());
    try {
      await this.#createProducer(client);
    } finally {
      client.close();
    }
  }

  /** Sends from `lanes` loops, about `perSecond` in all, until `signal` aborts or the broker is gone. */
  async publish(
    address: string,
    options: { lanes: number; perSecond: number; signal: AbortSignal },
  ): Promise<void> {
    const client = new RawClient(address, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
    const began = performance.now();
    let here = 0;
    const due = () => ((performance.now() - began) / 1000) * options.perSecond;
    try {
      const producerId = await this.#createProducer(client);
      const lane = async () => {
        while (!options.signal.aborted) {
          if (here > due()) {
            await new Promise((resolve) => setTimeout(resolve, 2));
            continue;
          }
          here += 1;
          const id = this.#nextId++;
          this.sent.add(id);
          await this.#send(client, producerId, id, address);
          this.acked.add(id);
        }
      };
      // The first failure means that the broker was killed: the other lanes' messages are unknown as well.
      await Promise.allSettled(Array.from({ length: options.lanes }, lane));
    } finally {
      client.close();
    }
  }

  async #createProducer(client: Raw): Promise<bigint> {
    const reply = await call<{ producerId: bigint }>(client, 'createProducer', {
      $typeName: 'danube.ProducerRequest',
      requestId: 1n,
      producerName: 'kill-loop',
      topicName: this.#topic,
      producerAccessMode: ProducerAccessMode.Shared,
      dispatchStrategy: DispatchStrategy.Reliable,
    });
    return reply.producerId;
  }

  #send(client: Raw, producerId: bigint, id: number, address: string): Promise<unknown> {
    return call(client, 'sendMessage', {
      $typeName: 'danube.StreamMessage',
      requestId: BigInt(id),
      msgId: {
        $typeName: 'danube.MsgID',
        producerId,
        topicName: this.#topic,
        brokerAddr: `http://${address}`,
        topicOffset: 0n,
      },
      payload: payloadOf(this.#seed, id, this.#maxBytes),
      publishTime: BigInt(Date.now()),
      producerName: 'kill-loop',
      subscriptionName: '',
      attributes: { id: String(id) },
    });
  }
}

function call<Reply>(client: Raw, method: 'createProducer' | 'sendMessage', request: object): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const rpc = client[method] as (
      request: object,
      done: (error: Error | null, reply: Reply) => void,
    ) => void;
    rpc.call(client, request, (error, reply) => (error ? reject(error) : resolve(reply)));
  });
}
