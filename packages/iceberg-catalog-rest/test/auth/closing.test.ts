import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { oauth2ClientCredentials, oauth2TokenExchange } from '../../src/auth/oauth2.ts';
import { bearerToken } from '../../src/auth/rest-auth.ts';
import { sigV4 } from '../../src/auth/sigv4.ts';
import { authRequest, expectHidden, failureOf, tokenOf } from '../support/auth-requests.ts';
import { startOAuth2Server } from '../support/oauth2-server.ts';

const credential = { clientId: 'danube', clientSecret: 'a-secret-of-tests' };

test('closing ends a request for a token that is under way, and those who wait for it', async () => {
  const oauth2 = await startOAuth2Server(credential);
  oauth2.meetNext({ kind: 'slow', ms: 60_000 });
  const auth = oauth2ClientCredentials({ tokenUri: oauth2.tokenUri, ...credential });
  const waiting = failureOf(tokenOf(auth));
  await expect.poll(() => oauth2.requestCount).toBe(1);
  await auth.close?.();
  const error = await waiting;
  expect([error.code, error.retryable]).toEqual(['CATALOG_UNAVAILABLE', false]);
  expect((await failureOf(tokenOf(auth))).retryable).toBe(false);
  expect(oauth2.requestCount).toBe(1);
});

test('closing ends those who wait for a supplier that does not answer', async () => {
  const subjectToken = () => new Promise<string>(() => {});
  const auth = oauth2TokenExchange({ tokenUri: 'http://127.0.0.1:9/token', subjectToken });
  const waiting = failureOf(tokenOf(auth));
  await auth.close?.();
  expect((await waiting).code).toBe('CATALOG_UNAVAILABLE');
});

test('a process that has a token, and has closed nothing, ends when its work is done', async () => {
  const oauth2 = await startOAuth2Server({ ...credential, lifetimeSeconds: 2 });
  const program = fileURLToPath(new URL('../support/token-process.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@danube/source', '--disable-warning=ExperimentalWarning', program, oauth2.tokenUri],
    { timeout: 20_000 },
  );
  expect(stdout.trim()).toBe(oauth2.issued[0]);
});

test('inspecting who proves the caller shows no secret', async () => {
  const oauth2 = await startOAuth2Server(credential);
  const secretAccessKey = 'aws-secret-of-tests';
  const auths = [
    oauth2ClientCredentials({ tokenUri: oauth2.tokenUri, ...credential }),
    bearerToken('bearer-token-of-tests'),
    sigV4({ region: 'eu-central-1', credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey } }),
  ];
  for (const auth of auths) await auth.authorize(authRequest());
  expectHidden(auths, [
    credential.clientSecret,
    oauth2.issued[0] as string,
    'bearer-token-of-tests',
    secretAccessKey,
  ]);
  for (const auth of auths) await auth.close?.();
});

test('a bearer token contradicts an Authorization among the headers', async () => {
  const request = authRequest({ headers: { authorization: 'Basic abc' } });
  expect((await failureOf(bearerToken('token-1').authorize(request))).code).toBe('INVALID_ARGUMENT');
});
