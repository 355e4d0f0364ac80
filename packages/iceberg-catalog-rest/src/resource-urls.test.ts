import { expect, test } from 'vitest';
import { ResourceUrls } from './resource-urls.ts';

const urls = (more: Partial<ConstructorParameters<typeof ResourceUrls>[0]> = {}) =>
  new ResourceUrls({ uri: 'http://server', prefix: '', namespaceSeparator: '%1F', ...more });

test.each([
  ['a b', 'a%20b'],
  ['a+b', 'a%2Bb'],
  ['a/b', 'a%2Fb'],
  ['a\\b', 'a%5Cb'],
  ['a?b#c', 'a%3Fb%23c'],
  ['%2e%2E', '%252e%252E'],
  ['...', '...'],
  ['a\tb\nc', 'a%09b%0Ac'],
  ['ü€😀', '%C3%BC%E2%82%AC%F0%9F%98%80'],
  ["!'()*~", "!'()*~"],
  [' a ', '%20a%20'],
  ['\u0000', '%00'],
])('the name %j is one segment of a path, whatever is in it', (name, segment) => {
  const { href } = urls({ prefix: 'p/q' }).table({ namespace: [name, 'x'], name });
  expect(href).toBe(`http://server/v1/p/q/namespaces/${segment}%1Fx/tables/${segment}`);
});

test.each([
  ['%1F', 'a\u001fb'],
  ['.', 'a.b'],
  ['%2F', 'a/b'],
  ['%2f', 'a/b'],
])(
  'a level that holds the separator %s cannot be told from two, and is refused',
  (namespaceSeparator, level) => {
    const namespace = [level];
    expect(() => urls({ namespaceSeparator }).namespace(namespace)).toThrow(/INVALID_ARGUMENT/);
    expect(() => urls({ namespaceSeparator }).table({ namespace, name: 'c' })).toThrow(/INVALID_ARGUMENT/);
    // As the name of a table it is nothing special.
    expect(urls({ namespaceSeparator }).table({ namespace: ['c'], name: level }).pathname).toContain(
      'tables/a',
    );
  },
);

test('a level with a point is another one than two levels where the separator is an encoded point', () => {
  const encoded = urls({ namespaceSeparator: '%2E' });
  expect(encoded.namespace(['a.b']).pathname).toBe('/v1/namespaces/a.b');
  expect(encoded.namespace(['a', 'b']).pathname).toBe('/v1/namespaces/a%2Eb');
});
