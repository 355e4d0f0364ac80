import { expect, test } from 'vitest';
import { sigV4Headers } from '../../src/auth/sigv4-signer.ts';
import vectors from '../fixtures/sigv4-vectors.json' with { type: 'json' };

/** As AWS publishes them with the suite. */
const accessKeyId = 'AKIDEXAMPLE';
const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';

interface Vector {
  readonly name: string;
  readonly method: string;
  readonly host?: string;
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly sessionToken?: string;
  /** Of the body, where it is sent and signed, as catalogs do. */
  readonly hash?: string;
  readonly signed: string;
  readonly signature: string;
}

test.each<Vector>(vectors as never)('AWS’s test suite: $name', async (vector) => {
  const { method, host = 'example.amazonaws.com', target, headers = {}, body, sessionToken, hash } = vector;
  const given = await sigV4Headers(
    {
      method,
      url: new URL(`https://${host}${target}`),
      headers,
      body: body === undefined ? undefined : new TextEncoder().encode(body),
    },
    {
      region: 'us-east-1',
      service: 'service',
      credentials: { accessKeyId, secretAccessKey, sessionToken },
      date: new Date('2015-08-30T12:36:00Z'),
      sendHash: hash !== undefined,
    },
  );
  expect(given).toEqual({
    authorization:
      `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20150830/us-east-1/service/aws4_request, ` +
      `SignedHeaders=${vector.signed}, Signature=${vector.signature}`,
    'x-amz-date': '20150830T123600Z',
    ...(hash !== undefined && { 'x-amz-content-sha256': hash }),
    ...(sessionToken !== undefined && { 'x-amz-security-token': sessionToken }),
  });
});
