interface Waiter<Session> {
  readonly order: bigint;
  resolve(session: Session | undefined): void;
  reject(failure: unknown): void;
}

type State<Session> =
  | { readonly kind: 'pending' }
  | { readonly kind: 'done'; readonly session: Session }
  | { readonly kind: 'failed'; readonly failure: unknown };

/**
 * A registration at a broker, under way or settled, that many sends wait for. When it settles they go on in the order
 * of their numbers, not of their arrival: a connection that breaks fails its calls in no particular order.
 */
export class Registration<Session> {
  #state: State<Session> = { kind: 'pending' };
  #waiting: Waiter<Session>[] = [];

  constructor(work: Promise<Session>) {
    work.then(
      (session) => this.#settle({ kind: 'done', session }),
      (failure: unknown) => this.#settle({ kind: 'failed', failure }),
    );
  }

  /** The session, or `undefined` as soon as `signal` fires; rejects with what the registration failed with. */
  wait(order: bigint, signal?: AbortSignal): Promise<Session | undefined> {
    const state = this.#state;
    if (state.kind === 'done') return Promise.resolve(state.session);
    if (state.kind === 'failed') return Promise.reject(state.failure);
    return new Promise((resolve, reject) => {
      const onAbort = () => resolve(undefined);
      signal?.addEventListener('abort', onAbort, { once: true });
      const unlisten = () => signal?.removeEventListener('abort', onAbort);
      this.#waiting.push({
        order,
        resolve: (session) => {
          unlisten();
          resolve(session);
        },
        reject: (failure) => {
          unlisten();
          reject(failure);
        },
      });
    });
  }

  #settle(state: Exclude<State<Session>, { kind: 'pending' }>): void {
    this.#state = state;
    const waiting = this.#waiting.sort((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0));
    this.#waiting = [];
    for (const waiter of waiting) {
      if (state.kind === 'done') waiter.resolve(state.session);
      else waiter.reject(state.failure);
    }
  }
}
