import assert from 'node:assert/strict';
import { assertBytes, assertStored, bytes, pattern, text } from './bodies.ts';
import { assertFails, type ConformanceCase, type ResolvedParameters } from './conformance-case.ts';
import { keys, listAll } from './listings.ts';

export function putCases({ multipartBytes }: ResolvedParameters): readonly ConformanceCase[] {
  return [
    {
      name: 'put, then get and head give the object back',
      async run(store) {
        const before = Date.now();
        await store.put('a/b.txt', bytes('hello'));
        await assertStored(store, 'a/b.txt', 'hello');
        const head = await store.head('a/b.txt');
        assert.equal(head.key, 'a/b.txt');
        assert.equal(head.sizeBytes, 5);
        assert.ok(Number.isInteger(head.lastModifiedMs));
        // Clocks of file systems are coarse and may run behind the process's by a tick; other machines' by more.
        assert.ok(Math.abs(head.lastModifiedMs - before) < 120_000);
      },
    },
    {
      name: 'what put says of size and etag is what head, get and list say',
      async run(store) {
        for (const body of [bytes(''), bytes('small'), pattern(multipartBytes)]) {
          const put = await store.put('k', body);
          assert.equal(put.sizeBytes, body.byteLength);
          const { meta: got } = await store.get('k', { range: { start: 0, endExclusive: 0 } });
          for (const meta of [await store.head('k'), got, ...(await listAll(store, 'k'))]) {
            assert.equal(meta.sizeBytes, put.sizeBytes);
            assert.equal(meta.etag, put.etag);
          }
          assert.equal((await store.head('k')).versionId, put.versionId);
          assert.equal(got.versionId, put.versionId);
        }
      },
    },
    {
      name: 'put replaces an object, with another etag',
      async run(store) {
        const first = await store.put('k', bytes('a longer first version'));
        const second = await store.put('k', bytes('second'));
        await assertStored(store, 'k', 'second');
        assert.equal((await store.head('k')).sizeBytes, 6);
        assert.notEqual(first.etag, second.etag);
      },
    },
    {
      name: '60 versions of one size put right after each other have 60 etags',
      async run(store) {
        const etags = new Set<string>();
        for (let version = 100; version < 160; version += 1) {
          etags.add((await store.put('k', bytes(`version ${version}`))).etag);
        }
        assert.equal(etags.size, 60);
      },
    },
    {
      name: 'an empty object is an object',
      async run(store) {
        await store.put('empty', new Uint8Array());
        assert.equal((await store.get('empty')).bytes.byteLength, 0);
        assert.equal((await store.head('empty')).sizeBytes, 0);
        assert.deepEqual(await keys(store, ''), ['empty']);
      },
    },
    {
      name: 'bytes of all values come back as they were',
      async run(store) {
        const body = pattern(70_000);
        await store.put('bin', body);
        assertBytes((await store.get('bin')).bytes, body);
      },
    },
    {
      name: 'a large body given whole comes back as it was',
      async run(store) {
        const body = pattern(multipartBytes + 1);
        await store.put('large', body);
        assertBytes((await store.get('large')).bytes, body);
      },
    },
    {
      name: 'a view into a larger buffer is stored alone, and bodies are not shared with the store',
      async run(store) {
        const whole = bytes('abcdefgh');
        await store.put('view', whole.subarray(2, 5));
        whole.fill(0);
        assert.equal(text((await store.get('view')).bytes), 'cde');
      },
    },
    {
      name: 'what is no body is INVALID_ARGUMENT, and nothing is put',
      async run(store) {
        const wrong: unknown[] = [undefined, null, 'text', 5, {}, [bytes('x')], new ArrayBuffer(4)];
        for (const body of wrong) {
          await assertFails('INVALID_ARGUMENT', () => store.put('k', body as Uint8Array));
        }
        assert.deepEqual(await keys(store, ''), []);
      },
    },
  ];
}
