import { IcebergError } from '@danube/iceberg';
import { startTokenAge, type TokenClocks } from './token-age.ts';
import type { IssuedToken } from './token-reply.ts';
import type { TypedToken } from './token-request.ts';

/**
 * Gets a token. `previous` is the one in use where that has not ended and was not refused.
 * `signal` fires when nobody needs it any more.
 */
export type FetchToken = (previous: TypedToken | undefined, signal: AbortSignal) => Promise<IssuedToken>;

const EARLY_MS = 5 * 60_000;
const EARLY_PART = 0.1;
/** The longest wait after a renewal ahead of time that failed. */
const RENEWALS_APART_MS = 10_000;
/** A catalog that refuses every token must not make us ask for new ones all the time. */
const REFUSALS_APART_MS = 1_000;

/**
 * The token in use. Callers at the same time share one request for it. It is renewed on demand, by the first call in
 * the last part of its life, beside the calls: nobody waits for a new token while the old one lasts, and there are no
 * timers.
 */
export class TokenSource {
  readonly #fetch: FetchToken;
  readonly #clocks: TokenClocks;
  readonly #assumedLifetimeMs: number;
  readonly #closed = new AbortController();
  #held: HeldToken | undefined;
  #pending: Promise<HeldToken> | undefined;
  #refused = false;

  constructor(fetch: FetchToken, clocks: TokenClocks, assumedLifetimeMs: number) {
    this.#fetch = fetch;
    this.#clocks = clocks;
    this.#assumedLifetimeMs = assumedLifetimeMs;
  }

  /** The token to send now. Rejects with what fetching rejects with, and with the signal's reason when it fires. */
  async current(signal: AbortSignal): Promise<string> {
    this.#checkOpen();
    const held = this.#held;
    if (held === undefined || held.hasEnded()) return (await unlessAborted(this.#renew(), signal)).token;
    if (held.isToBeRenewed()) this.#renew().catch(() => held.postponeRenewal());
    return held.token;
  }

  /**
   * The catalog refused a token, or the one in use if none is given. True if `current` gives another one now, or will
   * have fetched one; false if the token in use was itself fetched after a refusal, just now.
   */
  refuse(token: string | undefined): boolean {
    const held = this.#held;
    // Whoever comes late was refused with a token that has been replaced meanwhile.
    if (held === undefined || (token !== undefined && token !== held.token)) return true;
    if (held.followsRefusal && held.ageMs() < REFUSALS_APART_MS) return token === undefined;
    this.#held = undefined;
    this.#refused = true;
    return true;
  }

  /** Ends a fetch that is under way; `current` rejects from now on. */
  close(): void {
    this.#held = undefined;
    this.#closed.abort(closedError());
  }

  #renew(): Promise<HeldToken> {
    this.#pending ??= this.#fetchToken().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  async #fetchToken(): Promise<HeldToken> {
    const previous = this.#held?.hasEnded() === false ? this.#held : undefined;
    const ageMs = startTokenAge(this.#clocks);
    const { signal } = this.#closed;
    const issued = await unlessAborted(this.#fetch(previous, signal), signal);
    this.#held = new HeldToken(issued, ageMs, issued.lifetimeMs ?? this.#assumedLifetimeMs, this.#refused);
    this.#refused = false;
    return this.#held;
  }

  #checkOpen(): void {
    if (this.#closed.signal.aborted) throw this.#closed.signal.reason;
  }
}

class HeldToken implements TypedToken {
  readonly token: string;
  readonly type: string;
  readonly ageMs: () => number;
  readonly followsRefusal: boolean;
  readonly #lifetimeMs: number;
  #renewAtMs: number;

  constructor(issued: TypedToken, ageMs: () => number, lifetimeMs: number, followsRefusal: boolean) {
    this.token = issued.token;
    this.type = issued.type;
    this.ageMs = ageMs;
    this.followsRefusal = followsRefusal;
    this.#lifetimeMs = lifetimeMs;
    this.#renewAtMs = lifetimeMs - Math.min(EARLY_MS, lifetimeMs * EARLY_PART);
  }

  hasEnded(): boolean {
    return this.ageMs() >= this.#lifetimeMs;
  }

  isToBeRenewed(): boolean {
    return this.ageMs() >= this.#renewAtMs;
  }

  postponeRenewal(): void {
    const ageMs = this.ageMs();
    this.#renewAtMs = ageMs + Math.min(RENEWALS_APART_MS, (this.#lifetimeMs - ageMs) / 2);
  }
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  // Whoever gave up waiting leaves the request to the others; its failure is theirs.
  promise.catch(() => {});
  signal.throwIfAborted();
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function closedError(): IcebergError {
  return new IcebergError('CATALOG_UNAVAILABLE', 'the catalog is closed, and its authentication with it', {
    retryable: false,
  });
}
