import type { StoredMessage } from './message.ts';

/** A message in memory: decoded, or as the log's bytes until somebody wants it. */
type TailItem = StoredMessage | Uint8Array;

/** The newest messages of one topic, without holes. */
export class TopicTail {
  readonly #decode: (payload: Uint8Array) => StoredMessage;
  #items: TailItem[] = [];
  #sizes: number[] = [];
  #head = 0;
  #first = 0;

  constructor(decode: (payload: Uint8Array) => StoredMessage) {
    this.#decode = decode;
  }

  /** Offset of the oldest message held. */
  get first(): number {
    return this.#first;
  }

  /** Offset after the newest message held; equals `first` if there is none. */
  get end(): number {
    return this.#first + this.#items.length - this.#head;
  }

  /** Messages from `from` up to `lastInclusive`, about `maxBytes` of them but at least one. `from` must be held. */
  slice(from: number, lastInclusive: number, maxBytes: number): StoredMessage[] {
    const messages: StoredMessage[] = [];
    let bytes = 0;
    const stop = this.#head + Math.min(this.end, lastInclusive + 1) - this.#first;
    for (let at = this.#head + from - this.#first; at < stop; at += 1) {
      bytes += this.#sizes[at] as number;
      if (messages.length > 0 && bytes > maxBytes) break;
      let item = this.#items[at] as TailItem;
      if (item instanceof Uint8Array) {
        item = this.#decode(item);
        this.#items[at] = item;
      }
      messages.push(item);
    }
    return messages;
  }

  /** For {@link TailCache} only. */
  push(offset: number, item: TailItem, sizeBytes: number): void {
    if (offset !== this.end) this.clear(offset);
    this.#items.push(item);
    this.#sizes.push(sizeBytes);
  }

  /** Forgets everything; the next message is `offset`. */
  clear(offset: number): void {
    this.#items = [];
    this.#sizes = [];
    this.#head = 0;
    this.#first = offset;
  }

  /** For {@link TailCache} only: drops the oldest message if it is `offset`. */
  shift(offset: number): void {
    if (offset !== this.#first || this.end === this.#first) return;
    this.#items[this.#head] = undefined as unknown as TailItem;
    this.#head += 1;
    this.#first += 1;
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#sizes = this.#sizes.slice(this.#head);
      this.#head = 0;
    }
  }
}

interface Queued {
  readonly tail: TopicTail;
  readonly offset: number;
  readonly size: number;
}

/**
 * Recent messages of all topics, so that subscribers and commits need not read the log. Bounded by bytes over
 * all topics; what was appended first goes first. Everything in it is in the log too (or on its way there).
 */
export class TailCache {
  readonly #maxBytes: number;
  #queue: Queued[] = [];
  #head = 0;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a topic's next message and drops the oldest ones beyond the limit. */
  push(tail: TopicTail, offset: number, item: TailItem, size: number): void {
    tail.push(offset, item, size);
    this.#queue.push({ tail, offset, size });
    this.#bytes += size;
    while (this.#bytes > this.#maxBytes && this.#head < this.#queue.length) {
      const oldest = this.#queue[this.#head] as Queued;
      this.#head += 1;
      this.#bytes -= oldest.size;
      oldest.tail.shift(oldest.offset);
    }
    if (this.#head > 4096 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
  }
}
