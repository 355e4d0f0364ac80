import { expect, test } from 'vitest';
import { createMemoryObjectStore, ObjectStoreError, withPrefix } from '../../src/index.ts';
import { withFaults } from '../../src/testing.ts';
import { bytes, outcome, text } from '../local/helpers.ts';
import { conformanceOverMemory, overriding, pagesOf, streamText } from './support.ts';

conformanceOverMemory((store) => withPrefix(store, 'some where/é'));

const error = (call: Promise<unknown>) =>
  call.then(
    () => expect.fail('it did not fail'),
    (thrown: unknown) => {
      if (!ObjectStoreError.is(thrown)) throw thrown;
      return thrown;
    },
  );

test('keys lie below the prefix, and nothing beside it is seen or touched', async () => {
  const store = createMemoryObjectStore();
  for (const key of ['a', 'p', 'p-', 'p0', 'pp/x', 'q/p/x']) await store.put(key, bytes('other'));
  const below = withPrefix(store, 'p/');
  await below.put('x/1', bytes('1'));
  await below.put('y', bytes('2'));
  expect(text((await store.get('p/x/1')).bytes)).toBe('1');
  const pages = await pagesOf(below.list('', { delimiter: '/' }));
  expect(pages.flatMap((page) => page.commonPrefixes)).toEqual(['x/']);
  expect(pages.flatMap((page) => page.objects.map(({ key }) => key))).toEqual(['y']);
  await below.copy('y', 'z');
  expect(await below.deleteMany(['x/1', 'y', 'z', 'never'])).toEqual([]);
  const left = (await pagesOf(store.list(''))).flatMap((page) => page.objects.map(({ key }) => key));
  expect(left).toEqual(['a', 'p', 'p-', 'p0', 'pp/x', 'q/p/x']);
});

test('a prefix in a prefix puts one behind the other', async () => {
  const store = createMemoryObjectStore();
  await withPrefix(withPrefix(store, 'a'), 'b/c').put('d', bytes('x'));
  expect((await store.head('a/b/c/d')).key).toBe('a/b/c/d');
});

test('errors name the key that the caller knows, and keep everything else', async () => {
  const below = withPrefix(createMemoryObjectStore(), 'secret/place');
  await below.put('there', bytes('x'));
  const errors = [
    await error(below.get('gone')),
    await error(below.head('gone')),
    await error(below.copy('gone', 'to')),
    await error(below.put('there', bytes('y'), { ifAbsent: true })),
    await error(below.get('there', { ifMatch: 'other' })),
    await error(below.get('there', { range: { start: 9, endExclusive: 10 } })),
    await error(pagesOf(below.list('//'))),
    await error(pagesOf(below.list('x', { startAfter: '/' }))),
    await error(below.put('no//key', bytes('x'))),
    ...(await below.deleteMany(['no//key'])).map((failure) => failure.error),
  ];
  expect(errors.map(({ code }) => code)).toEqual([
    ...['NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'ALREADY_EXISTS', 'PRECONDITION_FAILED', 'INVALID_RANGE'],
    ...['INVALID_PATH', 'INVALID_PATH', 'INVALID_PATH', 'INVALID_PATH'],
  ]);
  for (const { code, message, context } of errors) {
    expect(message).toMatch(new RegExp(`^${code}: (?!.*${code})`));
    const { belowPrefix, ...facts } = context;
    expect(JSON.stringify([message, facts])).not.toContain('secret/place');
    expect([undefined, 'secret/place/']).toContain(belowPrefix);
  }
  expect(errors[0]?.context).toEqual({ key: 'gone', belowPrefix: 'secret/place/' });
});

test('an error keeps its cause and whether it is worth another try', async () => {
  const store = createMemoryObjectStore();
  const failing = overriding(store, {
    head: async () => {
      throw new ObjectStoreError('TIMEOUT', 'no answer about "p/k"', { cause: 'wire', retryable: true });
    },
  });
  expect(await error(withPrefix(failing, 'p').head('k'))).toMatchObject({
    message: 'TIMEOUT: no answer about "k"',
    cause: 'wire',
    retryable: true,
  });
  const reason = new Error('enough');
  const aborted = await error(withPrefix(store, 'p').head('k', { signal: AbortSignal.abort(reason) }));
  expect(aborted).toMatchObject({ code: 'ABORTED', cause: reason });
});

test('a stream of a part of the store has its bytes and shows the key without the prefix', async () => {
  const below = withPrefix(createMemoryObjectStore(), 'p');
  await below.put('k', bytes('0123456789'));
  const { meta, stream } = await below.getStream('k', { range: { start: 2, endExclusive: 5 } });
  expect(meta.key).toBe('k');
  expect(await streamText(stream)).toBe('234');
});

test('a batch refuses what is no key in its place, and never makes a key of it', async () => {
  const store = createMemoryObjectStore();
  await store.put('p/undefined', bytes('x'));
  const below = withPrefix(store, 'p');
  const failures = await below.deleteMany(['a', '', '../q', undefined as unknown as string, '/b', 'c']);
  expect(failures.map(({ key, error: { code } }) => [key, code])).toEqual([
    ['', 'INVALID_PATH'],
    ['../q', 'INVALID_PATH'],
    [undefined, 'INVALID_PATH'],
    ['/b', 'INVALID_PATH'],
  ]);
  expect(await outcome(store.head('p/undefined'))).toBe('done');
});

test('failures of a batch come in the order of its keys, whoever refused them', async () => {
  const faulty = withFaults(createMemoryObjectStore(), {
    seed: 1,
    rules: [{ fault: 'unavailable', keys: (key) => key.endsWith('stuck') }],
  });
  const failures = await withPrefix(faulty, 'p').deleteMany(['stuck', '', 'a', 'b/stuck', '//', 'stuck']);
  expect(failures.map(({ key, error: { code } }) => [key, code])).toEqual([
    ['stuck', 'UNAVAILABLE'],
    ['', 'INVALID_PATH'],
    ['b/stuck', 'UNAVAILABLE'],
    ['//', 'INVALID_PATH'],
    ['stuck', 'UNAVAILABLE'],
  ]);
  expect(failures[0]?.error.context['key']).toBe('stuck');
});

test('a prefix with characters that messages escape is taken off, too; a listing of no text is refused', async () => {
  const below = withPrefix(createMemoryObjectStore(), 'a"b\t');
  for (const call of [below.get('gone'), pagesOf(below.list('//'))]) {
    expect((await error(call)).message).not.toMatch(/a"b|a\\"b/);
  }
  expect((await error(pagesOf(below.list(undefined as never)))).code).toBe('INVALID_PATH');
});

test('what is no prefix is refused, and one that leaves no room for a key, too', () => {
  const store = createMemoryObjectStore();
  for (const prefix of ['', '/', '/a', 'a//b', '..', 'a/../b', 'a//', 'a\\b', `${'x'.repeat(1023)}`]) {
    expect(() => withPrefix(store, prefix), prefix).toThrow(/^INVALID_PATH/);
  }
  expect(withPrefix(store, 'x'.repeat(1022)).capabilities.maxKeyBytes).toBe(1);
});

test('closing the part closes the store', async () => {
  const store = createMemoryObjectStore();
  await withPrefix(store, 'p').close();
  expect(await outcome(store.head('k'))).toBe('CLOSED');
});
