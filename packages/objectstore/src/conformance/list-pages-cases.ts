import assert from 'node:assert/strict';
import { bytes } from './bodies.ts';
import type { ConformanceCase, ResolvedParameters } from './conformance-case.ts';
import { keys, pages, putKeys } from './listings.ts';

/** Long listings, and listings of what changes meanwhile. */
export function listPagesCases({ manyKeys }: ResolvedParameters): readonly ConformanceCase[] {
  return [
    {
      name: `${manyKeys} objects come in more than one page by default, each once and in order`,
      async run(store) {
        const all = Array.from({ length: manyKeys }, (_, i) => `m/${i % 7}/${String(i).padStart(5, '0')}`);
        await putKeys(store, all);
        await store.put('n', bytes('another'));
        const sorted = [...all].sort();
        const found = await pages(store, 'm/');
        assert.ok(found.every(({ objects }) => objects.length <= 1000));
        const listed = found.flatMap(({ objects }) => objects.map(({ key }) => key));
        assert.deepEqual(listed, sorted);
        assert.deepEqual(await keys(store, 'm/', { pageSize: 333 }), sorted);
        assert.deepEqual(await keys(store, 'm/', { startAfter: sorted[1000] }), sorted.slice(1001));
      },
    },
    {
      name: 'deleting what was listed, page by page, empties the store',
      async run(store) {
        await putKeys(
          store,
          Array.from({ length: 25 }, (_, i) => `x/${i % 3}/${i}`),
        );
        let seen = 0;
        for await (const page of store.list('x/', { pageSize: 4 })) {
          for (const meta of page.objects) await store.delete(meta.key);
          seen += page.objects.length;
        }
        assert.equal(seen, 25);
        assert.deepEqual(await keys(store, ''), []);
      },
    },
    {
      name: 'what is there from the first page to the last is listed once, whatever comes and goes',
      async run(store) {
        const kept = Array.from({ length: 40 }, (_, i) => `k/${String(i).padStart(2, '0')}`);
        const leaving = kept.map((key) => `${key}-leaving`);
        await putKeys(store, [...kept, ...leaving]);
        const seen: string[] = [];
        for await (const { objects } of store.list('k/', { pageSize: 6 })) {
          seen.push(...objects.map(({ key }) => key));
          const page = seen.length;
          for (const key of leaving.splice(0, 3)) await store.delete(key);
          await putKeys(store, [`k/${String(page % 40).padStart(2, '0')}-coming`, `k/00-coming-${page}`]);
        }
        assert.deepEqual(
          seen.filter((key) => kept.includes(key)),
          kept,
        );
        assert.equal(new Set(seen).size, seen.length, 'no key is listed twice');
        assert.deepEqual(seen, [...seen].sort());
      },
    },
  ];
}
