import { expect, test, vi } from 'vitest';

test('the example of evolution runs and prints what came of the table', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  await import('../examples/evolve.ts');
  expect(log.mock.calls).toEqual([['1 order_id, 4 ship_to, 2 placed_at, 3 remark'], ['order_id_bucket_16']]);
  log.mockRestore();
});
