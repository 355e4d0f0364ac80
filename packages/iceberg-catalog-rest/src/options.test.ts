import { expect, test } from 'vitest';
import { type RestCatalogOptions, resolveRestCatalogOptions } from './options.ts';

const uri = 'http://127.0.0.1:8181';

test.each<[string, object]>([
  ['a key that there is not', { url: uri }],
  ['a key of resilience that there is not', { resilience: { retries: 3 } }],
  ['no URI', { uri: 'catalog' }],
  ['a URI of files', { uri: 'file:///catalog' }],
  ['a URI with a password', { uri: 'http://a:b@127.0.0.1/' }],
  ['a URI with a query', { uri: 'http://127.0.0.1/?a=b' }],
  ['an empty warehouse', { warehouse: '' }],
  ['a prefix with a query', { prefix: 'a?b' }],
  ['a header that is the catalog’s', { headers: { 'Idempotency-Key': 'a' } }],
  ['a header that is no header', { headers: { 'a b': 'a' } }],
  ['a header with a line end', { headers: { a: 'b\r\nc: d' } }],
  ['a delegation that there is not', { accessDelegation: ['everything'] }],
  ['a page of nothing', { pageSize: 0 }],
  ['half a table', { cachedTables: 0.5 }],
  ['too short replies', { maxReplyBytes: 10 }],
  ['no time', { connectTimeoutMs: 0 }],
  ['no connection', { maxConnections: 0 }],
])('%s is INVALID_ARGUMENT', (_, wrong) => {
  expect(() => resolveRestCatalogOptions({ uri, ...wrong } as RestCatalogOptions)).toThrow(
    /INVALID_ARGUMENT/,
  );
});

test('what is left open has its default, and the URI no slash at its end', () => {
  const resolved = resolveRestCatalogOptions({
    uri: 'https://catalog.example.com/iceberg//',
    prefix: '/a/b/',
    headers: { 'X-Tenant': 'a' },
    accessDelegation: ['vended-credentials', 'remote-signing'],
  });
  expect(resolved).toMatchObject({
    uri: 'https://catalog.example.com/iceberg',
    prefix: 'a/b',
    headers: { 'x-tenant': 'a', 'x-iceberg-access-delegation': 'vended-credentials,remote-signing' },
    cachedTables: 16,
    maxReplyBytes: 2 ** 28,
    connectTimeoutMs: 10_000,
    maxConnections: 64,
  });
});
