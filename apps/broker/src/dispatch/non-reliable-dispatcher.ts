import type { ConsumerSink, Delivery, Dispatcher } from './delivery.ts';
import { RoundRobin } from './delivery.ts';

/**
 * Delivers a non-reliable topic to one subscription, at most once: nothing is stored, acknowledgements mean
 * nothing, and a message is dropped when no attached consumer is ready for it. With one consumer that means:
 * it is dropped when the consumer's stream is full; with several, full ones are passed over.
 */
export class NonReliableDispatcher implements Dispatcher {
  readonly #sinks = new RoundRobin();

  attach(sink: ConsumerSink): void {
    this.#sinks.add(sink);
  }

  detach(sink: ConsumerSink): void {
    this.#sinks.remove(sink);
  }

  /** Whether a consumer took the message. */
  publish(message: Delivery): boolean {
    const sink = this.#sinks.peek();
    if (sink === undefined) return false;
    this.#sinks.advance();
    sink.deliver(message);
    return true;
  }

  wake(): void {
    // Nothing waits here.
  }

  close(): void {
    for (const sink of this.#sinks) this.#sinks.remove(sink);
  }
}
