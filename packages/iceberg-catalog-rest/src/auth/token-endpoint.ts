import { IcebergError } from '@danube/iceberg';
import {
  type CallPolicy,
  createCallPolicy,
  type Failure,
  parseRetryAfter,
  ResilienceError,
} from '@danube/resilience';
import { Agent, request as send } from 'undici';
import { invalidOption } from '../option-checks.ts';
import type { ResolvedOAuth2Options } from './oauth2-options.ts';
import { safeCause } from './safe-cause.ts';
import { type IssuedToken, readTokenReply, tokenFacts } from './token-reply.ts';
import type { TokenRequest } from './token-request.ts';

const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_REPLY_BYTES = 1024 * 1024;

/** The way to a token endpoint: requests are repeated as its call policy allows, and never follow a redirect. */
export class TokenEndpoint {
  readonly #uri: URL;
  readonly #nowMs: () => number;
  readonly #policy: CallPolicy;
  readonly #agent = new Agent();
  /** How long the server asked to be left alone, of the errors of attempts. */
  readonly #retryAfterMs = new WeakMap<IcebergError, number>();

  /** Throws `INVALID_ARGUMENT` for settings that `@danube/resilience` refuses. */
  constructor({ tokenUri, resilience, onEvent, components }: ResolvedOAuth2Options) {
    this.#uri = tokenUri;
    this.#nowMs = components.nowMs;
    try {
      this.#policy = createCallPolicy({
        name: tokenUri.host,
        timeoutMs: DEFAULT_TIMEOUT_MS,
        ...resilience,
        ...(onEvent && { onEvent }),
        ...(components.random && { components: { random: components.random } }),
      });
    } catch (error) {
      if (ResilienceError.is(error)) throw invalidOption('OAuth2', 'resilience', error.message);
      throw error;
    }
  }

  /**
   * Asks for a token. `ACCESS_DENIED` if the server refuses, `CATALOG_UNAVAILABLE` if it gives none, both without
   * anything secret. Rejects with the signal's reason when it fires.
   */
  async ask(request: TokenRequest, signal: AbortSignal): Promise<IssuedToken> {
    try {
      return await this.#policy.execute((attempt) => this.#attempt(request, attempt.signal), {
        operation: request.operation,
        signal,
        classify: (error) => this.#classify(error),
      });
    } catch (error) {
      if (!ResilienceError.is(error)) throw error;
      if (error.code === 'ABORTED') throw signal.reason;
      const late = error.code === 'TIMEOUT' ? 'did not answer in time' : 'failed too often, is left alone';
      throw new IcebergError('CATALOG_UNAVAILABLE', `the token endpoint ${late}`, {
        context: tokenFacts(this.#uri, request),
        cause: error,
      });
    }
  }

  /** Ends all connections, those in use too. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #attempt(request: TokenRequest, signal: AbortSignal): Promise<IssuedToken> {
    const { status, retryAfter, body } = await this.#send(request, signal);
    try {
      return readTokenReply({ status, body }, this.#uri, request);
    } catch (error) {
      const waitMs = parseRetryAfter(retryAfter, this.#nowMs());
      if (IcebergError.is(error) && waitMs !== undefined) this.#retryAfterMs.set(error, waitMs);
      throw error;
    }
  }

  async #send(request: TokenRequest, signal: AbortSignal) {
    try {
      const response = await send(this.#uri, {
        method: 'POST',
        headers: {
          ...request.headers,
          'content-type': 'application/x-www-form-urlencoded',
          accept: 'application/json',
        },
        body: request.form.toString(),
        dispatcher: this.#agent,
        signal,
      });
      const retryAfter = response.headers['retry-after'];
      return {
        status: response.statusCode,
        retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined,
        body: await readText(response.body),
      };
    } catch (cause) {
      throw new IcebergError('CATALOG_UNAVAILABLE', 'the token endpoint could not be asked', {
        context: tokenFacts(this.#uri, request),
        cause: safeCause(cause, request.secrets),
      });
    }
  }

  #classify(error: unknown): Failure {
    // Only a time-out is not ours.
    if (!IcebergError.is(error)) return { retry: true, endpointFault: true };
    return {
      retry: error.retryable,
      endpointFault: error.code === 'CATALOG_UNAVAILABLE',
      retryAfterMs: this.#retryAfterMs.get(error),
    };
  }
}

async function readText(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_REPLY_BYTES) throw new Error(`the reply is longer than ${MAX_REPLY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
