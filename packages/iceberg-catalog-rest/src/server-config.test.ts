import { describe, expect, test } from 'vitest';
import { resolveRestCatalogOptions } from './options.ts';
import { durationMs, readServerConfig } from './server-config.ts';

const options = resolveRestCatalogOptions({ uri: 'https://catalog.example.com/iceberg/' });
const read = (json: Parameters<typeof readServerConfig>[0]['json']) =>
  readServerConfig({ status: 200, etag: undefined, json }, options);

test.each([
  ['PT30M', 1_800_000],
  ['P1D', 86_400_000],
  ['P1DT2H3M4.5S', 93_784_500],
  ['PT0.5S', 500],
  ['PT0S', undefined],
  ['P', undefined],
  ['PT', undefined],
  ['P1M', undefined],
  ['30 minutes', undefined],
  ['-PT5M', undefined],
])('duration %s', (text, expected) => {
  expect(durationMs(text)).toBe(expected);
});

describe('a configuration', () => {
  test('that says nothing offers what every server has, and takes no keys', () => {
    const config = read({});
    expect(config).toMatchObject({
      uri: 'https://catalog.example.com/iceberg',
      prefix: '',
      namespaceSeparator: '%1F',
    });
    expect(config.idempotencyLifetimeMs).toBeUndefined();
    expect(config.offers('commitTransaction')).toBe(true);
    expect(
      ['tableExists', 'namespaceExists', 'loadCredentials'].filter((name) => config.offers(name as never)),
    ).toEqual([]);
  });

  test('that lists endpoints offers these only', () => {
    const config = read({
      endpoints: ['POST /v1/{prefix}/tables/rename', 'POST v1/oauth/tokens', '', 'nonsense'],
    });
    expect(config.offers('renameTable')).toBe(true);
    expect(config.offers('loadTable')).toBe(false);
    // As Iceberg Java takes it: a server that offers nothing is none.
    expect(read({ endpoints: [] }).offers('loadTable')).toBe(true);
  });

  test('may direct to another server, but not to one that is not encrypted', () => {
    expect(read({ overrides: { uri: 'https://other.example.com/' } }).uri).toBe('https://other.example.com');
    expect(read({ defaults: { uri: 'https://other.example.com/' } }).uri).toBe(
      'https://catalog.example.com/iceberg',
    );
    expect(() => read({ overrides: { uri: 'http://other.example.com/' } })).toThrow(/not encrypted/);
    expect(() => read({ overrides: { uri: 'file:///etc' } })).toThrow(/INVALID_ARGUMENT/);
  });

  test.each([
    [null],
    [[]],
    ['text'],
    [{ defaults: [] }],
    [{ endpoints: [1] }],
    [{ overrides: { 'namespace-separator': '%' } }],
    [{ overrides: { 'namespace-separator': '%FF' } }],
    [{ overrides: { 'namespace-separator': '?%' } }],
    [{ overrides: { prefix: 'a?b' } }],
    [{ overrides: { prefix: 'a#b' } }],
    [{ overrides: { prefix: 'a/../../b' } }],
    [{ defaults: { prefix: '%2E%2e/b' } }],
    [{ overrides: { prefix: 'a\\b' } }],
  ])('that is none is INVALID_METADATA: %j', (json) => {
    expect(() => read(json as never)).toThrow(/INVALID_METADATA/);
  });

  test.each([
    ['#', '%23'],
    ['?', '%3F'],
    ['/', '%2F'],
    [' ', '%20'],
    ['\u001f', '%1F'],
    ['\t', '%09'],
    ['%2E', '%2E'],
    ['.', '.'],
    ['--', '--'],
  ])('whose separator is not encoded, %j, has it encoded: it would end the path', (given, sent) => {
    expect(read({ overrides: { 'namespace-separator': given } }).namespaceSeparator).toBe(sent);
  });

  test('may have a prefix with everything that a path may have', () => {
    for (const prefix of [
      'arn%3Aaws%3As3tables%3A1%3Abucket%2Fb',
      'main|s3://b',
      'catalogs/my cat',
      'a:b/...',
    ]) {
      expect(read({ overrides: { prefix: `/${prefix}/` } }).prefix).toBe(prefix);
    }
  });
});
