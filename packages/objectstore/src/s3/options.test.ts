import { describe, expect, test } from 'vitest';
import { ObjectStoreError } from '../errors.ts';
import { resolveS3Options, type S3ObjectStoreOptions } from './options.ts';

const MIB = 1024 * 1024;

function refusal(options: object): string {
  try {
    resolveS3Options({ bucket: 'bucket', ...options } as S3ObjectStoreOptions);
    return 'accepted';
  } catch (error) {
    if (!ObjectStoreError.is(error)) throw error;
    return `${error.code} ${error.context['option']}`;
  }
}

test('only the bucket is needed; the rest has defaults', () => {
  expect(resolveS3Options({ bucket: 'bucket' })).toMatchObject({
    bucket: 'bucket',
    region: undefined,
    endpoint: undefined,
    pathStyle: false,
    credentials: 'default-chain',
    conditionalPuts: true,
    partSizeBytes: 8 * MIB,
    multipartThresholdBytes: 16 * MIB,
    partConcurrency: 4,
    requestTimeoutMs: 30_000,
    connectTimeoutMs: 5_000,
    maxConcurrent: 64,
  });
});

test('the threshold follows a larger part size', () => {
  expect(resolveS3Options({ bucket: 'bucket', partSizeBytes: 64 * MIB }).multipartThresholdBytes).toBe(
    64 * MIB,
  );
});

test.each([
  [{ partSize: 1 }, 'partSize'],
  [{ resilience: { retries: 3 } }, 'retries'],
  [{ components: { fetch } }, 'fetch'],
  [{ credentials: { accessKeyId: 'a', secretAccessKey: 'b', token: 'c' } }, 'token'],
  [{ credentials: { accessKeyId: 'a', secretAccessKey: '' } }, 'credentials'],
  [{ credentials: { accessKeyId: 'a', secretAccessKey: 'b', sessionToken: '' } }, 'credentials'],
  [{ credentials: 'anybody' }, 'credentials'],
  [{ credentials: null }, 'credentials'],
  [{ region: 'eu central' }, 'region'],
  [{ region: '' }, 'region'],
  [{ pathStyle: 'yes' }, 'pathStyle'],
  [{ conditionalPuts: 1 }, 'conditionalPuts'],
  [{ partSizeBytes: 5 * MIB - 1 }, 'partSizeBytes'],
  [{ partSizeBytes: 5 * 1024 * MIB + 1 }, 'partSizeBytes'],
  [{ multipartThresholdBytes: 8 * MIB - 1 }, 'multipartThresholdBytes'],
  [{ partConcurrency: 0 }, 'partConcurrency'],
  [{ partConcurrency: 65 }, 'partConcurrency'],
  [{ requestTimeoutMs: 0 }, 'requestTimeoutMs'],
  [{ requestTimeoutMs: 2 ** 31 }, 'requestTimeoutMs'],
  [{ connectTimeoutMs: 1.5 }, 'connectTimeoutMs'],
])('%j is refused', (options, option) => {
  expect(refusal(options)).toBe(`INVALID_ARGUMENT ${option}`);
});

describe('bucket names', () => {
  test.each(['abc', 'a.b-c.1', 'x'.repeat(63), '1.2.3'])('%s is one', (bucket) => {
    expect(refusal({ bucket })).toBe('accepted');
  });
  test.each([
    ...['ab', 'x'.repeat(64), 'Upper', 'under_score', '-start', 'end-', 'a..b', '192.168.0.1', '', 'a/b'],
    ...['arn:aws:s3:eu-west-1:1:accesspoint/x', 'ümlaut', 'new\nline', undefined, 7],
  ])('%s is none', (bucket) => {
    expect(refusal({ bucket })).toBe('INVALID_ARGUMENT bucket');
  });
  test('directory buckets, which list in no order, are NOT_SUPPORTED', () => {
    expect(refusal({ bucket: 'logs--use1-az4--x-s3' })).toBe('NOT_SUPPORTED undefined');
  });
});

describe('endpoints', () => {
  test.each(['http://127.0.0.1:9000', 'https://s3.example.com', 'http://[::1]:9000', 'https://host/base'])(
    '%s is one',
    (endpoint) => expect(refusal({ endpoint })).toBe('accepted'),
  );
  test.each([
    ...[
      '127.0.0.1:9000',
      'ftp://host',
      'http://',
      '',
      'http://host/?x=1',
      'http://host/#x',
      'https://u@host',
    ],
  ])('%s is none', (endpoint) => expect(refusal({ endpoint })).toBe('INVALID_ARGUMENT endpoint'));
  test('one with a password is refused without showing it', () => {
    const options = { bucket: 'bucket', endpoint: 'http://user:hunter2@host' };
    expect(() => resolveS3Options(options)).toThrow(/without user/);
    expect(() => resolveS3Options(options)).not.toThrow(/hunter2/);
  });
});

test('keys that a client of the AWS SDK was given, too, are keys', () => {
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b', $source: { CREDENTIALS_CODE: 'e' } };
  expect(() => resolveS3Options({ bucket: 'bucket', credentials })).not.toThrow();
});
