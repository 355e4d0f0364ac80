import { expect, test } from 'vitest';
import { compareKeys } from './key.ts';
import { groupOf, isFrom, type ListEntry, type ListStart, pagesOf, parseListRequest } from './list-pages.ts';
import type { ListOptions } from './object-store.ts';

/** A store of keys; entries from a start on, as an implementation gives them. */
function entriesOf(keys: readonly string[], prefix: string, delimiter: boolean) {
  return async (start: ListStart | undefined, most: number): Promise<ListEntry[]> => {
    const names = new Map<string, ListEntry>();
    for (const key of keys.toSorted(compareKeys)) {
      if (!key.startsWith(prefix) || !isFrom(key, start)) continue;
      const group = delimiter ? groupOf(key, prefix) : undefined;
      const object = { key, sizeBytes: 0, lastModifiedMs: 0, etag: 'e' };
      names.set(group ?? key, group === undefined ? { name: key, object } : { name: group });
    }
    return [...names.values()].slice(0, most);
  };
}

async function listed(keys: readonly string[], prefix: string, options: ListOptions = {}) {
  const asked: number[] = [];
  const read = entriesOf(keys, prefix, options.delimiter === '/');
  const pages: string[][] = [];
  const request = parseListRequest(prefix, options);
  for await (const page of pagesOf(request, options.signal, (start, most) => {
    asked.push(most);
    return read(start, most);
  })) {
    pages.push([...page.objects.map(({ key }) => key), ...page.commonPrefixes]);
  }
  return { pages, asked };
}

test('pages are full but for the last, and nothing is asked for behind it', async () => {
  const keys = ['a', 'b', 'c', 'd', 'e'];
  expect(await listed(keys, '', { pageSize: 2 })).toEqual({
    pages: [['a', 'b'], ['c', 'd'], ['e']],
    asked: [3, 3, 3],
  });
  expect((await listed(keys, '', { pageSize: 5 })).asked).toEqual([6]);
  expect(await listed(keys, 'x')).toEqual({ pages: [], asked: [1001] });
});

test('a page that ends with a group goes on behind all of its keys', async () => {
  // U+FFFF and U+10FFFF are the last keys a group can have; '0' follows the slash.
  const keys = ['g/a', 'g/\uffff', 'g/\u{10ffff}', 'g/\u{10ffff}/x', 'g0', 'g-'];
  const { pages } = await listed(keys, '', { delimiter: '/', pageSize: 1 });
  expect(pages).toEqual([['g-'], ['g/'], ['g0']]);
});

// Goal: paging changes nothing. Method: random keys, all page sizes, against a listing of one page.
test('any page size and start gives what one page gives, for random keys', async () => {
  const seed = Number(process.env['DANUBE_SEED'] ?? 20_260_822);
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const letters = ['a', 'b', '-', '0', '/', '\uff5e', '\u{1f600}'];
  for (let round = 0; round < 60; round += 1) {
    const keys = Array.from({ length: 12 }, () =>
      Array.from({ length: 1 + random(5) }, () => letters[random(letters.length)]).join(''),
    ).filter((key) => !/^\/|\/$|\/\//.test(key));
    for (const delimiter of [undefined, '/'] as const) {
      const startAfter = keys[random(keys.length)];
      const options = { delimiter, ...(round % 2 === 0 && { startAfter }) };
      const whole = (await listed(keys, '', options)).pages.flat().toSorted();
      for (let pageSize = 1; pageSize < 8; pageSize += 1) {
        const { pages } = await listed(keys, '', { ...options, pageSize });
        expect(pages.flat().toSorted(), `seed ${seed}, round ${round}`).toEqual(whole);
        expect(pages.every((page) => page.length <= pageSize && page.length > 0)).toBe(true);
      }
    }
  }
});

test('an abort between two pages ends the listing before the next is read', async () => {
  const controller = new AbortController();
  let reads = 0;
  const read = entriesOf(['a', 'b', 'c'], '', false);
  const pages = pagesOf(parseListRequest('', { pageSize: 1 }), controller.signal, (start, most) => {
    reads += 1;
    return read(start, most);
  });
  await pages.next();
  controller.abort();
  await expect(pages.next()).rejects.toMatchObject({ code: 'ABORTED' });
  expect(reads).toBe(1);
});
