import { ObjectStoreError } from '../../errors.ts';

/** Keys that do not change. */
export interface S3StaticCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary keys. Default: none. */
  readonly sessionToken?: string | undefined;
}

/** Keys from somebody who hands them out (a catalog, a token service). */
export interface S3VendedCredentials extends S3StaticCredentials {
  /**
   * When they end, in milliseconds since the epoch. New ones are asked for five minutes before, or when they are half
   * used up if they live less than ten. Default: they are used until the server refuses them.
   */
  readonly expiresAtMs?: number | undefined;
}

/**
 * Where keys come from:
 *
 * - `default-chain`: what the AWS SDK finds: environment variables, the shared configuration files, web identity
 *   tokens, the metadata services of containers and instances.
 * - `anonymous`: requests are not signed; for public buckets.
 * - static keys.
 * - a function that hands out keys. Never called twice at once, unless a call has not answered within
 *   `requestTimeoutMs`, which counts as a failure. It is asked again before its keys end, which no request waits for, and
 *   once more when the server refuses them. What it throws becomes the cause of `UNAUTHENTICATED`, by name and message only.
 */
export type S3Credentials =
  | 'default-chain'
  | 'anonymous'
  | S3StaticCredentials
  | (() => Promise<S3VendedCredentials>);

/** Keys as the AWS SDK takes them. */
export interface Identity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** The keys in use. */
export interface CredentialSource {
  /** The keys to sign with now; fetches them if there are none or they are about to end. */
  current(): Promise<Identity>;
  /** Counts the keys fetched so far: says which ones an attempt was signed with. */
  readonly generation: number;
  /**
   * The server refused the keys of that generation. True if another attempt would be signed with other ones: they have
   * been fetched already, or will be. False if these were fetched for that reason just now.
   */
  refuse(generation: number): boolean;
}

/** Keys that have just been handed out are used for so long even if they have ended by our clock, which may be wrong. */
const SHORTEST_MS = 1000;
/** How long keys that could not be renewed early are used before that is tried again. */
const RENEWALS_APART_MS = 10_000;
/** A server that refuses whatever keys it is shown must not make us ask for new ones all the time. */
const REFUSALS_APART_MS = 10_000;
const EARLY_MS = 5 * 60_000;

/**
 * Keeps the keys that `fetch` hands out, for as long as they last. Callers at the same time share one fetch; one that
 * fails, or takes longer than `limitMs`, is not remembered. Errors of `current`: what `fetch` throws; `TIMEOUT`.
 */
export function createCredentialSource(
  fetch: (refused: boolean) => Promise<Identity>,
  limitMs: number,
): CredentialSource {
  return new CachedSource(fetch, limitMs);
}

/** What makes keys unusable, if anything: they go into headers. `expiresAtMs` may be wrong, too. */
export function faultOfKeys(keys: Readonly<Record<keyof S3VendedCredentials, unknown>>): string | undefined {
  const { accessKeyId, secretAccessKey, sessionToken, expiresAtMs } = keys;
  if (!isHeaderText(accessKeyId)) return 'accessKeyId is not printable ASCII without spaces';
  if (typeof secretAccessKey !== 'string' || secretAccessKey === '') return 'secretAccessKey is no text';
  if (sessionToken !== undefined && !isHeaderText(sessionToken))
    return 'sessionToken is not printable ASCII without spaces';
  const isTime = typeof expiresAtMs === 'number' && !Number.isNaN(new Date(expiresAtMs).getTime());
  return expiresAtMs === undefined || isTime ? undefined : 'expiresAtMs is no time in milliseconds';
}

function isHeaderText(value: unknown): boolean {
  return typeof value === 'string' && /^[!-~]+$/.test(value);
}

class CachedSource implements CredentialSource {
  readonly #fetch: (refused: boolean) => Promise<Identity>;
  readonly #limitMs: number;
  #identity: Identity | undefined;
  #renewAtMs = Number.POSITIVE_INFINITY;
  #endsAtMs = Number.POSITIVE_INFINITY;
  #pending: Promise<Identity> | undefined;
  /** By a clock that nobody sets: after a jump of the other one keys would not be renewed for as long. */
  #refusedAtMs = Number.NEGATIVE_INFINITY;
  #fetches = 0;
  #refused = false;
  #generation = 0;

  constructor(fetch: (refused: boolean) => Promise<Identity>, limitMs: number) {
    this.#fetch = fetch;
    this.#limitMs = limitMs;
  }

  get generation(): number {
    return this.#generation;
  }

  async current(): Promise<Identity> {
    const identity = this.#identity;
    if (identity !== undefined && Date.now() < this.#renewAtMs) return identity;
    this.#pending ??= this.#renew().finally(() => {
      this.#pending = undefined;
    });
    if (identity === undefined || Date.now() >= this.#endsAtMs) return this.#pending;
    // Its failure is that of the calls after the end of these keys.
    this.#pending.catch(() => {});
    return identity;
  }

  refuse(generation: number): boolean {
    // Somebody else has noticed that already, whether the new keys have come or not.
    if (generation !== this.#generation || this.#identity === undefined) return true;
    if (performance.now() - this.#refusedAtMs < REFUSALS_APART_MS) return false;
    this.#refusedAtMs = performance.now();
    this.#refused = true;
    this.#identity = undefined;
    return true;
  }

  async #renew(): Promise<Identity> {
    const before = this.#identity;
    this.#fetches += 1;
    const number = this.#fetches;
    try {
      const fetched = this.#fetch(this.#refused).then((identity) => {
        // Late keys are taken, but not after others were asked for.
        if (number === this.#fetches) this.#take(identity);
        return identity;
      });
      return await within(this.#limitMs, fetched);
    } catch (error) {
      // Early renewal is there so that it may fail: the keys of before are good to their end.
      if (before === undefined || this.#identity !== before || Date.now() >= this.#endsAtMs) throw error;
      this.#renewAtMs = Math.min(Date.now() + RENEWALS_APART_MS, this.#endsAtMs);
      return before;
    }
  }

  #take(identity: Identity): void {
    const nowMs = Date.now();
    const endsAtMs = identity.expiration?.getTime() ?? Number.POSITIVE_INFINITY;
    const renewAtMs = endsAtMs - Math.min(EARLY_MS, (endsAtMs - nowMs) / 2);
    this.#endsAtMs = Math.max(endsAtMs, nowMs + SHORTEST_MS);
    this.#renewAtMs = Math.max(renewAtMs, nowMs + SHORTEST_MS);
    this.#identity = identity;
    this.#refused = false;
    this.#generation += 1;
  }
}

/** Rejects with `TIMEOUT` if the keys do not come in time; what becomes of them later is not waited for. */
async function within(limitMs: number, fetched: Promise<Identity>): Promise<Identity> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const message = `no keys to sign with came for ${limitMs} ms`;
      reject(new ObjectStoreError('TIMEOUT', message, { context: { timeoutMs: limitMs }, retryable: true }));
    }, limitMs);
  });
  try {
    return await Promise.race([fetched, late]);
  } finally {
    clearTimeout(timer);
  }
}
