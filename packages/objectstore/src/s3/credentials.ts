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
 * - a function that hands out keys. Never called twice at once. It is asked again before its keys end, and once more
 *   when the server refuses them. What it throws becomes the cause of `UNAUTHENTICATED`, by name and message only.
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

/** How long keys that could not be renewed early are used before that is tried again. */
const RENEWALS_APART_MS = 10_000;
/** A server that refuses whatever keys it is shown must not make us ask for new ones all the time. */
const REFUSALS_APART_MS = 10_000;
const EARLY_MS = 5 * 60_000;

/**
 * Keeps the keys that `fetch` hands out, for as long as they last. Callers at the same time share one fetch; one that
 * fails is not remembered.
 */
export function createCredentialSource(
  fetch: (refused: boolean) => Promise<Identity>,
  nowMs = Date.now,
): CredentialSource {
  return new CachedSource(fetch, nowMs);
}

class CachedSource implements CredentialSource {
  readonly #fetch: (refused: boolean) => Promise<Identity>;
  readonly #nowMs: () => number;
  #identity: Identity | undefined;
  #renewAtMs = Number.POSITIVE_INFINITY;
  #endsAtMs = Number.POSITIVE_INFINITY;
  #pending: Promise<Identity> | undefined;
  #refusedAtMs = Number.NEGATIVE_INFINITY;
  #refused = false;
  #generation = 0;

  constructor(fetch: (refused: boolean) => Promise<Identity>, nowMs: () => number) {
    this.#fetch = fetch;
    this.#nowMs = nowMs;
  }

  get generation(): number {
    return this.#generation;
  }

  async current(): Promise<Identity> {
    if (this.#identity !== undefined && this.#nowMs() < this.#renewAtMs) return this.#identity;
    this.#pending ??= this.#renew().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  refuse(generation: number): boolean {
    // Somebody else has noticed that already, whether the new keys have come or not.
    if (generation !== this.#generation || this.#identity === undefined) return true;
    if (this.#nowMs() - this.#refusedAtMs < REFUSALS_APART_MS) return false;
    this.#refusedAtMs = this.#nowMs();
    this.#refused = true;
    this.#identity = undefined;
    return true;
  }

  async #renew(): Promise<Identity> {
    const before = this.#identity;
    let identity: Identity;
    try {
      identity = await this.#fetch(this.#refused);
    } catch (error) {
      // Early renewal is there so that it may fail: the keys of before are good to their end.
      if (before === undefined || this.#identity !== before || this.#nowMs() >= this.#endsAtMs) throw error;
      this.#renewAtMs = Math.min(this.#nowMs() + RENEWALS_APART_MS, this.#endsAtMs);
      return before;
    }
    const nowMs = this.#nowMs();
    this.#endsAtMs = identity.expiration?.getTime() ?? Number.POSITIVE_INFINITY;
    this.#renewAtMs = this.#endsAtMs - Math.min(EARLY_MS, Math.max(0, this.#endsAtMs - nowMs) / 2);
    this.#identity = identity;
    this.#refused = false;
    this.#generation += 1;
    return identity;
  }
}
