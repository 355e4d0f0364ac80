import { expect, test, vi } from 'vitest';

test('the example of transactions in the README runs and prints what it says', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  await import('../examples/transactions.ts');
  expect(log.mock.calls).toEqual([['150'], [true]]);
  log.mockRestore();
});
