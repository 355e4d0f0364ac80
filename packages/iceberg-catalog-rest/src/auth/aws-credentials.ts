import { IcebergError } from '@danube/iceberg';
import { safeCause } from './safe-cause.ts';

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
 * `@aws-sdk/credential-providers`. Callers at the same time share one call of it.
 */
export type AwsCredentialsProvider = AwsCredentials | (() => Promise<AwsCredentials>);

const EARLY_MS = 5 * 60_000;

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

  /** The keys to sign with now; new ones five minutes before the end, or at half of a shorter life. */
  async current(): Promise<AwsCredentials> {
    if (this.#held !== undefined && this.#nowMs() < this.#renewAtMs) return this.#held;
    this.#pending ??= this.#renew().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  /** The keys were refused. */
  forget(): void {
    this.#held = undefined;
  }

  async #renew(): Promise<AwsCredentials> {
    const before = this.#held;
    try {
      const given = await this.#provide();
      const endsAtMs = given.expiration?.getTime();
      if (!isKey(given.accessKeyId) || !isKey(given.secretAccessKey) || Number.isNaN(endsAtMs)) {
        throw new Error('there is no accessKeyId, no secretAccessKey, or an expiration that is no date');
      }
      const nowMs = this.#nowMs();
      this.#renewAtMs =
        endsAtMs === undefined ? nowMs : endsAtMs - Math.min(EARLY_MS, Math.max(0, endsAtMs - nowMs) / 2);
      this.#held = given;
      return given;
    } catch (error) {
      // Early renewal is there so that it may fail.
      if (
        before?.expiration !== undefined &&
        this.#held === before &&
        this.#nowMs() < before.expiration.getTime()
      )
        return before;
      throw new IcebergError('ACCESS_DENIED', 'there are no AWS credentials to sign requests with', {
        cause: safeCause(error),
      });
    }
  }
}

function isKey(text: unknown): boolean {
  return typeof text === 'string' && text !== '';
}
