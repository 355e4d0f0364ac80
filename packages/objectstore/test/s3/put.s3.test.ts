import { beforeAll, describe, expect, test } from 'vitest';
import { putObject } from '../../src/s3/write/put-object.ts';
import { PUT_TOKEN, withoutPutToken } from '../../src/s3/write/put-outcome.ts';
import { outcome } from '../local/helpers.ts';
import { startMoto, startVersitygw } from '../support/s3-servers.ts';
import { type Bucket, body, chunks, connect, connectFaulty, MIB, openBucket } from './put-harness.ts';

/** How many rounds of a race: each must have one winner. */
const ROUNDS = Number(process.env['DANUBE_RACE_ROUNDS'] ?? 25);
const RACERS = 12;

describe.each([
  ['versitygw', () => startVersitygw()],
  ['moto', () => startMoto()],
])('puts on %s', (_, start) => {
  let bucket: Bucket;
  beforeAll(async () => {
    bucket = await openBucket(start());
  });

  test.each([0, 1, 64 * 1024 + 1, 5 * MIB - 1])(
    '%i bytes, whole and as a stream, are one request',
    async (size) => {
      const { proxy, put } = await connectFaulty(bucket);
      const content = body(size);
      const whole = await put(`whole-${size}`, content);
      const streamed = await put(`streamed-${size}`, chunks(content, 10_000));
      expect(whole.sizeBytes).toBe(size);
      expect(streamed).toEqual(whole);
      expect((await bucket.read(`whole-${size}`))?.equals(content)).toBe(true);
      expect((await bucket.read(`streamed-${size}`))?.equals(content)).toBe(true);
      expect(proxy.requests.map(({ method, query }) => `${method} ${query}`)).toEqual(
        Array(2).fill('PUT x-id=PutObject'),
      );
    },
  );

  test('a request has one checksum, ours, no trailer, and a token only with a condition', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    await put('plain', Buffer.from('hello'));
    await put('conditional', Buffer.from('hello'), { ifAbsent: true });
    for (const { headers } of proxy.requests) {
      const checksums = Object.keys(headers).filter((header) => header.startsWith('x-amz-checksum-'));
      expect(checksums).toEqual(['x-amz-checksum-crc32']);
      expect(headers['x-amz-checksum-crc32']).toBe('NhCmhg==');
      expect(headers['x-amz-trailer']).toBeUndefined();
      expect(headers['content-encoding']).toBeUndefined();
      expect(headers['content-length']).toBe('5');
    }
    expect(proxy.requests.map(({ headers }) => typeof headers[`x-amz-meta-${PUT_TOKEN}`])).toEqual([
      'undefined',
      'string',
    ]);
  });

  test('content type and metadata are kept beside the token, which is hidden', async () => {
    const connection = await connect(bucket);
    const options = { ifAbsent: true, contentType: 'text/plain', metadata: { origin: 'here', n: '1' } };
    await putObject(connection, 'described', Buffer.from('x'), options);
    const metadata = await bucket.metadata('described');
    expect(Object.keys(metadata).toSorted()).toEqual([PUT_TOKEN, 'n', 'origin']);
    expect(withoutPutToken(metadata)).toEqual({ origin: 'here', n: '1' });
    const source = chunks(Buffer.from('x'), 1);
    const taken = putObject(connection, 'taken', source, { metadata: { [PUT_TOKEN]: 'mine' } });
    expect(await outcome(taken)).toBe('INVALID_ARGUMENT');
    expect((await source.next()).value).toEqual(Buffer.from('x'));
    expect(await bucket.read('taken')).toBeUndefined();
  });

  test('ifAbsent and ifMatch are kept, and their refusals change nothing', async () => {
    const connection = await connect(bucket);
    const put = (text: string, options: object) => putObject(connection, 'kept', Buffer.from(text), options);
    const first = await put('first', { ifAbsent: true });
    expect(await outcome(put('late', { ifAbsent: true }))).toBe('ALREADY_EXISTS');
    expect(await outcome(put('wrong', { ifMatch: '0123' }))).toBe('PRECONDITION_FAILED');
    expect(await bucket.read('kept')).toEqual(Buffer.from('first'));
    const second = await put('second', { ifMatch: first.etag });
    expect(await outcome(put('stale', { ifMatch: first.etag }))).toBe('PRECONDITION_FAILED');
    expect(await bucket.read('kept')).toEqual(Buffer.from('second'));
    expect(second.etag).not.toBe(first.etag);
    const none = putObject(connection, 'none', Buffer.from('x'), { ifMatch: first.etag });
    expect(await outcome(none)).toBe('PRECONDITION_FAILED');
    expect(await bucket.read('none')).toBeUndefined();
  });
});

describe('a race on versitygw', () => {
  let bucket: Bucket;
  beforeAll(async () => {
    bucket = await openBucket(startVersitygw());
  });

  test(`of ${RACERS} puts with ifAbsent exactly one wins, in each of ${ROUNDS} rounds`, async () => {
    const connection = await connect(bucket);
    for (let round = 0; round < ROUNDS; round += 1) {
      const key = `race/${round}`;
      const outcomes = await Promise.all(
        Array.from({ length: RACERS }, (_, racer) =>
          outcome(putObject(connection, key, Buffer.from(`racer ${racer}`), { ifAbsent: true })),
        ),
      );
      const winner = outcomes.indexOf('done');
      expect(outcomes.toSorted()).toEqual([...Array(RACERS - 1).fill('ALREADY_EXISTS'), 'done']);
      expect((await bucket.read(key))?.toString()).toBe(`racer ${winner}`);
    }
  }, 60_000);
});
