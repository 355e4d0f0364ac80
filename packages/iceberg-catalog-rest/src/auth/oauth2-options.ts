import type { CallEvent, CallPolicyOptions } from '@danube/resilience';
import { checkedText, invalidOption, refuseUnknownOptions } from '../option-checks.ts';
import { type ClientCredential, resolveClientCredential } from './client-credential.ts';

/** What tokens come from, for both grants. Only `tokenUri` is needed. */
export interface OAuth2Options {
  /**
   * The token endpoint of the identity provider, such as `https://idp.example.com/oauth2/token`. Catalogs have one at
   * `/v1/oauth/tokens`, which the Iceberg specification is about to remove. Without user name and fragment.
   */
  readonly tokenUri: string;
  /** Client id and secret in one, as other Iceberg clients take it: `id:secret`, or a secret alone. */
  readonly credential?: string | undefined;
  /** Instead of `credential`. */
  readonly clientId?: string | undefined;
  /** Instead of `credential`. */
  readonly clientSecret?: string | undefined;
  /**
   * How the client proves itself: `body` sends id and secret as fields of the form, as Iceberg clients do; `basic` as
   * `Authorization: Basic`, which some identity providers demand. Default `body`.
   */
  readonly clientAuthentication?: 'body' | 'basic' | undefined;
  /** What the token shall be good for. Default `catalog`; an empty text asks for nothing in particular. */
  readonly scope?: string | undefined;
  /** For identity providers that want to know for whom the token is. Default: none. */
  readonly audience?: string | undefined;
  /** URI of the service the token is for (RFC 8707). Default: none. */
  readonly resource?: string | undefined;
  /**
   * How a token that is about to end is replaced: `same-grant` asks as for the first one; `token-exchange` exchanges
   * it, and asks as for the first one when it has ended or was refused. Default `same-grant`.
   */
  readonly refreshBy?: 'same-grant' | 'token-exchange' | undefined;
  /**
   * Lifetime of tokens of which the server says none, in milliseconds. Default 3,600,000; above 0, `Infinity` for
   * tokens that do not end. Only decides when to renew: a token that ends earlier is replaced when it is refused.
   */
  readonly assumedLifetimeMs?: number | undefined;
  /**
   * Retries, time limit of an attempt (default 10,000 ms) and circuit breaker of the token endpoint. Everything but a
   * refusal is tried again: asking for a token twice does no harm.
   */
  readonly resilience?: Pick<CallPolicyOptions, 'retry' | 'timeoutMs' | 'breaker'> | undefined;
  /** Told of retries, time-outs and changes of the breaker. What it throws is dropped. Events hold no secrets. */
  readonly onEvent?: ((event: CallEvent) => void) | undefined;
  readonly components?: OAuth2Components | undefined;
}

/** What tests supply. */
export interface OAuth2Components {
  /** Milliseconds since the epoch. Default `Date.now`. Used beside `elapsedMs`, whichever has gone further. */
  readonly nowMs?: (() => number) | undefined;
  /** Milliseconds of a clock that nobody sets. Default `performance.now`. */
  readonly elapsedMs?: (() => number) | undefined;
  /** Numbers in [0, 1) for the spread of waits. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** {@link OAuth2Options} checked and with nothing left open. */
export interface ResolvedOAuth2Options {
  readonly tokenUri: URL;
  readonly client: ClientCredential;
  readonly scope: string | undefined;
  readonly audience: string | undefined;
  readonly resource: string | undefined;
  readonly refreshBy: 'same-grant' | 'token-exchange';
  readonly assumedLifetimeMs: number;
  readonly resilience: NonNullable<OAuth2Options['resilience']>;
  readonly onEvent: ((event: CallEvent) => void) | undefined;
  readonly components: { readonly nowMs: () => number; readonly elapsedMs: () => number } & OAuth2Components;
}

const known: Readonly<Record<keyof OAuth2Options, true>> = {
  tokenUri: true,
  credential: true,
  clientId: true,
  clientSecret: true,
  clientAuthentication: true,
  scope: true,
  audience: true,
  resource: true,
  refreshBy: true,
  assumedLifetimeMs: true,
  resilience: true,
  onEvent: true,
  components: true,
};

/** Checks what both grants have. `more` are further options that are known. Errors: `INVALID_ARGUMENT`. */
export function resolveOAuth2Options(
  what: string,
  options: OAuth2Options,
  more: readonly string[] = [],
): ResolvedOAuth2Options {
  refuseUnknownOptions(what, options, [...Object.keys(known), ...more]);
  const { resilience = {}, components = {}, refreshBy = 'same-grant' } = options;
  refuseUnknownOptions(`${what}: resilience`, resilience, ['retry', 'timeoutMs', 'breaker']);
  refuseUnknownOptions(`${what}: components`, components, ['nowMs', 'elapsedMs', 'random']);
  if (refreshBy !== 'same-grant' && refreshBy !== 'token-exchange') {
    throw invalidOption(what, 'refreshBy', 'same-grant or token-exchange');
  }
  const assumedLifetimeMs = options.assumedLifetimeMs ?? 3_600_000;
  if (!(assumedLifetimeMs > 0)) throw invalidOption(what, 'assumedLifetimeMs', 'above 0');
  const scope = options.scope ?? 'catalog';
  return {
    tokenUri: checkedTokenUri(what, options.tokenUri),
    client: resolveClientCredential(what, options),
    scope: scope === '' ? undefined : checkedText(what, 'scope', scope),
    audience: checkedText(what, 'audience', options.audience),
    resource: checkedText(what, 'resource', options.resource),
    refreshBy,
    assumedLifetimeMs,
    resilience,
    onEvent: options.onEvent,
    components: {
      ...components,
      nowMs: components.nowMs ?? Date.now,
      elapsedMs: components.elapsedMs ?? (() => performance.now()),
    },
  };
}

function checkedTokenUri(what: string, text: string): URL {
  const uri = typeof text === 'string' ? URL.parse(text) : null;
  const plain = uri !== null && uri.username === '' && uri.password === '' && uri.hash === '';
  // Not shown: a URI that is refused may be refused for the password in it.
  if (plain && /^https?:$/.test(uri.protocol)) return uri;
  throw invalidOption(what, 'tokenUri', 'an http: or https: URI without user name and fragment');
}
