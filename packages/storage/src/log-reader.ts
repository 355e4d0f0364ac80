import type { Wal } from '@danube/wal';
import { StorageError } from './errors.ts';
import { type OffsetRange, skipGaps } from './ledger-case.ts';
import { messageSizeBytes, type StoredMessage } from './message.ts';
import { decodeMessage, isRecordOf, recordOffset } from './record-codec.ts';
import { MESSAGE_RECORD } from './record-types.ts';
import type { TopicState } from './topic-state.ts';

/** Log positions that are being read: the log is not truncated beyond the lowest. */
export class LogPins {
  readonly #pins = new Map<symbol, number>();

  /** Lowest pinned log offset, or Infinity. */
  get lowest(): number {
    let lowest = Number.POSITIVE_INFINITY;
    for (const pin of this.#pins.values()) lowest = Math.min(lowest, pin);
    return lowest;
  }

  /** Holds a position while `work` runs. */
  async hold<T>(walOffset: number, work: () => Promise<T>): Promise<T> {
    const pin = Symbol('pin');
    this.#pins.set(pin, walOffset);
    try {
      return await work();
    } finally {
      this.#pins.delete(pin);
    }
  }
}

/** Offsets a caller passes over because they never held a message, or `undefined`. */
export function gapAt(offset: number, gaps: readonly OffsetRange[]): OffsetRange | undefined {
  const end = skipGaps(offset, gaps);
  return end === offset ? undefined : { first: offset, last: end - 1 };
}

/**
 * Reads a topic's messages from memory, or else from the log: from `from` (which must not lie in a gap) up to
 * `lastInclusive` or the next gap, about `maxBytes` but at least one. Undefined if the log no longer holds
 * `from`. `GAP` if the log should hold it and does not.
 */
export async function readFromLog(
  wal: Wal,
  pins: LogPins,
  topic: TopicState,
  from: number,
  lastInclusive: number,
  maxBytes: number,
): Promise<readonly StoredMessage[] | undefined> {
  if (from >= topic.tail.first && from < topic.tail.end)
    return topic.tail.slice(from, lastInclusive, maxBytes);
  if (from < topic.first) return undefined;
  const place = topic.index.seek(from);
  if (place === undefined) throw missing(topic, from);
  return pins.hold(place.walOffset, async () => {
    const messages: StoredMessage[] = [];
    const last = Math.min(lastInclusive, place.endOffsetExclusive - 1);
    let expected = from;
    let bytes = 0;
    for await (const batch of wal.read({ from: place.walOffset, to: wal.nextOffset })) {
      for (const record of batch) {
        if (record.type !== MESSAGE_RECORD || !isRecordOf(record.payload, topic.idBytes)) continue;
        const offset = recordOffset(record.payload);
        if (offset < from) continue;
        if (offset > last) return finish();
        if (offset !== expected) {
          // A hole in the log is a gap the caller must see; it asks again above it.
          if (skipGaps(expected, topic.gaps) !== offset) throw missing(topic, expected);
          if (messages.length > 0) return finish();
        }
        const message = decodeMessage(topic.name, record.payload);
        messages.push(message);
        expected = offset + 1;
        bytes += messageSizeBytes(message);
        if (bytes >= maxBytes || offset === last) return finish();
      }
    }
    return finish();

    function finish(): readonly StoredMessage[] {
      if (messages.length === 0) throw missing(topic, from);
      return messages;
    }
  });
}

function missing(topic: TopicState, offset: number): StorageError {
  return new StorageError('GAP', `the log should hold offset ${offset} of ${topic.name} and does not`, {
    context: { topic: topic.name, offset, logFirst: topic.first, next: topic.next },
  });
}
