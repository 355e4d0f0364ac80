import { expect, test } from 'vitest';
import * as wal from '../../src/index.ts';
import { crashRun, emptyStatistics, SEEDS } from './crash-driver.ts';

test(`${SEEDS} seeded logs keep every promise through power loss, kill, failed I/O and full disks`, {
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
  // The rounds were worth running: each kind of trouble was met.
  for (const [what, count] of Object.entries(statistics)) expect(count, what).toBeGreaterThan(20);
});
