import { ObjectStoreError } from '../../errors.ts';
import { closedError } from '../../request-checks.ts';

/** The puts and copies of a store, so that closing it ends them and lets them abort their uploads. */
export class WritesUnderWay {
  readonly #running = new Map<AbortController, Promise<unknown>>();

  /**
   * Runs a write with a signal that fires with the caller's and with `end`. Rejects as the write does, but with `CLOSED`
   * where that is the reason.
   */
  async run<T>(
    callerSignal: AbortSignal | undefined,
    write: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    // One for each write: a signal of the store would gather listeners for as long as it is open.
    const closing = new AbortController();
    const { signal } = closing;
    const running = write(callerSignal === undefined ? signal : AbortSignal.any([callerSignal, signal]));
    this.#running.set(closing, running);
    try {
      return await running;
    } catch (error) {
      const closed = signal.aborted && !callerSignal?.aborted;
      throw closed && ObjectStoreError.is(error) && error.code === 'ABORTED' ? closedError() : error;
    } finally {
      this.#running.delete(closing);
    }
  }

  /** Ends all writes. Resolves when they have settled: an upload is aborted for up to 15 s. Does not reject. */
  async end(): Promise<void> {
    const running = [...this.#running.values()];
    for (const closing of this.#running.keys()) closing.abort(closedError());
    await Promise.allSettled(running);
  }
}
