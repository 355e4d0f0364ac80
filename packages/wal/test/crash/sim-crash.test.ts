import { expect, test } from 'vitest';
import * as wal from '../../src/index.ts';
import { assertWorthRunning, countRounds, crashRun, emptyStatistics, SEEDS } from './crash-driver.ts';

test('2,000 crashes in all sync modes, with failed I/O and full disks in between, break no promise', {
  timeout: 120_000,
}, async () => {
  const statistics = emptyStatistics();
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      await crashRun(wal, seed, statistics);
    } catch (error) {
      throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
    }
  }
  console.log('crash rounds:', JSON.stringify(statistics));
  expect(countRounds(statistics)).toBeGreaterThanOrEqual(2000);
  assertWorthRunning(statistics);
});
