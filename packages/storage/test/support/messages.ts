import type { NewMessage, PersistentStorage, StoredMessage, TopicLog } from '../../src/index.ts';

/** A message whose payload says which one it is. */
export function message(n: number, more: Partial<NewMessage> = {}): NewMessage {
  return {
    requestId: BigInt(n),
    producerId: 7n,
    producerName: 'producer',
    payload: Buffer.from(`message ${n}`),
    publishTimeMs: 1_700_000_000_000 + n,
    ...more,
  };
}

/** Everything a test sent and got acknowledged for one topic; what the oracle needs. */
export class Ledgerbook {
  readonly acked = new Map<number, Uint8Array>();
  readonly #sent = new Set<string>();
  #next: number;

  constructor(first = 0) {
    this.#next = first;
  }

  readonly wasSent = (payload: Uint8Array): boolean =>
    this.#sent.has(Buffer.from(payload).toString('base64'));

  /** Appends `count` messages at once and notes what was acknowledged. Refusals are thrown after all settled. */
  async append(log: TopicLog, count: number, more: Partial<NewMessage> = {}): Promise<number[]> {
    const results = await Promise.allSettled(
      Array.from({ length: count }, async () => {
        const next = message(this.#next, more);
        this.#next += 1;
        this.#sent.add(Buffer.from(next.payload).toString('base64'));
        const ack = await log.append(next);
        if (ack.durable) this.acked.set(ack.offset, next.payload);
        return ack.offset;
      }),
    );
    return results.map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    });
  }
}

/** All messages from an offset on. */
export async function readAll(log: TopicLog, from = 0): Promise<StoredMessage[]> {
  const messages: StoredMessage[] = [];
  for await (const batch of log.read({ from })) messages.push(...batch);
  return messages;
}

/** Messages in a form that compares fast and reads well when it differs. */
export function plain(messages: readonly StoredMessage[]): unknown[] {
  return messages.map((stored) => ({
    ...stored,
    payload: Buffer.from(stored.payload).toString('base64'),
    ...(stored.attributes && { attributes: Object.fromEntries(stored.attributes) }),
  }));
}

export function offsets(messages: readonly StoredMessage[]): number[] {
  return messages.map((stored) => stored.offset);
}

export function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** Resolves when the storage tells about such an event. */
export function once<Name extends Parameters<PersistentStorage['on']>[0]>(
  storage: PersistentStorage,
  name: Name,
): Promise<Parameters<Parameters<typeof storage.on<Name>>[1]>[0]> {
  return new Promise((resolve) => {
    const end = storage.on(name, (event) => {
      end();
      resolve(event);
    });
  });
}
