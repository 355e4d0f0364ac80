interface Entry<T> {
  readonly item: T;
  readonly bytes: number;
}

/**
 * A queue between streams that are pushed and one consumer that pulls: bounded by count and by bytes, closed by
 * either side. Items leave in the order they came.
 */
export class BoundedQueue<T> {
  readonly #maxItems: number;
  readonly #maxBytes: number;
  #entries: (Entry<T> | undefined)[] = [];
  #head = 0;
  #bytes = 0;
  #end: { readonly error?: Error } | undefined;
  readonly #readers: { resolve(result: IteratorResult<T, undefined>): void; reject(error: Error): void }[] =
    [];
  #waitingForRoom: (() => void)[] = [];

  constructor(maxItems: number, maxBytes: number) {
    this.#maxItems = maxItems;
    this.#maxBytes = maxBytes;
  }

  /** Items waiting to be read. */
  get length(): number {
    return this.#entries.length - this.#head;
  }

  get #full(): boolean {
    return this.length >= this.#maxItems || this.#bytes >= this.#maxBytes;
  }

  /**
   * Adds an item, also when the queue is full: the caller has it already. Answers whether there is room for
   * another; if not, {@link whenRoom} says when. After the end the item is dropped.
   */
  push(item: T, bytes: number): boolean {
    if (this.#end !== undefined) return true;
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader.resolve({ done: false, value: item });
      return true;
    }
    this.#entries.push({ item, bytes });
    this.#bytes += bytes;
    return !this.#full;
  }

  /** Resolves when an item may be pushed, or the queue has ended. */
  whenRoom(): Promise<void> {
    if (!this.#full || this.#end !== undefined) return Promise.resolve();
    return new Promise((resolve) => this.#waitingForRoom.push(resolve));
  }

  /** The next item; `done` after {@link close}; rejects once after {@link fail}, when what came before is read. */
  next(): Promise<IteratorResult<T, undefined>> {
    const entry = this.#entries[this.#head];
    if (entry !== undefined) {
      this.#entries[this.#head] = undefined;
      this.#head += 1;
      this.#bytes -= entry.bytes;
      if (this.#head === this.#entries.length || this.#head > 1_024) {
        this.#entries = this.#entries.slice(this.#head);
        this.#head = 0;
      }
      if (!this.#full) this.#wakeWriters();
      return Promise.resolve({ done: false, value: entry.item });
    }
    if (this.#end !== undefined) {
      const { error } = this.#end;
      this.#end = {};
      return error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error);
    }
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
  }

  /** Ends the queue and drops what was not read. */
  close(): void {
    this.#entries = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#finish({});
  }

  /** Ends the queue with an error that the reader gets after the items before it. */
  fail(error: Error): void {
    if (this.#end === undefined) this.#finish({ error });
  }

  #finish(end: { readonly error?: Error }): void {
    this.#end = end;
    this.#wakeWriters();
    for (const reader of this.#readers.splice(0)) {
      const { error } = this.#end;
      this.#end = {};
      if (error === undefined) reader.resolve({ done: true, value: undefined });
      else reader.reject(error);
    }
  }

  #wakeWriters(): void {
    const waiting = this.#waitingForRoom;
    this.#waitingForRoom = [];
    for (const wake of waiting) wake();
  }
}
