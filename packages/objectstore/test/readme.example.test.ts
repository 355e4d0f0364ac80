import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, type MockInstance, test, vi } from 'vitest';

let log: MockInstance<typeof console.log>;
beforeEach(() => {
  log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
});
afterEach(() => log.mockRestore());

const read = (path: string) => readFile(new URL(`../${path}`, import.meta.url), 'utf8');

test('the smallest example runs and prints what it says', async () => {
  await import('../examples/smallest.ts');
  expect(log.mock.calls).toEqual([['{"ok":true}', 11]]);
});

test('the example of streams runs and prints what it says', async () => {
  await import('../examples/streams.ts');
  expect(log.mock.calls).toEqual([[true], ['Grace'], [['1', 'Ada']], ['ABORTED', 'the user left']]);
});

test('the example of conditions runs and prints what it says', async () => {
  await import('../examples/conditions.ts');
  expect(log.mock.calls).toEqual([[1], ['20'], ['NOT_MODIFIED']]);
});

test('the example of listing, copying and deleting runs and prints what it says', async () => {
  await import('../examples/list-copy-delete.ts');
  expect(log.mock.calls).toEqual([
    ['reports/2026/11/01.json', 10],
    ['reports/2026/11/02.json', 10],
    ['reports/2026/11/ reports/2026/12/'],
    ['../not a key', 'INVALID_PATH'],
  ]);
});

test('the example of a factory runs and prints what it says', async () => {
  await import('../examples/factory.ts');
  expect(log.mock.calls).toEqual([[11], ['no location']]);
});

test('the example of wrappers runs and prints what it says', async () => {
  await import('../examples/wrappers.ts');
  expect(log.mock.calls).toEqual([['put', 'ok', 11], [11]]);
});

test('every block of the README that names an example is a part of it', async () => {
  const readme = await read('README.md');
  const blocks = [...readme.matchAll(/<!-- (examples\/[\w.-]+) -->\n```ts\n(.*?)```/gs)];
  expect(blocks.length).toBeGreaterThanOrEqual(4);
  for (const [, path = '', block = ''] of blocks) {
    const program = await read(path);
    expect(program, path).toContain(block.trim());
  }
});
