import { describe, expect, test, vi } from 'vitest';
import {
  checkObjectStore,
  createMemoryObjectStore,
  type ListPage,
  type ObjectStore,
  ObjectStoreError,
  openLocalObjectStore,
  type PutOptions,
  withMetrics,
  withPrefix,
} from '../../src/index.ts';
import { withFaults } from '../../src/testing.ts';
import { bytes, outcome, tempDir } from '../local/helpers.ts';
import { overriding, pagesOf } from '../wrappers/support.ts';

const keysOf = async (store: ObjectStore) =>
  (await pagesOf(store.list(''))).flatMap((page) => page.objects.map(({ key }) => key));

test('honest stores pass and are left as they were, also with an object beside the prefix', async () => {
  for (const store of [
    createMemoryObjectStore(),
    await openLocalObjectStore({ root: await tempDir() }),
    withPrefix(createMemoryObjectStore(), 'some/where'),
  ]) {
    await store.put('wh', bytes('x'));
    await checkObjectStore(store);
    await checkObjectStore(store, { prefix: 'warehouse/' });
    await checkObjectStore(store, { prefix: 'wh-' });
    expect(await keysOf(store)).toEqual(['wh']);
  }
});

test('what a store does not declare is not asked of it', async () => {
  const none = { ifAbsent: false, ifMatch: false, attributes: false, flatKeys: true };
  const conditions: PutOptions[] = [];
  const memory = createMemoryObjectStore();
  const store = overriding(memory, {
    capabilities: none,
    put: (key, body, options = {}) => {
      conditions.push(options);
      return memory.put(key, body, options);
    },
  });
  await checkObjectStore(store);
  expect(conditions.flatMap((options) => Object.keys(options))).toEqual([]);
});

/** Stores that break one promise each, as servers have been seen to. */
const liars: readonly [string, string, RegExp, (store: ObjectStore) => Partial<ObjectStore>][] = [
  [
    'ignores If-None-Match',
    'if-absent',
    /accepted a put with ifAbsent .* although there was an object/,
    (store) => ({ put: (key, body, { ifAbsent: _, ...options } = {}) => store.put(key, body, options) }),
  ],
  [
    'refuses with If-None-Match, and replaces',
    'if-absent',
    /refused a put with ifAbsent, and replaced/,
    (store) => ({
      put: async (key, body, options = {}) => {
        const there = await outcome(store.head(key));
        const { ifAbsent, ...others } = options;
        const result = await store.put(key, body, others);
        if (ifAbsent && there === 'done') throw new ObjectStoreError('ALREADY_EXISTS', 'so it says');
        return result;
      },
    }),
  ],
  [
    'looks whether there is an object and puts it later',
    'if-absent',
    /of 8 simultaneous puts with ifAbsent it accepted 8/,
    (store) => ({
      put: async (key, body, { ifAbsent, ...options } = {}) => {
        if (ifAbsent && (await outcome(store.head(key))) === 'done') {
          throw new ObjectStoreError('ALREADY_EXISTS', 'it is there');
        }
        await new Promise((resolve) => setTimeout(resolve, 5));
        return store.put(key, body, options);
      },
    }),
  ],
  [
    'ignores If-Match',
    'if-match',
    /accepted a put with ifMatch .* although another version/,
    (store) => ({ put: (key, body, { ifMatch: _, ...options } = {}) => store.put(key, body, options) }),
  ],
  [
    'refuses with If-Match, and replaces',
    'if-match',
    /refused a put with ifMatch, and replaced/,
    (store) => ({
      put: async (key, body, options = {}) => {
        const result = await store.put(key, body, options).catch(async (error: unknown) => {
          if (options.ifMatch !== undefined) await store.put(key, body);
          throw error;
        });
        return result;
      },
    }),
  ],
  [
    'reads what it has read before',
    'read-your-write',
    /a read after a put does not give what was put/,
    (store) => {
      const cache = new Map<string, ReturnType<ObjectStore['get']>>();
      return {
        get: (key, options) => {
          const got = cache.get(key) ?? store.get(key, options);
          cache.set(key, got);
          return got;
        },
        // The first put, read by head: now the cache is old.
        put: async (key, body, options) => {
          const result = await store.put(key, body, options);
          cache.set(key, cache.get(key)?.catch(() => store.get(key)) ?? store.get(key));
          await cache.get(key);
          return result;
        },
      };
    },
  ],
  [
    'tells of an old version',
    'read-your-write',
    /head after a put tells of another version/,
    (store) => ({ head: async (key, options) => ({ ...(await store.head(key, options)), etag: 'old' }) }),
  ],
  [
    'ignores Range',
    'ranges',
    /a read of a range does not give its bytes/,
    (store) => ({ get: (key, { range: _, ...options } = {}) => store.get(key, options) }),
  ],
  [
    'lists late',
    'listing',
    /a listing after a put does not show/,
    (store) => ({ list: (_, options) => store.list('nothing/', options) }),
  ],
  [
    'lists encoded keys',
    'listing',
    /a listing after a put does not show/,
    (store) => ({
      async *list(prefix, options): AsyncGenerator<ListPage, void, void> {
        for await (const page of store.list(prefix, options)) {
          const objects = page.objects.map((meta) => ({ ...meta, key: meta.key.replaceAll(' ', '+') }));
          yield { ...page, objects };
        }
      },
    }),
  ],
  [
    'drops metadata',
    'attributes',
    /content type or metadata are not given back/,
    (store) => ({ put: (key, body, { metadata: _, ...options } = {}) => store.put(key, body, options) }),
  ],
  [
    'deletes nothing',
    'delete',
    /still read after its delete/,
    (store) => ({ delete: async () => {}, head: (key, options) => store.head(key, options) }),
  ],
  [
    'deletes one of many',
    'delete',
    /still read after its delete/,
    (store) => ({
      deleteMany: (keys, options) => store.deleteMany(keys.slice(0, keys.length > 4 ? 2 : 1), options),
    }),
  ],
  [
    'lists what is gone',
    'delete',
    /still listed after its delete/,
    (store) => {
      const seen = new Map<string, ListPage['objects'][number]>();
      return {
        async *list(prefix, options): AsyncGenerator<ListPage, void, void> {
          for await (const page of store.list(prefix, options)) {
            for (const meta of page.objects) seen.set(meta.key, meta);
          }
          yield { objects: [...seen.values()], commonPrefixes: [] };
        },
      };
    },
  ],
];

describe('a store that', () => {
  test.each(liars)('%s is found out, with what it does wrong', async (_, promise, says, lie) => {
    const store = createMemoryObjectStore();
    await store.put('other', bytes('x'));
    const error = await checkObjectStore(overriding(store, lie(store))).catch((thrown: unknown) => thrown);
    expect(ObjectStoreError.is(error) && error.code, String(error)).toBe('NOT_SUPPORTED');
    const { message, context } = error as ObjectStoreError;
    expect(message).toMatch(says);
    expect(context['promise']).toBe(promise);
    // It cleans up after itself also then, as far as the store lets it.
    if (promise !== 'delete') expect(await keysOf(store)).toEqual(['other']);
  });
});

test('what a call fails with is thrown as it is, and what was put is removed', async () => {
  for (const [rule, code] of [
    [{ fault: 'unavailable', operations: ['get'], nth: 1 }, 'UNAVAILABLE'],
    [{ fault: 'reply-lost', operations: ['put'], nth: 1 }, 'PUT_STATE_UNKNOWN'],
    [{ fault: 'throttled', operations: ['list'] }, 'THROTTLED'],
  ] as const) {
    const store = createMemoryObjectStore();
    expect(await outcome(checkObjectStore(withFaults(store, { seed: 1, rules: [rule] })))).toBe(code);
    expect(await keysOf(store)).toEqual([]);
  }
  const closed = createMemoryObjectStore();
  await closed.close();
  expect(await outcome(checkObjectStore(closed))).toBe('CLOSED');
});

test('an abort ends it at any call, and nothing is left behind', async () => {
  for (let after = 1; after <= 20; after += 1) {
    const controller = new AbortController();
    const memory = createMemoryObjectStore();
    let calls = 0;
    const store = withMetrics(memory, {
      onCall: () => {
        calls += 1;
        if (calls === after) controller.abort();
      },
    });
    expect(await outcome(checkObjectStore(store, { signal: controller.signal }))).toBe('ABORTED');
    expect(await keysOf(memory)).toEqual([]);
  }
});

/** Ends only with its signal, as a call to a server that takes connections and says nothing. */
const silent = (signal: AbortSignal | undefined) =>
  new Promise<never>((_, reject) => {
    const end = () => reject(new ObjectStoreError('ABORTED', 'ended', { cause: signal?.reason }));
    if (signal?.aborted) end();
    else signal?.addEventListener('abort', end);
  });

test('a store that says nothing holds nobody up: without a put there is nothing to remove, else not for long', async () => {
  const memory = createMemoryObjectStore();
  const removals: unknown[] = [];
  const deleteMany: ObjectStore['deleteMany'] = (_, options) => {
    removals.push(options);
    return silent(options?.signal);
  };
  const controller = new AbortController();
  const deaf = overriding(memory, { get: (_, options) => silent(options?.signal), deleteMany });
  const unread = outcome(checkObjectStore(deaf, { signal: controller.signal }));
  controller.abort();
  expect(await unread).toBe('ABORTED');
  expect(removals).toEqual([]);

  const late = new AbortController();
  const limit = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(late.signal);
  const half = overriding(memory, { head: (_, options) => silent(options?.signal), deleteMany });
  const check = new AbortController();
  const unanswered = outcome(checkObjectStore(half, { signal: check.signal }));
  check.abort();
  await vi.waitFor(() => expect(removals).toHaveLength(1));
  expect(limit.mock.calls).toEqual([[5_000]]);
  limit.mockRestore();
  late.abort();
  expect(await unanswered).toBe('ABORTED');
});

test('options that are none are refused', async () => {
  const store = createMemoryObjectStore();
  expect(await outcome(checkObjectStore(store, { prefix: '/x' }))).toBe('INVALID_PATH');
  expect(await outcome(checkObjectStore(store, { prefx: 'x' } as never))).toBe('INVALID_ARGUMENT');
});
