import { createHash } from 'node:crypto';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { AwsCredentials } from '../../src/auth/aws-credentials.ts';
import { oauth2ClientCredentials } from '../../src/auth/oauth2.ts';
import { bearerToken } from '../../src/auth/rest-auth.ts';
import { type SigV4Options, sigV4 } from '../../src/auth/sigv4.ts';
import { authRequest, closing, expectHidden, failureOf } from '../support/auth-requests.ts';
import { startOAuth2Server } from '../support/oauth2-server.ts';

const accessKeyId = 'AKIDEXAMPLE';
const secretAccessKey = 'aws-secret-of-tests';
const nowMs = () => Date.UTC(2026, 0, 2, 3, 4, 5);
const open = (more: Partial<SigV4Options> = {}) =>
  closing(sigV4({ region: 'eu-central-1', credentials: { accessKeyId, secretAccessKey }, nowMs, ...more }));
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

describe('headers', () => {
  test('a request without a body carries the hash of nothing, and is signed for execute-api', async () => {
    const given = await open().authorize(authRequest());
    expect(given).toMatchObject({ 'x-amz-content-sha256': EMPTY, 'x-amz-date': '20260102T030405Z' });
    expect(given['authorization']).toContain(
      `Credential=${accessKeyId}/20260102/eu-central-1/execute-api/aws4_request, ` +
        'SignedHeaders=accept;host;x-amz-content-sha256;x-amz-date, Signature=',
    );
    // HTTP sets it, from the URL.
    expect(given['host']).toBeUndefined();
  });

  test.each(['glue', 's3tables'])('%s is what the service signs by, if it is given', async (service) => {
    const given = await open({ service }).authorize(authRequest());
    expect(given['authorization']).toContain(`/eu-central-1/${service}/aws4_request`);
  });

  test('the hash is that of the body, and an empty body is as none', async () => {
    const body = new TextEncoder().encode('{"name":"ü"}');
    const given = await open().authorize(authRequest({ method: 'POST', body }));
    expect(given['x-amz-content-sha256']).toBe(createHash('sha256').update(body).digest('hex'));
    const empty = await open().authorize(authRequest({ body: new Uint8Array(0) }));
    expect(empty).toEqual(await open().authorize(authRequest()));
  });

  test('an Authorization becomes Original-Authorization, and is signed', async () => {
    const headers = {
      authorization: 'Basic abc',
      'x-amz-date': 'yesterday',
      'x-amz-content-sha256': 'UNSIGNED',
    };
    const given = await open().authorize(authRequest({ headers }));
    expect(given).toMatchObject({
      'original-authorization': 'Basic abc',
      'original-x-amz-date': 'yesterday',
      'x-amz-date': '20260102T030405Z',
      'x-amz-content-sha256': EMPTY,
    });
    expect(given['authorization']).toMatch(/^AWS4-HMAC-SHA256 .*SignedHeaders=host;original-authorization;/);
  });

  test('what a delegate proves goes to the catalog behind the gateway', async () => {
    const given = await open({ delegate: bearerToken('token-1') }).authorize(authRequest());
    expect(given['original-authorization']).toBe('Bearer token-1');
    expect(given['authorization']).toMatch(/^AWS4-HMAC-SHA256 .*original-authorization/);
  });

  test('a delegate’s token that is refused is renewed, though the keys are not', async () => {
    const oauth2 = await startOAuth2Server({ clientId: 'danube', clientSecret: 'a-secret-of-tests' });
    const credential = 'danube:a-secret-of-tests';
    const delegate = oauth2ClientCredentials({ tokenUri: oauth2.tokenUri, credential });
    const auth = open({ delegate });
    const request = authRequest();
    await auth.authorize(request);
    expect(await auth.renew?.(request.signal)).toBe(true);
    const given = await auth.authorize(request);
    expect(given['original-authorization']).toBe(`Bearer ${oauth2.issued[1]}`);
  });

  test('a signature is that of one body, one path, one query and one time', async () => {
    const url = new URL('https://glue.eu-central-1.amazonaws.com/iceberg/v1/a%1Fb?x=1');
    const base = authRequest({ url });
    const variants = [
      base,
      authRequest({ url, method: 'POST' }),
      authRequest({ url, body: new Uint8Array([1]) }),
      authRequest({ url: new URL(url.href.replace('%1F', '%2E')) }),
      authRequest({ url: new URL(url.href.replace('%1F', '%251F')) }),
      authRequest({ url: new URL(url.href.replace('x=1', 'x=2')) }),
    ];
    const signatures = await Promise.all(
      variants.map(async (request) => (await open().authorize(request))['authorization']),
    );
    const later = (await open({ nowMs: () => nowMs() + 1000 }).authorize(base))['authorization'];
    expect(new Set([...signatures, later]).size).toBe(variants.length + 1);
  });
});

test('without the signer’s package it is UNSUPPORTED_FEATURE, which names it', async () => {
  vi.resetModules();
  vi.doMock('@smithy/signature-v4', () => {
    throw new Error('there is no such package');
  });
  onTestFinished(() => {
    vi.doUnmock('@smithy/signature-v4');
    vi.resetModules();
  });
  const { sigV4: fresh } = await import('../../src/auth/sigv4.ts');
  const auth = fresh({ region: 'eu-central-1', credentials: { accessKeyId, secretAccessKey } });
  const error = await failureOf(auth.authorize(authRequest()));
  expect(error.code).toBe('UNSUPPORTED_FEATURE');
  expect(error.message).toContain('install @smithy/signature-v4');
});

describe('keys', () => {
  test('those without an end are asked for with each request, and callers at once share a call', async () => {
    let calls = 0;
    const credentials = async (): Promise<AwsCredentials> => ({
      accessKeyId: `K${++calls}`,
      secretAccessKey,
    });
    const auth = open({ credentials });
    await Promise.all([auth.authorize(authRequest()), auth.authorize(authRequest())]);
    expect(calls).toBe(1);
    expect((await auth.authorize(authRequest()))['authorization']).toContain('Credential=K2/');
  });

  test('those with an end are kept until five minutes before, and to their end if no others can be had', async () => {
    let [now, calls] = [nowMs(), 0];
    const end = now + 3_600_000;
    const credentials = async (): Promise<AwsCredentials> => {
      calls += 1;
      if (calls > 1) throw Object.assign(new Error('no network'), { token: secretAccessKey });
      return { accessKeyId, secretAccessKey, sessionToken: 'session-1', expiration: new Date(end) };
    };
    const auth = open({ credentials, nowMs: () => now });
    await auth.authorize(authRequest());
    now = end - 300_001;
    expect((await auth.authorize(authRequest()))['x-amz-security-token']).toBe('session-1');
    expect(calls).toBe(1);
    now = end - 300_000;
    expect((await auth.authorize(authRequest()))['x-amz-security-token']).toBe('session-1');
    expect(calls).toBe(2);
    now = end;
    const error = await failureOf(auth.authorize(authRequest()));
    expect(error.code).toBe('ACCESS_DENIED');
    expect(error.cause).toMatchObject({ message: 'no network' });
    expectHidden([error, auth], [secretAccessKey]);
  });

  test('refused keys are asked for again if somebody gives them, and keys that do not change are not', async () => {
    const end = new Date(nowMs() + 3_600_000);
    let calls = 0;
    const credentials = async () => ({ accessKeyId: `K${++calls}`, secretAccessKey, expiration: end });
    const given = open({ credentials });
    const request = authRequest();
    await given.authorize(request);
    expect(await given.renew?.(request.signal)).toBe(true);
    expect((await given.authorize(authRequest()))['authorization']).toContain('Credential=K2/');
    expect(await open().renew?.(authRequest().signal)).toBe(false);
  });

  test('a provider that hangs or fails while its keys last holds nobody up, and is not asked all the time', async () => {
    let [now, calls] = [nowMs(), 0];
    const end = now + 3_600_000;
    const credentials = async (): Promise<AwsCredentials> => {
      calls += 1;
      if (calls === 2) throw new Error('not now');
      if (calls > 2) return new Promise(() => {});
      return { accessKeyId, secretAccessKey, expiration: new Date(end) };
    };
    const auth = open({ credentials, nowMs: () => now });
    await auth.authorize(authRequest());
    now = end - 200_000;
    for (let i = 0; i < 5; i += 1) await auth.authorize(authRequest());
    expect(calls).toBe(2);
    now += 10_000;
    for (let i = 0; i < 5; i += 1) await auth.authorize(authRequest());
    expect(calls).toBe(3);
  });

  test('calls that are refused with the same keys share one renewal, however late they learn of it', async () => {
    const end = new Date(nowMs() + 3_600_000);
    let calls = 0;
    const credentials = async () => ({ accessKeyId: `K${++calls}`, secretAccessKey, expiration: end });
    const auth = open({ credentials });
    const requests = Array.from({ length: 10 }, () => authRequest());
    for (const request of requests) await auth.authorize(request);
    for (const request of requests) {
      expect(await auth.renew?.(request.signal)).toBe(true);
      expect((await auth.authorize(request))['authorization']).toContain('Credential=K2/');
    }
    expect(calls).toBe(2);
  });

  test.each([
    ['no region', { region: '' }],
    ['no key', { credentials: { accessKeyId, secretAccessKey: '' } }],
    ['nothing', { credentials: undefined as never }],
    ['an unknown option', { signingName: 'glue' } as never],
  ])('%s is INVALID_ARGUMENT', async (_, more) => {
    const error = await failureOf(
      Promise.resolve().then(() =>
        sigV4({ region: 'eu-central-1', credentials: { accessKeyId, secretAccessKey }, ...more }),
      ),
    );
    expect(error.code).toBe('INVALID_ARGUMENT');
    expectHidden(error, [secretAccessKey]);
  });
});
