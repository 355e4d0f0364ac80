import { expect, test } from 'vitest';
import { storageConfigFor } from './storage-access.ts';

test('keys of a credential never meet the session token of the table, whose other settings stay', () => {
  const access = {
    location: 's3://b/t',
    config: {
      's3.access-key-id': 'a',
      's3.secret-access-key': 'b',
      's3.session-token': 'c',
      's3.endpoint': 'e',
    },
    credentials: [
      { prefix: 's3://b/t', config: { 's3.access-key-id': 'x', 's3.secret-access-key': 'y' } },
      { prefix: 's3://b/u', config: { 'client.region': 'r' } },
    ],
  };
  expect(storageConfigFor(access, 's3://b/t/f')).toEqual({
    's3.access-key-id': 'x',
    's3.secret-access-key': 'y',
    's3.endpoint': 'e',
  });
  expect(storageConfigFor(access, 's3://b/u/f')).toEqual({ ...access.config, 'client.region': 'r' });
});

test('a credential for s3:// is one for s3a:// and s3n://, which are the same bucket', () => {
  const keys = { 's3.access-key-id': 'x' };
  const access = { location: 's3a://b/t', config: {}, credentials: [{ prefix: 's3://b/t', config: keys }] };
  for (const scheme of ['s3', 's3a', 's3n'])
    expect(storageConfigFor(access, `${scheme}://b/t/f`)).toEqual(keys);
  expect(storageConfigFor(access, 'gs://b/t/f')).toEqual({});
});

test('of several credentials the longest prefix counts, however its scheme is written', () => {
  const credentials = [
    { prefix: 's3a://b/t', config: { 's3.access-key-id': 'short' } },
    { prefix: 's3://b/t/', config: { 's3.access-key-id': 'long' } },
  ];
  const access = { location: 's3://b/t', config: {}, credentials };
  expect(storageConfigFor(access, 's3://b/t/f')).toEqual({ 's3.access-key-id': 'long' });
  expect(storageConfigFor(access, 's3://b/t2/f')).toEqual({ 's3.access-key-id': 'short' });
});
