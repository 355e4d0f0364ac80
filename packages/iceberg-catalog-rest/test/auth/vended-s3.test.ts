import { IcebergError } from '@danube/iceberg';
import { describe, expect, test } from 'vitest';
import { vendedS3Credentials, vendedS3Settings } from '../../src/auth/vended-s3.ts';
import type { StorageAccess } from '../../src/storage-access.ts';
import { expectHidden, failureOf } from '../support/auth-requests.ts';

const keys = (name: string, more: Record<string, string> = {}) => ({
  's3.access-key-id': `id-${name}`,
  's3.secret-access-key': `secret-${name}`,
  ...more,
});
const location = 's3://bucket/warehouse/db/orders';
const access = (more: Partial<StorageAccess> = {}): StorageAccess => ({
  location,
  config: {},
  credentials: [],
  ...more,
});
const identifier = { namespace: ['db'], name: 'orders' };
const never = () => Promise.reject(new Error('was asked'));
/** A catalog without a credentials endpoint, whose loads give this. */
const loading = (storageAccess: () => Promise<StorageAccess>) => ({
  identifier,
  catalog: {
    storageAccess,
    loadCredentials: () => Promise.reject(new IcebergError('UNSUPPORTED_FEATURE', 'no such endpoint')),
  },
});

describe('which keys', () => {
  test('the credential with the longest prefix of the location wins, whatever the order', async () => {
    const credentials = [
      's3://bucket/warehouse/db/',
      's3://bucket/',
      's3://bucket/warehouse/db/orders/more',
    ].map((prefix) => ({ prefix, config: keys(prefix) }));
    for (const order of [credentials, credentials.toReversed()]) {
      const given = access({ config: keys('table'), credentials: order });
      const provider = vendedS3Credentials(given, loading(never));
      expect((await provider?.())?.accessKeyId).toBe('id-s3://bucket/warehouse/db/');
    }
  });

  test('a longer prefix whose credential is not for S3 does not hide the keys', async () => {
    const credentials = [
      { prefix: 's3://bucket/', config: keys('bucket') },
      { prefix: location, config: { 'gcs.oauth2.token': 'another store' } },
    ];
    const provider = vendedS3Credentials(access({ credentials }), loading(never));
    expect((await provider?.())?.accessKeyId).toBe('id-bucket');
  });

  test('keys without a session token do not get that of the table beside them', async () => {
    const config = keys('table', {
      's3.session-token': 'of-the-table',
      's3.session-token-expires-at-ms': '1',
    });
    const credentials = [{ prefix: 's3://bucket/', config: keys('bucket') }];
    const provider = vendedS3Credentials(access({ config, credentials }), loading(never));
    expect(await provider?.()).toEqual({ accessKeyId: 'id-bucket', secretAccessKey: 'secret-bucket' });
  });

  test('an empty session token, or an empty end, is none', async () => {
    const config = keys('table', { 's3.session-token': '', 's3.session-token-expires-at-ms': '' });
    const provider = vendedS3Credentials(access({ config }), loading(never));
    expect(await provider?.()).toEqual({ accessKeyId: 'id-table', secretAccessKey: 'secret-table' });
  });

  test('Hadoop’s schemes mean the same bucket', async () => {
    const credentials = [{ prefix: 's3://bucket/warehouse', config: keys('bucket') }];
    const provider = vendedS3Credentials(
      access({ location: 's3a://bucket/warehouse/t', credentials }),
      loading(never),
    );
    expect((await provider?.())?.accessKeyId).toBe('id-bucket');
  });

  test('where the server gives no keys for the location there is no function', () => {
    const credentials = [{ prefix: 's3://other/', config: keys('other') }];
    expect(vendedS3Credentials(access({ credentials }), loading(never))).toBeUndefined();
  });
});

describe('how long', () => {
  const nowMs = () => 1_000_000;
  const until = (name: string, ms: number) =>
    keys(name, { 's3.session-token': `token-${name}`, 's3.session-token-expires-at-ms': String(ms) });

  test('the keys of the load are given first, with their end, and then the server is asked each time', async () => {
    let asked = 0;
    const refresh = async () => access({ config: until(`renewed-${++asked}`, 9_000_000) });
    const provider = vendedS3Credentials(access({ config: until('loaded', 2_000_000) }), {
      ...loading(refresh),
      nowMs,
    });
    expect(await provider?.()).toEqual({
      accessKeyId: 'id-loaded',
      secretAccessKey: 'secret-loaded',
      sessionToken: 'token-loaded',
      expiresAtMs: 2_000_000,
    });
    expect(asked).toBe(0);
    expect((await provider?.())?.accessKeyId).toBe('id-renewed-1');
    expect((await provider?.())?.accessKeyId).toBe('id-renewed-2');
  });

  test('keys of the load that have all but ended are not given', async () => {
    const refresh = async () => access({ config: until('renewed', 9_000_000) });
    const provider = vendedS3Credentials(access({ config: until('loaded', 1_020_000) }), {
      ...loading(refresh),
      nowMs,
    });
    expect((await provider?.())?.accessKeyId).toBe('id-renewed');
  });

  test('a server that gives none any more is ACCESS_DENIED; its own failure is passed on', async () => {
    const answers = [async () => access(), () => Promise.reject(new Error('catalog away'))];
    const provider = vendedS3Credentials(
      access({ config: keys('loaded') }),
      loading(() => (answers.shift() ?? never)()),
    );
    await provider?.();
    expect((await failureOf(provider?.() as Promise<unknown>)).code).toBe('ACCESS_DENIED');
    await expect(provider?.()).rejects.toThrow('catalog away');
  });

  test('the credentials endpoint is asked before a load, and a load where it gives none for the location', async () => {
    const asked: string[] = [];
    const answers = [
      [{ prefix: 's3://bucket/', config: until('endpoint', 9_000_000) }],
      [{ prefix: 's3://elsewhere/', config: until('elsewhere', 9_000_000) }],
    ];
    const catalog = {
      loadCredentials: async () => {
        asked.push('credentials');
        return answers.shift() ?? [];
      },
      storageAccess: async () => {
        asked.push('load');
        return access({ config: until('reloaded', 9_000_000) });
      },
    };
    const given = access({ config: until('loaded', 2_000_000) });
    const provider = vendedS3Credentials(given, { catalog, identifier, nowMs });
    await provider?.();
    expect(asked).toEqual([]);
    expect((await provider?.())?.accessKeyId).toBe('id-endpoint');
    expect(asked).toEqual(['credentials']);
    expect((await provider?.())?.accessKeyId).toBe('id-reloaded');
    expect(asked).toEqual(['credentials', 'credentials', 'load']);
  });

  test.each([
    ['no secret', { 's3.access-key-id': 'id-1' }],
    ['an end that is no number', { ...keys('a'), 's3.session-token-expires-at-ms': 'soon' }],
  ])('%s is INVALID_METADATA, and shows no key', async (_, config) => {
    const provider = vendedS3Credentials(access({ config }), loading(never));
    const error = await failureOf(provider?.() as Promise<unknown>);
    expect(error.code).toBe('INVALID_METADATA');
    expectHidden(error, ['secret-a']);
  });
});

describe('settings of the store', () => {
  test('endpoint, path style and region are those of the table, under those of the credential', () => {
    const config = {
      's3.endpoint': 'http://a:1',
      's3.path-style-access': 'TRUE',
      'client.region': 'eu-west-1',
    };
    expect(vendedS3Settings(access({ config }))).toEqual({
      endpoint: 'http://a:1',
      pathStyle: true,
      region: 'eu-west-1',
    });
    const credentials = [
      { prefix: 's3://bucket/', config: { 's3.endpoint': 'http://b:2', 's3.path-style-access': 'false' } },
    ];
    expect(
      vendedS3Settings(access({ config: { ...config, 's3.region': 'eu-west-2' }, credentials })),
    ).toEqual({
      endpoint: 'http://b:2',
      pathStyle: false,
      region: 'eu-west-2',
    });
  });

  test('what the server does not say is left to the store', () => {
    expect(vendedS3Settings(access())).toEqual({});
  });
});
