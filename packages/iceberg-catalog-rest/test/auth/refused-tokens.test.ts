import { expect, test } from 'vitest';
import { oauth2ClientCredentials } from '../../src/auth/oauth2.ts';
import { authRequest, closing, tokenOf } from '../support/auth-requests.ts';
import { startOAuth2Server } from '../support/oauth2-server.ts';
import { testClock } from '../support/test-clock.ts';

const credential = { clientId: 'danube', clientSecret: 'a-secret-of-tests' };

async function start() {
  const clock = testClock();
  const oauth2 = await startOAuth2Server({ ...credential, nowMs: clock.elapsedMs });
  const components = { nowMs: clock.nowMs, elapsedMs: clock.elapsedMs };
  const auth = closing(oauth2ClientCredentials({ tokenUri: oauth2.tokenUri, ...credential, components }));
  return { clock, oauth2, auth };
}

test('a token that the catalog refuses is replaced by the next request', async () => {
  const { oauth2, auth } = await start();
  const request = authRequest();
  const first = await tokenOf(auth, request);
  expect(await auth.renew?.(request.signal)).toBe(true);
  const second = await tokenOf(auth, request);
  expect(second).not.toBe(first);
  expect(oauth2.requestCount).toBe(2);
});

test('many calls that are refused with the same token share one renewal, however late they learn of it', async () => {
  const { oauth2, auth } = await start();
  const requests = Array.from({ length: 20 }, () => authRequest());
  for (const request of requests) await tokenOf(auth, request);

  const renew = async (request: (typeof requests)[number]) => {
    expect(await auth.renew?.(request.signal)).toBe(true);
    return tokenOf(auth, request);
  };
  const early = await Promise.all(requests.slice(0, 10).map(renew));
  // These hear of the old token's end when the new one has long been there.
  const late: string[] = [];
  for (const request of requests.slice(10)) late.push(await renew(request));

  expect(new Set([...early, ...late])).toEqual(new Set([oauth2.issued[1]]));
  expect(oauth2.requestCount).toBe(2);
});

test('a catalog that refuses every token does not make the client ask for more than one a second', async () => {
  const { clock, oauth2, auth } = await start();
  const refuse = async () => {
    const request = authRequest();
    await tokenOf(auth, request);
    return auth.renew?.(request.signal);
  };
  expect(await refuse()).toBe(true);
  expect([await refuse(), await refuse(), await refuse()]).toEqual([false, false, false]);
  expect(oauth2.requestCount).toBe(2);
  clock.pass(1_000);
  expect(await refuse()).toBe(true);
  await tokenOf(auth);
  expect(oauth2.requestCount).toBe(3);
});
