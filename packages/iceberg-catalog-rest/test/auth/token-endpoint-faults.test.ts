import type { CallEvent } from '@danube/resilience';
import { describe, expect, test } from 'vitest';
import { type OAuth2ClientCredentialsOptions, oauth2ClientCredentials } from '../../src/auth/oauth2.ts';
import { closing, expectHidden, failureOf, tokenOf } from '../support/auth-requests.ts';
import { type Mishap, startOAuth2Server } from '../support/oauth2-server.ts';

const clientId = 'danube';
const clientSecret = 'hid&den /sécret=1';

async function start(options: Partial<OAuth2ClientCredentialsOptions> = {}) {
  const events: CallEvent[] = [];
  const oauth2 = await startOAuth2Server({ clientId, clientSecret });
  const auth = closing(
    oauth2ClientCredentials({
      tokenUri: oauth2.tokenUri,
      clientId,
      clientSecret,
      resilience: { retry: { initialDelayMs: 1, maxDelayMs: 5, maxAttempts: 3 } },
      onEvent: (event) => events.push(event),
      ...options,
    }),
  );
  return { oauth2, auth, events };
}

const page = '<html><body>Bad Gateway</body></html>';
const faults: readonly (readonly [string, Mishap])[] = [
  ['a connection that is reset', { kind: 'reset' }],
  ['an answer that does not come in time', { kind: 'slow', ms: 60_000 }],
  ['an answer that stops in its middle', { kind: 'stall' }],
  ['500', { kind: 'answer', status: 500, body: '{"error":"server_error"}' }],
  ['502 with a page', { kind: 'answer', status: 502, body: page }],
  ['503 that says when', { kind: 'answer', status: 503, headers: { 'retry-after': '0' }, body: '' }],
  ['429', { kind: 'answer', status: 429, body: '' }],
  ['404 with a page', { kind: 'answer', status: 404, body: page }],
  ['408', { kind: 'answer', status: 408, body: '' }],
  ['200 with a page', { kind: 'answer', status: 200, body: page }],
  ['200 that is cut off', { kind: 'answer', status: 200, body: '{"access_token":"abc' }],
  ['200 without a token', { kind: 'answer', status: 200, body: '{"token_type":"bearer"}' }],
  ['200 with an error', { kind: 'answer', status: 200, body: '{"error":"slow_down"}' }],
  [
    'a token that no header may have',
    { kind: 'answer', status: 200, body: JSON.stringify({ access_token: 'a\r\nx: y' }) },
  ],
  [
    'an answer without end',
    { kind: 'answer', status: 200, body: JSON.stringify({ access_token: 'a'.repeat(2 ** 20) }) },
  ],
];

describe.each(faults)('%s', (_, mishap) => {
  // Short only where the test waits for it: a busy machine may be slow to answer.
  const waits = mishap.kind === 'slow' || mishap.kind === 'stall';
  const settings = (maxAttempts: number) => ({
    resilience: {
      retry: { initialDelayMs: 1, maxDelayMs: 1, maxAttempts },
      ...(waits && { timeoutMs: 500 }),
    },
  });

  test('once: the request is sent again', async () => {
    const { oauth2, auth } = await start(settings(3));
    oauth2.meetNext(mishap);
    expect(oauth2.accepts(await tokenOf(auth))).toBe(true);
    if (waits) expect(oauth2.requestCount).toBeGreaterThan(1);
    else expect(oauth2.requestCount).toBe(2);
  });

  test('every time: CATALOG_UNAVAILABLE, which can be retried, and no secret is seen', async () => {
    const { oauth2, auth, events } = await start(settings(2));
    oauth2.meetNext(mishap, mishap);
    const error = await failureOf(tokenOf(auth));
    expect([error.code, error.retryable]).toEqual(['CATALOG_UNAVAILABLE', true]);
    expect(error.context['tokenUri']).toBe(oauth2.tokenUri);
    expect(oauth2.requestCount).toBe(2);
    expect(events.map(({ kind }) => kind)).toContain('retry');
    expectHidden([error, events, auth], [clientSecret]);
  });
});

describe('refusals are final, and say what the server said', () => {
  test('a wrong secret is ACCESS_DENIED with invalid_client', async () => {
    const wrong = 'wrong-secret-of-mine';
    const { oauth2, auth, events } = await start({ clientSecret: wrong });
    const error = await failureOf(tokenOf(auth));
    expect(error.code).toBe('ACCESS_DENIED');
    expect(error.retryable).toBe(false);
    expect(error.context).toEqual({
      tokenUri: oauth2.tokenUri,
      grant: 'client credentials',
      status: 401,
      error: 'invalid_client',
      error_description: 'unknown client or secret',
    });
    expect(oauth2.requestCount).toBe(1);
    expectHidden([error, events, auth], [wrong, clientSecret]);
  });

  test('a scope that is not granted is ACCESS_DENIED with invalid_scope', async () => {
    const { oauth2, auth } = await start({ scope: 'catalog admin' });
    const error = await failureOf(tokenOf(auth));
    expect([error.code, error.context['status']]).toEqual(['ACCESS_DENIED', 400]);
    expect(error.context['error']).toBe('invalid_scope');
    expect(oauth2.requestCount).toBe(1);
  });

  test('a refusal does not stay: the next call asks again', async () => {
    const { oauth2, auth } = await start();
    oauth2.meetNext({ kind: 'answer', status: 401, body: '{"error":"invalid_client"}' });
    await failureOf(tokenOf(auth));
    expect(oauth2.accepts(await tokenOf(auth))).toBe(true);
  });

  test.each(['body', 'basic'] as const)(
    'a server that repeats what it was sent (as %s) does not make the secret seen',
    async (clientAuthentication) => {
      const { oauth2, auth, events } = await start({ clientAuthentication });
      const basic = `${clientId}:${new URLSearchParams({ s: clientSecret }).toString().slice(2)}`;
      const echo: Mishap = {
        kind: 'answer',
        status: 400,
        body: ({ body, authorization }) =>
          JSON.stringify({
            error: 'invalid_request',
            error_description: `${clientSecret} | ${authorization} | ${body}`,
          }),
      };
      oauth2.meetNext(echo);
      const error = await failureOf(tokenOf(auth));
      expect(error.context['error_description']).toContain('(secret)');
      expectHidden([error, events, auth], [clientSecret, basic]);
    },
  );

  test('bytes that are no HTTP are not shown', async () => {
    const { oauth2, auth, events } = await start({ resilience: { retry: { maxAttempts: 1 } } });
    oauth2.meetNext({ kind: 'raw', text: `HTTP/1.1 200 OK\r\nbad header ${clientSecret}\r\n\r\n` });
    const error = await failureOf(tokenOf(auth));
    expect(error.code).toBe('CATALOG_UNAVAILABLE');
    expectHidden([error, events], [clientSecret]);
  });

  test('a redirect is not followed: the secret goes to nobody else', async () => {
    const elsewhere = await startOAuth2Server({ clientId, clientSecret });
    const { oauth2, auth } = await start();
    const headers = { location: elsewhere.tokenUri };
    oauth2.meetNext({ kind: 'answer', status: 307, headers, body: '' });
    const error = await failureOf(tokenOf(auth));
    expect([error.code, error.retryable]).toEqual(['CATALOG_UNAVAILABLE', false]);
    expect(elsewhere.requestCount).toBe(0);
  });

  test('what a server says is wrong is told, also when it says it with the status of success', async () => {
    const { oauth2, auth } = await start({ resilience: { retry: { maxAttempts: 1 } } });
    const body = JSON.stringify({ error: 'slow_down', error_description: `not ${clientSecret}` });
    oauth2.meetNext({ kind: 'answer', status: 200, body });
    const error = await failureOf(tokenOf(auth));
    expect(error.context).toMatchObject({ error: 'slow_down', error_description: 'not (secret)' });
    expect(error.message).toContain('slow_down');
  });

  test.each(['Bearer', 'BEARER', 'N_A', undefined])(
    'a token of type %s is sent as a bearer token',
    async (type) => {
      const { oauth2, auth } = await start();
      const body = JSON.stringify({ access_token: 'abc', token_type: type });
      oauth2.meetNext({ kind: 'answer', status: 200, body });
      expect(await tokenOf(auth)).toBe('abc');
    },
  );

  test('a token that is no bearer token is UNSUPPORTED_FEATURE', async () => {
    const { oauth2, auth } = await start();
    const body = JSON.stringify({ access_token: 'abc', token_type: 'mac' });
    oauth2.meetNext({ kind: 'answer', status: 200, body });
    expect((await failureOf(tokenOf(auth))).code).toBe('UNSUPPORTED_FEATURE');
  });
});
