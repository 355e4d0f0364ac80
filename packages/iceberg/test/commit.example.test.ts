import { expect, test, vi } from 'vitest';

test('the example of the README runs and prints what it says', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  await import('../examples/append.ts');
  expect(log.mock.calls).toEqual([['1000']]);
  log.mockRestore();
});
