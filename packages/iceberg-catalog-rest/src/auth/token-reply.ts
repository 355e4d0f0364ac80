import { IcebergError } from '@danube/iceberg';
import { redact } from './redact.ts';
import { isHeaderToken } from './rest-auth.ts';
import { ACCESS_TOKEN_TYPE, type TokenRequest, type TypedToken } from './token-request.ts';

/** A token as a token endpoint issued it. */
export interface IssuedToken extends TypedToken {
  /** Counted from when it was asked for; `undefined` if the server says nothing. */
  readonly lifetimeMs: number | undefined;
}

/** What a token endpoint answered. */
export interface TokenReply {
  readonly status: number;
  readonly body: string;
}

/** Facts for errors of a request to a token endpoint: which endpoint (without its query), and what was asked. */
export function tokenFacts(tokenUri: URL, { operation }: TokenRequest): Record<string, unknown> {
  return { tokenUri: `${tokenUri.origin}${tokenUri.pathname}`, grant: operation };
}

/**
 * Reads a reply. Throws `ACCESS_DENIED` for a refusal, with `error` and `error_description` of the server in its
 * context; `UNSUPPORTED_FEATURE` for a token that is no bearer token; `CATALOG_UNAVAILABLE` for everything that is
 * neither token nor refusal.
 */
export function readTokenReply(reply: TokenReply, tokenUri: URL, request: TokenRequest): IssuedToken {
  const fields = parseFields(reply.body);
  const { access_token: token, token_type: use, issued_token_type: type } = fields;
  if (reply.status !== 200 || typeof token !== 'string') {
    throw refusal(reply.status, fields, tokenUri, request);
  }
  const context = { ...tokenFacts(tokenUri, request), status: reply.status };
  if (!isHeaderToken(token)) {
    const text = 'the token endpoint answered with a token that cannot be sent';
    throw new IcebergError('CATALOG_UNAVAILABLE', text, { context });
  }
  if (typeof use === 'string' && !/^(bearer|n_a)$/i.test(use)) {
    const text = `the token endpoint gave a token of type ${redact(use, [token])}, but only bearer tokens can be sent`;
    throw new IcebergError('UNSUPPORTED_FEATURE', text, { context });
  }
  return { token, type: typeof type === 'string' ? type : ACCESS_TOKEN_TYPE, lifetimeMs: lifetime(fields) };
}

function parseFields(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    // A page of a proxy; what the parser says about it would show parts of it.
    return {};
  }
}

/** Some servers write the number as text, and some write 0 or less for a token that does not end. */
function lifetime({ expires_in: given }: Record<string, unknown>): number | undefined {
  const seconds = typeof given === 'string' && given !== '' ? Number(given) : given;
  return typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : undefined;
}

function refusal(
  status: number,
  fields: Record<string, unknown>,
  tokenUri: URL,
  request: TokenRequest,
): IcebergError {
  const said = (name: string) => {
    const value = fields[name];
    return typeof value === 'string' ? redact(value, request.secrets) : undefined;
  };
  const [error, description] = [said('error'), said('error_description')];
  const context = {
    ...tokenFacts(tokenUri, request),
    status,
    ...(error !== undefined && { error }),
    ...(description !== undefined && { error_description: description }),
  };
  const why = [error, description].filter((text) => text !== undefined).join(': ') || 'no reason given';
  const isClientError = status >= 400 && status < 500 && status !== 408 && status !== 429;
  // A 404 without a reason is said by a proxy, or by a server that has no token endpoint there.
  const denied = isClientError && (error !== undefined || [400, 401, 403].includes(status));
  if (denied) {
    const text = `the token endpoint refused this client (HTTP ${status}): ${why}`;
    return new IcebergError('ACCESS_DENIED', text, { context });
  }
  if (status >= 300 && status < 400) {
    const text = `the token endpoint sends elsewhere (HTTP ${status}), which is not followed: correct tokenUri`;
    return new IcebergError('CATALOG_UNAVAILABLE', text, { context, retryable: false });
  }
  const text = `the token endpoint gave no token (HTTP ${status}): ${why}`;
  return new IcebergError('CATALOG_UNAVAILABLE', text, { context });
}
