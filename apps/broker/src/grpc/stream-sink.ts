import type { StreamMessage } from '@danube/client/protocol';
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { ConsumerSink, Delivery } from '../dispatch/delivery.ts';
import { toServiceError } from './status.ts';

type Stream = Pick<ServerWritableStream<unknown, StreamMessage>, 'write' | 'emit' | 'on' | 'cancelled'>;

/**
 * A consumer's gRPC stream as a sink. It is ready until the transport's buffer is full (16 messages) and again
 * when that has drained, so a consumer that does not read holds at most that much memory.
 */
export class StreamSink implements ConsumerSink {
  readonly #stream: Stream;
  readonly #encode: (message: Delivery) => StreamMessage;
  #ready = true;
  #ended = false;

  /** @param onReady called when the stream takes messages again */
  constructor(stream: Stream, encode: (message: Delivery) => StreamMessage, onReady: () => void) {
    this.#stream = stream;
    this.#encode = encode;
    stream.on('drain', () => {
      this.#ready = true;
      onReady();
    });
  }

  get ready(): boolean {
    return this.#ready && !this.#ended && !this.#stream.cancelled;
  }

  deliver(message: Delivery): void {
    if (this.#ended) return;
    this.#ready = this.#stream.write(this.#encode(message));
  }

  end(reason: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    // grpc-js turns an 'error' on a server stream into its final status.
    if (!this.#stream.cancelled) this.#stream.emit('error', toServiceError(reason));
  }
}
