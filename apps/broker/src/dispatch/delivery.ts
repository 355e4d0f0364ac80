import type { NewMessage } from '@danube/storage';

/** A message on its way to a consumer. Messages of non-reliable topics have offset 0, as upstream. */
export interface Delivery extends NewMessage {
  readonly topic: string;
  readonly offset: number;
}

/** The open stream of one consumer, as a dispatcher sees it. */
export interface ConsumerSink {
  /** Whether the stream takes a message now without buffering beyond its bound. */
  readonly ready: boolean;
  /** Hands over one message; only while `ready`. Never throws. */
  deliver(message: Delivery): void;
  /** Ends the stream; the consumer learns the reason. Safe to call twice. */
  end(reason: unknown): void;
}

/** Hands the messages of one subscription to the consumers attached to it. All methods are synchronous and never throw. */
export interface Dispatcher {
  /** Starts delivering to this consumer too. */
  attach(sink: ConsumerSink): void;
  /** Stops delivering to it; what it had not acknowledged goes to others, or waits for the next consumer. */
  detach(sink: ConsumerSink): void;
  /** A consumer became ready again. */
  wake(): void;
  /** Stops for good; attached streams are left to the caller. */
  close(): void;
}

/** Takes turns among ready consumers. */
export class RoundRobin {
  readonly #sinks: ConsumerSink[] = [];
  #next = 0;

  get size(): number {
    return this.#sinks.length;
  }

  add(sink: ConsumerSink): void {
    if (!this.#sinks.includes(sink)) this.#sinks.push(sink);
  }

  /** Whether the sink was there. */
  remove(sink: ConsumerSink): boolean {
    const index = this.#sinks.indexOf(sink);
    if (index < 0) return false;
    this.#sinks.splice(index, 1);
    if (index < this.#next) this.#next -= 1;
    return true;
  }

  /** The next ready consumer without taking its turn, or undefined. */
  peek(): ConsumerSink | undefined {
    for (let step = 0; step < this.#sinks.length; step += 1) {
      const index = (this.#next + step) % this.#sinks.length;
      const sink = this.#sinks[index]!;
      if (sink.ready) {
        this.#next = index;
        return sink;
      }
    }
    return undefined;
  }

  /** Passes the turn on from the consumer that `peek` returned. */
  advance(): void {
    this.#next = this.#sinks.length === 0 ? 0 : (this.#next + 1) % this.#sinks.length;
  }

  [Symbol.iterator](): Iterator<ConsumerSink> {
    return [...this.#sinks][Symbol.iterator]();
  }
}
