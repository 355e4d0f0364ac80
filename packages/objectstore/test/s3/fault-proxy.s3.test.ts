import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { GetObjectCommand, PutObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type FaultProxy, openFaultProxy, type Rule, slowDown } from '../support/fault-proxy.ts';
import { createBucket, s3Client } from '../support/s3-client.ts';
import { type S3Server, startMoto, startVersitygw } from '../support/s3-servers.ts';

const Bucket = 'proxied';
// Beyond 2 MiB the SDK asks for `100 Continue` first.
const body = randomBytes(2 * 1024 * 1024 + 1);

async function outcome(request: Promise<unknown>): Promise<string> {
  try {
    await request;
    return 'done';
  } catch (error) {
    if (error instanceof S3ServiceException) return `${error.$metadata.httpStatusCode} ${error.name}`;
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

describe.each([
  ['versitygw', () => startVersitygw()],
  ['moto', () => startMoto()],
])('%s behind the fault proxy', (name, start) => {
  let server: S3Server;
  beforeAll(async () => {
    server = await start();
    await createBucket(server, Bucket);
  });
  afterAll(() => server.stop());

  async function behind(rules: Record<string, Rule>): Promise<{ proxy: FaultProxy; client: S3Client }> {
    const proxy = await openFaultProxy(server.endpoint);
    for (const [rule, what] of Object.entries(rules)) proxy.rule(rule, what);
    const client = s3Client({ ...server, endpoint: proxy.endpoint });
    onTestFinished(async () => {
      client.destroy();
      await proxy.close();
    });
    return { proxy, client };
  }

  test('signed requests pass: a body sent after 100 Continue, and an aws-chunked stream', async () => {
    const { proxy, client } = await behind({});
    const stream = { Body: Readable.from([body]), ContentLength: body.length };
    for (const [Key, what] of Object.entries({ whole: { Body: body }, stream })) {
      await client.send(new PutObjectCommand({ Bucket, Key, ...what }));
      const got = await client.send(new GetObjectCommand({ Bucket, Key }));
      expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(body)).toBe(true);
    }
    const put = proxy.requests.filter(({ method }) => method === 'PUT');
    expect(put.map(({ headers }) => [headers['expect'], headers['content-encoding']])).toEqual([
      ['100-continue', undefined],
      ['100-continue', 'aws-chunked'],
    ]);
    expect(put.map(({ status }) => status)).toEqual([200, 200]);
  });

  test('a put whose reply is lost was done: the second try is told so', async () => {
    const { proxy, client } = await behind({ lost: { method: 'PUT', fault: { kind: 'lose-reply' } } });
    const put = () =>
      outcome(client.send(new PutObjectCommand({ Bucket, Key: 'lost', Body: 'x', IfNoneMatch: '*' })));
    expect([await put(), await put()]).toEqual(['ECONNRESET', '412 PreconditionFailed']);
    expect(proxy.fired('lost')).toBe(1);
  });

  test('an SDK that tries again gets through a SlowDown', async () => {
    const { proxy } = await behind({ slow: { fault: slowDown() } });
    const client = s3Client({ ...server, endpoint: proxy.endpoint }, { maxAttempts: 2 });
    onTestFinished(() => client.destroy());
    await client.send(new PutObjectCommand({ Bucket, Key: 'slow', Body: 'x' }));
    expect(proxy.requests.map(({ status, rule }) => [status, rule])).toEqual([
      [503, 'slow'],
      [200, undefined],
    ]);
  });

  // moto checks neither.
  if (name === 'moto') return;

  test('a body that changed on the way is refused, whole and in aws-chunks', async () => {
    const { proxy, client } = await behind({
      flipped: { method: 'PUT', times: 2, fault: { kind: 'flip-request-byte' } },
    });
    const stream = { Body: Readable.from([body]), ContentLength: body.length };
    const put = (what: object) => outcome(client.send(new PutObjectCommand({ Bucket, Key: 'bad', ...what })));
    expect([await put({ Body: body }), await put(stream)]).toEqual([
      '400 XAmzContentSHA256Mismatch',
      '400 BadDigest',
    ]);
    expect(proxy.fired('flipped')).toBe(2);
    expect(await outcome(client.send(new GetObjectCommand({ Bucket, Key: 'bad' })))).toBe('404 NoSuchKey');
  });
});
