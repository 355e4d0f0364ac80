import assert from 'node:assert/strict';
import type { ObjectMeta, ObjectStore, PutOptions } from '../object-store.ts';
import { bytes, chunked, pattern } from './bodies.ts';
import { assertFails, type ConformanceCase, type ResolvedParameters } from './conformance-case.ts';
import { keys } from './listings.ts';

const contentType = 'text/csv; charset=utf-8; header="present, or not"';
const metadata = {
  'rows-written': '1200',
  note: 'spaces  inside,=;:%20 &+\'"',
  '9-lives': '~!@#$^*()[]{}|<>?/',
  constructor: 'a name that objects have by themselves',
};

/** What head, get and getStream say of an object; the same, or this throws. */
async function described(store: ObjectStore, key: string): Promise<ObjectMeta> {
  const head = await store.head(key);
  assert.deepEqual((await store.get(key)).meta, head, 'get says what head says');
  const { meta, stream } = await store.getStream(key);
  stream.destroy();
  assert.deepEqual(meta, head, 'getStream says what head says');
  return head;
}

async function assertAttributes(store: ObjectStore, key: string, expected: PutOptions): Promise<void> {
  const meta = await described(store, key);
  assert.equal(meta.contentType, expected.contentType);
  assert.deepEqual({ ...meta.metadata }, expected.metadata);
}

const without: readonly ConformanceCase[] = [
  {
    name: 'contentType and metadata are NOT_SUPPORTED, and nothing is put',
    async run(store) {
      for (const options of [{ contentType: 'text/csv' }, { metadata: { a: 'b' } }, { metadata: {} }]) {
        await assertFails('NOT_SUPPORTED', () => store.put('k', bytes('x'), options));
      }
      assert.deepEqual(await keys(store, ''), []);
    },
  },
  {
    name: 'nothing is said of contentType and metadata',
    async run(store) {
      await store.put('k', bytes('x'));
      const meta = await described(store, 'k');
      assert.equal(meta.contentType, undefined);
      assert.equal(meta.metadata, undefined);
    },
  },
];

/** Content type and metadata of objects. */
export function attributeCases(
  able: boolean,
  { multipartBytes }: ResolvedParameters,
): readonly ConformanceCase[] {
  if (!able) return without;
  const refused = (name: string, all: readonly PutOptions[]): ConformanceCase => ({
    name: `${name} INVALID_ARGUMENT, and nothing is put`,
    async run(store) {
      for (const options of all) {
        await assertFails('INVALID_ARGUMENT', () => store.put('k', bytes('x'), options));
      }
      assert.deepEqual(await keys(store, ''), []);
    },
  });
  const sized = (sizeBytes: number) => ({ metadata: { name: 'x'.repeat(sizeBytes - 'name'.length) } });
  return [
    {
      name: 'content type and metadata come back by head, get and getStream',
      async run(store) {
        await store.put('k', bytes('x'), { contentType, metadata });
        await assertAttributes(store, 'k', { contentType, metadata });
      },
    },
    {
      name: 'streams, also large ones, are put with content type and metadata as bytes are',
      async run(store) {
        for (const sizeBytes of [100, multipartBytes]) {
          await store.put('k', chunked(pattern(sizeBytes)), { contentType, metadata });
          await assertAttributes(store, 'k', { contentType, metadata });
        }
      },
    },
    {
      name: 'an object put without content type and metadata has none of the object it replaced',
      async run(store) {
        await store.put('k', bytes('x'), { contentType, metadata });
        await store.put('k', bytes('y'));
        const meta = await described(store, 'k');
        assert.deepEqual({ ...meta.metadata }, {});
        // A store may say a type of its own for what nobody said one of.
        assert.notEqual(meta.contentType, contentType);
      },
    },
    {
      name: 'a metadata value may be empty',
      async run(store) {
        await store.put('k', bytes('x'), { metadata: { empty: '', full: 'x' } });
        assert.deepEqual({ ...(await described(store, 'k')).metadata }, { empty: '', full: 'x' });
      },
    },
    {
      name: 'metadata of 2,000 bytes is kept, also with a condition',
      async run(store) {
        await store.put('k', bytes('x'), { ...sized(2000), ifAbsent: store.capabilities.ifAbsent });
        assert.deepEqual({ ...(await described(store, 'k')).metadata }, sized(2000).metadata);
      },
    },
    refused('metadata of 2,001 bytes is', [sized(2001)]),
    refused(
      'names of metadata with anything but lower-case letters, digits and hyphens are',
      ['Upper', 'under_score', 'with space', 'ü', '', 'a:b', 'new\nline'].map((name) => ({
        metadata: { [name]: 'x' },
      })),
    ),
    refused(
      'values of metadata that are not printable ASCII without spaces at the ends are',
      ['ü', ' before', 'behind ', 'new\nline', '\t', '\x7f', 7 as unknown as string].map((value) => ({
        metadata: { name: value },
      })),
    ),
    refused(
      'content types that could not be a header are',
      ['', ' text/csv', 'text/csv\r\nx: y', 'text/ü'].map((wrong) => ({ contentType: wrong })),
    ),
  ];
}
