import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import {
  type OAuth2TokenExchangeOptions,
  oauth2ClientCredentials,
  oauth2TokenExchange,
} from '../../src/auth/oauth2.ts';
import { authRequest, closing, expectHidden, failureOf, tokenOf } from '../support/auth-requests.ts';
import { type OAuth2ServerOptions, startOAuth2Server } from '../support/oauth2-server.ts';
import { testClock } from '../support/test-clock.ts';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const JWT = 'urn:ietf:params:oauth:token-type:jwt';
const subject = 'subject/token+of=somebody';

async function start(options: Partial<OAuth2TokenExchangeOptions> = {}, server: OAuth2ServerOptions = {}) {
  const clock = testClock();
  const oauth2 = await startOAuth2Server({ nowMs: clock.elapsedMs, lifetimeSeconds: 100, ...server });
  oauth2.trust(subject, 150);
  const auth = closing(
    oauth2TokenExchange({
      tokenUri: oauth2.tokenUri,
      subjectToken: subject,
      components: { nowMs: clock.nowMs, elapsedMs: clock.elapsedMs },
      ...options,
    }),
  );
  return { clock, oauth2, auth };
}

test('a subject token is exchanged for the token that is sent', async () => {
  const { oauth2, auth } = await start();
  expect(oauth2.accepts(await tokenOf(auth))).toBe(true);
  expect(oauth2.forms.map((form) => Object.fromEntries(form))).toEqual([
    { grant_type: EXCHANGE, subject_token: subject, subject_token_type: ACCESS_TOKEN, scope: 'catalog' },
  ]);
});

test('actor, types of tokens and the credential of the client are sent as they were given', async () => {
  const client = { clientId: 'danube', clientSecret: 's:1&2', authentication: 'basic' } as const;
  const options = { credential: 'danube:s:1&2', clientAuthentication: 'basic' } as const;
  const more = { actorToken: 'actor-token', actorTokenType: JWT, requestedTokenType: JWT };
  const { oauth2, auth } = await start({ ...options, subjectTokenType: JWT, ...more }, client);
  oauth2.trust('actor-token');
  expect(oauth2.accepts(await tokenOf(auth))).toBe(true);
  expect(Object.fromEntries(oauth2.forms[0] ?? [])).toEqual({
    grant_type: EXCHANGE,
    subject_token: subject,
    subject_token_type: JWT,
    actor_token: 'actor-token',
    actor_token_type: JWT,
    requested_token_type: JWT,
    scope: 'catalog',
  });
  expect(oauth2.violations).toEqual([]);
});

test('a subject token in a file is read again for every exchange', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'danube-token-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const file = join(dir, 'token');
  await writeFile(file, 'mounted-1\n');
  const { clock, oauth2, auth } = await start({ subjectToken: () => readFile(file, 'utf8') });
  oauth2.trust('mounted-1', 50);
  const first = await tokenOf(auth);

  clock.pass(95_000);
  await writeFile(file, 'mounted-2\n');
  oauth2.trust('mounted-2', 50);
  await expect.poll(() => tokenOf(auth)).not.toBe(first);
  expect(oauth2.forms.map((form) => form.get('subject_token'))).toEqual(['mounted-1', 'mounted-2']);

  await rm(file);
  clock.pass(101_000);
  const error = await failureOf(tokenOf(auth));
  expect(error.code).toBe('ACCESS_DENIED');
  expect(error.cause).toMatchObject({ code: 'ENOENT' });
});

test('a supplier that fails is ACCESS_DENIED with its reason, and what else is in its error is not shown', async () => {
  const failed = Object.assign(new Error('vault is sealed'), { lastToken: subject });
  const ways = [
    () => Promise.reject(failed),
    () => {
      throw failed;
    },
  ];
  for (const subjectToken of ways) {
    const { auth } = await start({ subjectToken });
    const error = await failureOf(tokenOf(auth));
    expect(error.code).toBe('ACCESS_DENIED');
    expect(error.cause).toMatchObject({ message: 'vault is sealed' });
    expectHidden(error, [subject]);
  }
});

test('a supplier that takes its token for JSON does not show it: Node.js quotes what it cannot parse', async () => {
  const { auth } = await start({ subjectToken: async () => JSON.parse(subject) });
  const error = await failureOf(tokenOf(auth));
  expect(error.cause).toMatchObject({ name: 'SyntaxError' });
  expectHidden(error, [subject, subject.slice(0, 8)]);
});

test('a supplier that does not answer is given up after a minute, and asked again by the next call', async () => {
  let asked = 0;
  const subjectToken = () => {
    asked += 1;
    return asked === 1 ? new Promise<string>(() => {}) : Promise.resolve(subject);
  };
  const { oauth2, auth } = await start({ subjectToken });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const waiting = failureOf(tokenOf(auth));
  await vi.advanceTimersByTimeAsync(60_000);
  const error = await waiting;
  expect([error.code, error.retryable]).toEqual(['CATALOG_UNAVAILABLE', true]);
  vi.useRealTimers();
  expect(oauth2.accepts(await tokenOf(auth))).toBe(true);
});

test('an exchanged token is itself exchanged before it ends, where that is wanted', async () => {
  const { clock, oauth2, auth } = await start({ refreshBy: 'token-exchange' });
  const first = await tokenOf(auth);
  clock.pass(95_000);
  await expect.poll(() => tokenOf(auth)).not.toBe(first);
  expect(oauth2.forms.map((form) => form.get('subject_token'))).toEqual([subject, first]);
  expect(oauth2.forms[1]?.get('subject_token_type')).toBe(ACCESS_TOKEN);
});

test('a token that has ended is not exchanged: the subject token is again', async () => {
  const { clock, oauth2, auth } = await start({ refreshBy: 'token-exchange' });
  await tokenOf(auth);
  clock.pass(101_000);
  expect(oauth2.accepts(await tokenOf(auth))).toBe(true);
  expect(oauth2.forms.map((form) => form.get('subject_token'))).toEqual([subject, subject]);
});

test('a token that the catalog refused is not exchanged', async () => {
  const { oauth2, auth } = await start({ refreshBy: 'token-exchange' });
  const request = authRequest();
  await tokenOf(auth, request);
  await auth.renew?.(request.signal);
  await tokenOf(auth, request);
  expect(oauth2.forms.map((form) => form.get('subject_token'))).toEqual([subject, subject]);
});

test('where the identity provider does not exchange its token, it is asked as for the first one', async () => {
  const { clock, oauth2, auth } = await start({ refreshBy: 'token-exchange' });
  const first = await tokenOf(auth);
  oauth2.meetNext({ kind: 'answer', status: 400, body: '{"error":"unsupported_grant_type"}' });
  clock.pass(95_000);
  await expect.poll(() => tokenOf(auth)).not.toBe(first);
  expect(oauth2.requestCount).toBe(3);
});

test('client credentials can be renewed by exchange, too', async () => {
  const credential = { clientId: 'danube', clientSecret: 'a-secret-of-tests' };
  const clock = testClock();
  const components = { nowMs: clock.nowMs, elapsedMs: clock.elapsedMs };
  const oauth2 = await startOAuth2Server({ ...credential, nowMs: clock.elapsedMs, lifetimeSeconds: 100 });
  const { tokenUri } = oauth2;
  const auth = closing(
    oauth2ClientCredentials({ tokenUri, ...credential, components, refreshBy: 'token-exchange' }),
  );
  const first = await tokenOf(auth);
  clock.pass(95_000);
  await expect.poll(() => tokenOf(auth)).not.toBe(first);
  expect(oauth2.forms.map((form) => form.get('grant_type'))).toEqual(['client_credentials', EXCHANGE]);
  expect(oauth2.violations).toEqual([]);
});

test('a subject token that is refused is ACCESS_DENIED with invalid_grant, and is not seen', async () => {
  const { clock, oauth2, auth } = await start({ actorToken: 'actor-token-of-tests' });
  oauth2.trust('actor-token-of-tests');
  clock.pass(151_000);
  const error = await failureOf(tokenOf(auth));
  expect([error.code, error.context['error']]).toEqual(['ACCESS_DENIED', 'invalid_grant']);
  expectHidden([error, auth], [subject, 'actor-token-of-tests']);
});
