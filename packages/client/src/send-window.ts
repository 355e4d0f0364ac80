/**
 * A message up to this size travels in one HTTP/2 DATA frame, whatever the peer: frames hold at least 16,384 bytes,
 * five of which are gRPC's own.
 */
const SINGLE_FRAME_BYTES = 16_384 - 5;

/**
 * What may be under way on a connection without waiting for the peer's flow control. The window of a connection is at
 * least 65,535 bytes, and a peer may hold back the credit for up to half of it; the rest, less a little for the calls
 * around the messages.
 */
const WINDOW_BYTES = 32_767 - 4_095;

/**
 * Keeps messages on one connection in order.
 *
 * HTTP/2 sends the frames of concurrent requests in any order it likes once flow control makes them wait, and a message
 * of several frames can be overtaken in any case (Node's own HTTP/2 does both, depending on its version). So messages
 * of one frame go together as long as none of them has to wait, and a larger one goes alone.
 *
 * Entry is in the order of asking.
 */
export class SendWindow {
  #used = 0;
  readonly #waiting: { readonly weight: number; enter(): void }[] = [];

  /** What a message of so many encoded bytes takes of the window: all of it if it is larger than one frame. */
  static weigh(bytes: number): number {
    return bytes > SINGLE_FRAME_BYTES ? WINDOW_BYTES : bytes;
  }

  /** Enters at once, or answers a promise that resolves when there is room and everyone before has entered. */
  enter(weight: number): Promise<void> | undefined {
    if (this.#waiting.length === 0 && this.#used + weight <= WINDOW_BYTES) {
      this.#used += weight;
      return undefined;
    }
    return new Promise((resolve) => this.#waiting.push({ weight, enter: resolve }));
  }

  /** Gives back what {@link enter} took, when the message is answered or has failed. */
  leave(weight: number): void {
    this.#used -= weight;
    for (;;) {
      const next = this.#waiting[0];
      if (next === undefined || this.#used + next.weight > WINDOW_BYTES) return;
      this.#waiting.shift();
      this.#used += next.weight;
      next.enter();
    }
  }
}
