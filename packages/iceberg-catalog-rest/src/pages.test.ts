import { expect, test } from 'vitest';
import { allPages } from './pages.ts';

test('pages that bring nothing new end, also when each has a token of its own', async () => {
  let count = 0;
  const load = async () => {
    count += 1;
    if (count > 10_000) throw new Error('it goes on');
    return { items: ['a', 'b'], next: `token ${count}` };
  };
  await expect(allPages(load)).rejects.toThrow(/INVALID_METADATA/);
});

test('pages may be empty, as where the server filters, and may bring what moved to them meanwhile', async () => {
  const items = [['a', 'b'], ...Array.from({ length: 300 }, () => []), ['b', 'c']];
  const load = async (token: string) => {
    const page = Number(token);
    return { items: items[page]!, next: page + 1 < items.length ? String(page + 1) : undefined };
  };
  expect(await allPages(load)).toEqual(['a', 'b', 'c']);
});
