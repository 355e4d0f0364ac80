import { askCaller } from './ask-caller.ts';

/** Keys to sign requests with, in the shape of the AWS SDK's credential providers. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary keys. */
  readonly sessionToken?: string | undefined;
  /** When they end. Without it the provider is asked for every request. */
  readonly expiration?: Date | undefined;
}

/**
 * Keys that do not change, or a function that gives them, such as `fromNodeProviderChain()` of
 * `@aws-sdk/credential-providers`. Callers at the same time share one call of it, which has a minute for its answer.
 */
export type AwsCredentialsProvider = AwsCredentials | (() => Promise<AwsCredentials>);

const EARLY_MS = 5 * 60_000;
/** The longest wait after a renewal ahead of time that failed. */
const RENEWALS_APART_MS = 10_000;

/** The keys in use. */
export class AwsCredentialsSource {
  readonly #provide: () => Promise<AwsCredentials>;
  readonly #nowMs: () => number;
  /** False for keys that do not change. */
  readonly canRenew: boolean;
  #held: AwsCredentials | undefined;
  #renewAtMs = Number.NEGATIVE_INFINITY;
  #pending: Promise<AwsCredentials> | undefined;

  constructor(provider: AwsCredentialsProvider, nowMs: () => number) {
    this.canRenew = typeof provider === 'function';
    this.#provide = typeof provider === 'function' ? provider : async () => provider;
    this.#nowMs = nowMs;
  }

  /**
   * The keys to sign with now. New ones are asked for five minutes before the end, or at half of a shorter life, beside
   * the calls: nobody waits for them while the old ones last.
   */
  async current(): Promise<AwsCredentials> {
    const held = this.#held;
    const nowMs = this.#nowMs();
    // Of keys that do not say when they end nobody knows whether they last.
    if (held?.expiration === undefined || nowMs >= held.expiration.getTime()) return this.#renew();
    if (nowMs >= this.#renewAtMs) {
      this.#renew().catch(() => {
        this.#renewAtMs = this.#nowMs() + RENEWALS_APART_MS;
      });
    }
    return held;
  }

  /** These keys were refused, or it is over: whoever comes late was refused with keys that have been replaced since. */
  forget(keys: AwsCredentials | undefined = this.#held): void {
    if (keys === this.#held) this.#held = undefined;
  }

  #renew(): Promise<AwsCredentials> {
    this.#pending ??= this.#ask().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  async #ask(): Promise<AwsCredentials> {
    const keys = await askCaller('there are no AWS credentials to sign requests with', async () =>
      checked(await this.#provide()),
    );
    const endsAtMs = keys.expiration?.getTime() ?? Number.POSITIVE_INFINITY;
    this.#renewAtMs = endsAtMs - Math.min(EARLY_MS, (endsAtMs - this.#nowMs()) / 2);
    this.#held = keys;
    return keys;
  }
}

function checked(given: AwsCredentials): AwsCredentials {
  const { accessKeyId, secretAccessKey, expiration } = given;
  if (isKey(accessKeyId) && isKey(secretAccessKey) && !Number.isNaN(expiration?.getTime())) return given;
  throw new Error('there is no accessKeyId, no secretAccessKey, or an expiration that is no date');
}

function isKey(text: unknown): boolean {
  return typeof text === 'string' && text !== '';
}
