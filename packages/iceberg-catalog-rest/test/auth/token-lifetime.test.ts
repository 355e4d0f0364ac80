import { setTimeout as sleep } from 'node:timers/promises';
import type { CallEvent } from '@danube/resilience';
import { expect, test } from 'vitest';
import { type OAuth2ClientCredentialsOptions, oauth2ClientCredentials } from '../../src/auth/oauth2.ts';
import { authRequest, closing, failureOf, tokenOf } from '../support/auth-requests.ts';
import { type OAuth2ServerOptions, startOAuth2Server } from '../support/oauth2-server.ts';
import { testClock } from '../support/test-clock.ts';

const MINUTE = 60_000;
/** A request that nobody waits for, and that should not be, would have arrived by then. */
const arrival = () => sleep(60);
const credential = { clientId: 'danube', clientSecret: 'a-secret-of-tests' };

async function start(
  server: OAuth2ServerOptions = {},
  options: Partial<OAuth2ClientCredentialsOptions> = {},
) {
  const clock = testClock();
  const oauth2 = await startOAuth2Server({ ...credential, nowMs: clock.elapsedMs, ...server });
  const auth = closing(
    oauth2ClientCredentials({
      tokenUri: oauth2.tokenUri,
      ...credential,
      components: { nowMs: clock.nowMs, elapsedMs: clock.elapsedMs },
      resilience: { retry: { maxAttempts: 1 }, breaker: false },
      ...options,
    }),
  );
  return { clock, oauth2, auth };
}

test.each([
  // [lifetime, last moment without renewal, first moment with it], in milliseconds
  ['a tenth of its life', 600, 539_999, 1],
  ['five minutes, if its life is long', 36_000, 36_000_000 - 5 * MINUTE - 1, 1],
  ['a tenth of a very short life', 1, 899, 1],
])('a token is renewed ahead of its end by %s', async (_, lifetimeSeconds, quietMs, moreMs) => {
  const { clock, oauth2, auth } = await start({ lifetimeSeconds });
  const first = await tokenOf(auth);
  clock.pass(quietMs);
  await tokenOf(auth);
  await arrival();
  expect(oauth2.requestCount).toBe(1);

  clock.pass(moreMs);
  // Nobody waits for the new token while the old one lasts.
  expect(await tokenOf(auth)).toBe(first);
  await expect.poll(() => tokenOf(auth)).not.toBe(first);
  expect(oauth2.requestCount).toBe(2);
  expect(oauth2.issued).toHaveLength(2);
});

test('a token endpoint that hangs holds nobody up while the old token lasts', async () => {
  const { clock, oauth2, auth } = await start({ lifetimeSeconds: 100 });
  const first = await tokenOf(auth);
  oauth2.meetNext({ kind: 'slow', ms: 60_000 });
  clock.pass(95_000);
  expect([await tokenOf(auth), await tokenOf(auth)]).toEqual([first, first]);
});

test('a renewal ahead of time that fails leaves the old token in use, and is tried again before it ends', async () => {
  const events: string[] = [];
  const onEvent = ({ kind }: CallEvent) => events.push(kind);
  const { clock, oauth2, auth } = await start({ lifetimeSeconds: 100 }, { onEvent });
  const first = await tokenOf(auth);
  oauth2.meetNext({ kind: 'reset' });
  clock.pass(90_000);
  expect(await tokenOf(auth)).toBe(first);
  await expect.poll(() => events).toContain('gave-up');
  await arrival();
  // Half of what is left is waited, so that not every call asks.
  clock.pass(4_000);
  expect(await tokenOf(auth)).toBe(first);
  await arrival();
  expect(oauth2.requestCount).toBe(2);
  clock.pass(2_000);
  await expect.poll(() => tokenOf(auth)).not.toBe(first);
  expect(oauth2.requestCount).toBe(3);
});

test('a token that has ended is not sent: the call waits for the new one, and fails if there is none', async () => {
  const { clock, oauth2, auth } = await start({ lifetimeSeconds: 2 });
  const first = await tokenOf(auth);
  clock.pass(2_000);
  const second = await tokenOf(auth);
  expect(second).not.toBe(first);
  expect(oauth2.accepts(second)).toBe(true);

  clock.pass(2_000);
  oauth2.meetNext({ kind: 'answer', status: 503, body: '' });
  const error = await failureOf(tokenOf(auth));
  expect([error.code, error.retryable]).toEqual(['CATALOG_UNAVAILABLE', true]);
  expect(oauth2.accepts(await tokenOf(auth))).toBe(true);
});

test('the time a token took to come counts as part of its life', async () => {
  const { clock, oauth2, auth } = await start({ lifetimeSeconds: 10 });
  // The token is made at once, but its answer takes eleven seconds of the client's clock.
  oauth2.meetNext({
    kind: 'answer',
    status: 200,
    body: () => {
      clock.pass(11_000);
      return JSON.stringify({ access_token: 'late', token_type: 'bearer', expires_in: 10 });
    },
  });
  expect(await tokenOf(auth)).toBe('late');
  expect(await tokenOf(auth)).toBe(oauth2.issued[0]);
});

test.each([
  ['nothing', undefined, 3_600_000],
  ['null', null, 3_600_000],
  ['0', 0, 3_600_000],
  ['-1', -1, 3_600_000],
  ['soon', 'soon', 3_600_000],
  ['an empty text', '', 3_600_000],
  ['true', true, 3_600_000],
  ['a number as text', '100', 100_000],
])('a server that says %s of the lifetime', async (_, expiresIn, lifetimeMs) => {
  const { clock, oauth2, auth } = await start({ says: { expiresIn } });
  await tokenOf(auth);
  // Tokens of an hour and less are renewed in the last tenth, or in the last five minutes.
  clock.pass(Math.max(lifetimeMs * 0.9, lifetimeMs - 5 * MINUTE) - 1);
  await tokenOf(auth);
  await arrival();
  expect(oauth2.requestCount).toBe(1);
  clock.pass(5 * MINUTE + 1);
  await tokenOf(auth);
  expect(oauth2.requestCount).toBe(2);
});

test('tokens that do not end are never asked for again', async () => {
  const { clock, oauth2, auth } = await start(
    { says: { expiresIn: undefined } },
    { assumedLifetimeMs: Number.POSITIVE_INFINITY },
  );
  await tokenOf(auth);
  clock.pass(10 * 365 * 24 * 60 * MINUTE);
  await tokenOf(auth);
  await arrival();
  expect(oauth2.requestCount).toBe(1);
});

test('a clock that is set back by an hour does not keep a token that has ended', async () => {
  const { clock, oauth2, auth } = await start({ lifetimeSeconds: 60 });
  await tokenOf(auth);
  clock.set(-60 * MINUTE);
  clock.pass(61_000);
  expect(oauth2.accepts(await tokenOf(auth))).toBe(true);
});

test('a machine that slept, so that only the clock of the day went on, does not keep a token that has ended', async () => {
  const { clock, oauth2, auth } = await start({ lifetimeSeconds: 60 });
  await tokenOf(auth);
  clock.set(61_000);
  expect(await tokenOf(auth)).toBe(oauth2.issued[1]);
});

test('a clock that is set back and forth does not make the client ask all the time', async () => {
  const { clock, oauth2, auth } = await start({ lifetimeSeconds: 3600 });
  for (const step of [-MINUTE, 2 * MINUTE, -3 * MINUTE, MINUTE]) {
    await tokenOf(auth);
    clock.set(step);
  }
  await arrival();
  expect(oauth2.requestCount).toBe(1);
});

test('a call that is given up ends at once, and the others still get the token it had asked for', async () => {
  const { oauth2, auth } = await start();
  oauth2.meetNext({ kind: 'slow', ms: 300 });
  const aborter = new AbortController();
  const given = auth.authorize(authRequest({ signal: aborter.signal }));
  const kept = tokenOf(auth);
  aborter.abort(new Error('given up'));
  await expect(given).rejects.toThrow('given up');
  expect(await kept).toBe(oauth2.issued[0]);
  expect(oauth2.requestCount).toBe(1);
});
