import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { readBasic, readStrictForm } from './strict-form.ts';

/** What the server knows and how it treats clients. */
export interface OAuth2ServerOptions {
  readonly clientId?: string | undefined;
  readonly clientSecret?: string | undefined;
  /** The one way it takes credentials. Default `body`. */
  readonly authentication?: 'body' | 'basic';
  /** Scopes it grants. Default `catalog`. */
  readonly scopes?: readonly string[];
  /** How long its tokens are good. Default 3,600. */
  readonly lifetimeSeconds?: number;
  /** What it says of that, as `expires_in`. Default: the truth; `undefined` for nothing. */
  readonly says?: { readonly expiresIn: unknown };
  /** Further fields of a reply with a token. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** Milliseconds; tokens end by it. Default `Date.now`. */
  readonly nowMs?: () => number;
}

/** What happens to one request instead of an answer. */
export type Mishap =
  | { readonly kind: 'reset' }
  | { readonly kind: 'slow'; readonly ms: number }
  /** The answer begins, and does not go on. */
  | { readonly kind: 'stall' }
  /** Bytes in place of an answer. */
  | { readonly kind: 'raw'; readonly text: string }
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body:
        | string
        | ((request: { readonly body: string; readonly authorization: string }) => string);
    };

/** A token endpoint of ours on loopback that takes nothing but what the RFCs allow. */
export interface OAuth2Server {
  readonly tokenUri: string;
  /** The forms of all requests that kept to the RFCs, in order. */
  readonly forms: readonly ReadonlyMap<string, string>[];
  /** What clients did against the RFCs: must be empty in the end. */
  readonly violations: readonly string[];
  /** All requests, mishaps included. */
  readonly requestCount: number;
  /** Tokens, in the order in which they were issued. */
  readonly issued: readonly string[];
  /** Whether a token is good now. */
  accepts(token: string | undefined): boolean;
  /** Ends all tokens issued so far. */
  revokeAll(): void;
  /** A token that somebody else issued, for exchanges. */
  trust(token: string, lifetimeSeconds?: number): void;
  /** The next requests meet these, one each. */
  meetNext(...mishaps: readonly Mishap[]): void;
}

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/** Starts a server that is stopped when the test is over. */
export async function startOAuth2Server(options: OAuth2ServerOptions = {}): Promise<OAuth2Server> {
  const endpoint = new TokenEndpoint(options);
  const server = createServer((request, response) => void endpoint.serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endpoint.tokenUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/idp/token`;
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return endpoint;
}

type Answer = readonly [status: number, body: object];

class TokenEndpoint implements OAuth2Server {
  tokenUri = '';
  readonly forms: ReadonlyMap<string, string>[] = [];
  readonly violations: string[] = [];
  readonly issued: string[] = [];
  requestCount = 0;
  readonly #options: OAuth2ServerOptions;
  readonly #nowMs: () => number;
  readonly #endsAtMs = new Map<string, number>();
  readonly #mishaps: Mishap[] = [];

  constructor(options: OAuth2ServerOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
  }

  accepts(token: string | undefined): boolean {
    return token !== undefined && this.#nowMs() < (this.#endsAtMs.get(token) ?? Number.NEGATIVE_INFINITY);
  }

  revokeAll(): void {
    this.#endsAtMs.clear();
  }

  trust(token: string, lifetimeSeconds = 3600): void {
    this.#endsAtMs.set(token, this.#nowMs() + lifetimeSeconds * 1000);
  }

  meetNext(...mishaps: readonly Mishap[]): void {
    this.#mishaps.push(...mishaps);
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requestCount += 1;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    const mishap = this.#mishaps.shift();
    if (mishap?.kind === 'reset') return void request.socket.resetAndDestroy();
    if (mishap?.kind === 'stall') return void response.writeHead(200).write('{"access_token":"a');
    if (mishap?.kind === 'raw') return void request.socket.end(mishap.text);
    if (mishap?.kind === 'slow') await sleep(mishap.ms, undefined, { ref: false });
    if (mishap?.kind === 'answer') {
      response.writeHead(mishap.status, mishap.headers);
      return void response.end(
        typeof mishap.body === 'string'
          ? mishap.body
          : mishap.body({ body, authorization: request.headers.authorization ?? '' }),
      );
    }
    const [status, answer] = this.#answer(request, body);
    response.writeHead(status, {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...(status === 401 && { 'www-authenticate': 'Basic realm="idp"' }),
    });
    response.end(JSON.stringify(answer));
  }

  #answer(request: IncomingMessage, body: string): Answer {
    const form = readStrictForm(request.headers['content-type'], body);
    if (request.method !== 'POST' || request.url !== '/idp/token') {
      return this.#violated(`${request.method} ${request.url}`);
    }
    if ('violation' in form) return this.#violated(form.violation);
    this.forms.push(form.fields);
    return (
      this.#refuseClient(request.headers.authorization, form.fields) ??
      this.#refuseGrant(form.fields) ??
      this.#refuseScope(form.fields) ??
      this.#issue()
    );
  }

  #violated(violation: string): Answer {
    this.violations.push(violation);
    return [400, { error: 'invalid_request', error_description: violation }];
  }

  #refuseClient(authorization: string | undefined, fields: ReadonlyMap<string, string>): Answer | undefined {
    const { clientId, clientSecret, authentication = 'body' } = this.#options;
    const inBody = fields.has('client_id') || fields.has('client_secret');
    if (authorization !== undefined && inBody) return this.#violated('credentials in header and body');
    const wrong: Answer = [401, { error: 'invalid_client', error_description: 'unknown client or secret' }];
    if (authentication === 'basic') {
      const [id, secret] = readBasic(authorization ?? '') ?? [];
      return id === clientId && secret === clientSecret ? undefined : wrong;
    }
    if (authorization !== undefined) return wrong;
    const same = fields.get('client_id') === clientId && fields.get('client_secret') === clientSecret;
    return same ? undefined : wrong;
  }

  #refuseGrant(fields: ReadonlyMap<string, string>): Answer | undefined {
    const grant = fields.get('grant_type');
    if (grant === 'client_credentials') return undefined;
    if (grant !== EXCHANGE) return [400, { error: 'unsupported_grant_type' }];
    for (const who of ['subject', 'actor']) {
      const [token, type] = [fields.get(`${who}_token`), fields.get(`${who}_token_type`)];
      if (who === 'subject' && token === undefined) return this.#violated('no subject_token');
      if ((token === undefined) !== (type === undefined))
        return this.#violated(`${who}_token without its type`);
      if (token !== undefined && !this.accepts(token)) {
        return [400, { error: 'invalid_grant', error_description: `the ${who} token is not good` }];
      }
    }
    return undefined;
  }

  #refuseScope(fields: ReadonlyMap<string, string>): Answer | undefined {
    const granted = this.#options.scopes ?? ['catalog'];
    const asked = fields.get('scope')?.split(' ') ?? [];
    if (asked.every((scope) => granted.includes(scope))) return undefined;
    return [400, { error: 'invalid_scope', error_description: 'no such scope' }];
  }

  #issue(): Answer {
    const { lifetimeSeconds = 3600, fields, says } = this.#options;
    const token = `issued-${this.issued.length + 1}-${randomBytes(12).toString('hex')}`;
    this.issued.push(token);
    this.trust(token, lifetimeSeconds);
    return [
      200,
      {
        access_token: token,
        token_type: 'bearer',
        issued_token_type: ACCESS_TOKEN,
        expires_in: says === undefined ? lifetimeSeconds : says.expiresIn,
        ...fields,
      },
    ];
  }
}
