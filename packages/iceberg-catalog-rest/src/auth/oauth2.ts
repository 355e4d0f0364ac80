import { IcebergError } from '@danube/iceberg';
import { checkedText, invalidOption } from '../option-checks.ts';
import { askCaller } from './ask-caller.ts';
import { type OAuth2Options, type ResolvedOAuth2Options, resolveOAuth2Options } from './oauth2-options.ts';
import { type AuthRequest, bearerHeader, type RestAuth } from './rest-auth.ts';
import { TokenEndpoint } from './token-endpoint.ts';
import {
  ACCESS_TOKEN_TYPE,
  clientCredentialsRequest,
  type TokenRequest,
  tokenExchangeRequest,
} from './token-request.ts';
import { TokenSource } from './token-source.ts';

/** Needs `tokenUri`, and `credential` or `clientSecret`. */
export interface OAuth2ClientCredentialsOptions extends OAuth2Options {}

/** A token that is exchanged: as text, or asked for each time, as one that is kept in a file must be. */
export type TokenSupply = string | (() => Promise<string>);

/** Needs `tokenUri` and `subjectToken`; a client's credential only where the identity provider demands it. */
export interface OAuth2TokenExchangeOptions extends OAuth2Options {
  /**
   * Proves for whom the catalog is called. A function is asked for every exchange, and has a minute for its answer; space
   * around that is cut off.
   */
  readonly subjectToken: TokenSupply;
  /** Default: `urn:ietf:params:oauth:token-type:access_token`. */
  readonly subjectTokenType?: string | undefined;
  /** Proves who acts on behalf of that subject. Default: nobody. */
  readonly actorToken?: TokenSupply | undefined;
  /** Default: `urn:ietf:params:oauth:token-type:access_token`. No effect without `actorToken`. */
  readonly actorTokenType?: string | undefined;
  /** Which kind of token is wanted. Default: the identity provider's choice. */
  readonly requestedTokenType?: string | undefined;
}

/**
 * Bearer tokens that an identity provider gives to this client (OAuth2 client credentials). Fetched with the first
 * request, renewed before they end (a tenth of their life, at most five minutes before) and when the catalog refuses
 * them. Sends nothing yet. Throws `INVALID_ARGUMENT`, which shows no value.
 */
export function oauth2ClientCredentials(options: OAuth2ClientCredentialsOptions): RestAuth {
  const what = 'oauth2ClientCredentials';
  const resolved = resolveOAuth2Options(what, options);
  if (resolved.client.secret === undefined) {
    throw invalidOption(what, 'credential', 'there, and neither is clientSecret');
  }
  return new OAuth2(resolved, async () => clientCredentialsRequest(resolved));
}

/**
 * Bearer tokens that an identity provider gives in exchange for another token (RFC 8693). Otherwise as
 * `oauth2ClientCredentials`.
 */
export function oauth2TokenExchange(options: OAuth2TokenExchangeOptions): RestAuth {
  const what = 'oauth2TokenExchange';
  const own = ['subjectToken', 'subjectTokenType', 'actorToken', 'actorTokenType', 'requestedTokenType'];
  const resolved = resolveOAuth2Options(what, options, own);
  const { subjectToken, actorToken } = options;
  const subjectType = checkedText(what, 'subjectTokenType', options.subjectTokenType) ?? ACCESS_TOKEN_TYPE;
  const actorType = checkedText(what, 'actorTokenType', options.actorTokenType) ?? ACCESS_TOKEN_TYPE;
  const wanted = checkedText(what, 'requestedTokenType', options.requestedTokenType);
  const subject = checkedSupply(what, 'subjectToken', subjectToken);
  const actor = actorToken === undefined ? undefined : checkedSupply(what, 'actorToken', actorToken);
  return new OAuth2(resolved, async () =>
    tokenExchangeRequest(
      resolved,
      { token: await subject(), type: subjectType },
      actor && { token: await actor(), type: actorType },
      wanted,
    ),
  );
}

function checkedSupply(what: string, option: string, supply: TokenSupply): () => Promise<string> {
  if (typeof supply === 'string' && supply !== '') return async () => supply;
  if (typeof supply !== 'function')
    throw invalidOption(what, option, 'a token, or a function that gives one');
  return async () => {
    const gaveNone = `${what}: ${option} gave no token`;
    const token = await askCaller(gaveNone, supply);
    // A file often ends in a line end.
    if (typeof token === 'string' && token.trim() !== '') return token.trim();
    throw new IcebergError('ACCESS_DENIED', gaveNone, { context: { option } });
  };
}

class OAuth2 implements RestAuth {
  readonly #endpoint: TokenEndpoint;
  readonly #source: TokenSource;
  /** Which token a request had, by its signal. */
  readonly #sent = new WeakMap<AbortSignal, string>();

  constructor(options: ResolvedOAuth2Options, firstRequest: () => Promise<TokenRequest>) {
    const endpoint = new TokenEndpoint(options);
    this.#endpoint = endpoint;
    this.#source = new TokenSource(
      async (previous, signal) => {
        if (previous !== undefined && options.refreshBy === 'token-exchange') {
          try {
            return await endpoint.ask(tokenExchangeRequest(options, previous), signal);
          } catch (error) {
            // Only a refusal says that this token cannot be exchanged.
            if (!IcebergError.is(error, 'ACCESS_DENIED')) throw error;
          }
        }
        return endpoint.ask(await firstRequest(), signal);
      },
      options.components,
      options.assumedLifetimeMs,
    );
  }

  async authorize(request: AuthRequest): Promise<Readonly<Record<string, string>>> {
    const token = await this.#source.current(request.signal);
    this.#sent.set(request.signal, token);
    return bearerHeader(request, token);
  }

  /** Fetches nothing: the next `authorize` does. */
  async renew(signal: AbortSignal): Promise<boolean> {
    return this.#source.refuse(this.#sent.get(signal));
  }

  async close(): Promise<void> {
    this.#source.close();
    await this.#endpoint.close();
  }
}
