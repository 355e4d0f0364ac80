/** Promises that are all resolved at the next `wake`. Callers look again at what they waited for. */
export class Waiters {
  #wakes = new Set<() => void>();

  /** Resolves at the next wake, or at once when `signal` is or becomes aborted. */
  wait(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      if (signal === undefined) {
        this.#wakes.add(resolve);
        return;
      }
      const done = () => {
        signal.removeEventListener('abort', done);
        this.#wakes.delete(done);
        resolve();
      };
      signal.addEventListener('abort', done, { once: true });
      this.#wakes.add(done);
    });
  }

  wake(): void {
    if (this.#wakes.size === 0) return;
    const wakes = this.#wakes;
    this.#wakes = new Set();
    for (const wake of wakes) wake();
  }
}
