import { basicAuthorization } from './client-credential.ts';
import type { ResolvedOAuth2Options } from './oauth2-options.ts';

/** Type of an OAuth2 access token, in the registry of RFC 8693. */
export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';

const TOKEN_EXCHANGE_GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';

/** A token and what kind of token it is. */
export interface TypedToken {
  readonly token: string;
  readonly type: string;
}

/** A request to a token endpoint. */
export interface TokenRequest {
  /** As events and errors name it. */
  readonly operation: string;
  readonly form: URLSearchParams;
  /** Without content type. */
  readonly headers: Readonly<Record<string, string>>;
  /** Every text of it that must not be seen. */
  readonly secrets: readonly string[];
}

/** Asks for a token as the client itself (RFC 6749 section 4.4). */
export function clientCredentialsRequest(options: ResolvedOAuth2Options): TokenRequest {
  return tokenRequest('client credentials', options, [['grant_type', 'client_credentials']]);
}

/** Asks for a token in exchange for another one (RFC 8693). */
export function tokenExchangeRequest(
  options: ResolvedOAuth2Options,
  subject: TypedToken,
  actor?: TypedToken,
  requestedTokenType?: string,
): TokenRequest {
  const fields: [string, string | undefined][] = [
    ['grant_type', TOKEN_EXCHANGE_GRANT],
    ['subject_token', subject.token],
    ['subject_token_type', subject.type],
    ['actor_token', actor?.token],
    ['actor_token_type', actor?.type],
    ['requested_token_type', requestedTokenType],
  ];
  return tokenRequest('token exchange', options, fields, [subject.token, ...(actor ? [actor.token] : [])]);
}

function tokenRequest(
  operation: string,
  { client, scope, audience, resource }: ResolvedOAuth2Options,
  grant: readonly [string, string | undefined][],
  tokens: readonly string[] = [],
): TokenRequest {
  const form = new URLSearchParams();
  const add = (name: string, value: string | undefined) => value !== undefined && form.set(name, value);
  for (const [name, value] of grant) add(name, value);
  add('scope', scope);
  add('audience', audience);
  add('resource', resource);
  const headers: Record<string, string> = {};
  const secrets = [...tokens];
  if (client.secret !== undefined) secrets.push(client.secret);
  if (client.authentication === 'basic' && client.id !== undefined && client.secret !== undefined) {
    headers['authorization'] = basicAuthorization(client.id, client.secret);
    secrets.push(headers['authorization'].slice('Basic '.length));
  } else {
    add('client_id', client.id);
    add('client_secret', client.secret);
  }
  return { operation, form, headers, secrets };
}
