/** One call, as those see it who want it to end. */
export interface UnderWay {
  /** Fires when the call shall end, but never while an attempt is under way: its outcome would be unknown. */
  readonly signal: AbortSignal;
  /** No further attempt shall follow. */
  readonly isClosing: boolean;
  /** Runs an attempt. */
  attempt<T>(run: () => Promise<T>): Promise<T>;
  /** The call has ended. */
  end(): void;
}

/** All calls of a catalog, so that closing it ends their waits between attempts and waits for the attempts. */
export class CallsUnderWay {
  readonly #closing = new AbortController();
  readonly #calls = new Map<UnderWay, { readonly abort: () => void; readonly ended: Promise<void> }>();

  get isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Fires when closing begins. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  begin(): UnderWay {
    const controller = new AbortController();
    const { promise: ended, resolve } = withResolvers();
    let attempts = 0;
    const closing = () => this.isClosing;
    const abort = () => {
      if (attempts === 0) controller.abort(new Error('the catalog is closed'));
    };
    const call: UnderWay = {
      signal: controller.signal,
      get isClosing() {
        return closing();
      },
      async attempt(run) {
        attempts += 1;
        try {
          return await run();
        } finally {
          attempts -= 1;
        }
      },
      end: () => {
        this.#calls.delete(call);
        resolve();
      },
    };
    this.#calls.set(call, { abort, ended });
    if (this.isClosing) abort();
    return call;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const calls = [...this.#calls.values()];
    for (const { abort } of calls) abort();
    await Promise.all(calls.map(({ ended }) => ended));
  }
}

function withResolvers(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
