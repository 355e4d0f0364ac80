import { expect, test } from 'vitest';
import { createMemoryCatalog } from '../../src/index.ts';
import { createMemoryFileIO, type RandomWritersReport, runRandomWriters } from '../../src/testing.ts';

const identifier = { namespace: ['default'], name: 'events' };

async function runSeed(seed: number): Promise<RandomWritersReport> {
  const io = createMemoryFileIO();
  const catalog = createMemoryCatalog({ io, warehouse: 'mem://wh' });
  await catalog.createNamespace(['default']);
  await catalog.createTable(identifier, {
    schema: { fields: [{ id: 1, name: 'id', required: true, type: 'long' }] },
    properties: { 'commit.manifest.min-count-to-merge': '5' },
  });
  return runRandomWriters({ catalog, identifier, io, seed, writers: 4, appendsEach: 6, faultRate: 0.2 });
}

test('writers behind a bad network: what was reported committed is there once, what failed is not, of the rest each once or not', async () => {
  const first = (Date.now() % 1_000_000) * 100;
  const sum = { committed: 0, unknown: 0, unknownLanded: 0 };
  for (let seed = first; seed < first + 6; seed += 1) {
    const report = await runSeed(seed);
    expect(report.violations, `seed ${seed}`).toEqual([]);
    sum.committed += report.committed;
    sum.unknown += report.unknown;
    sum.unknownLanded += report.unknownLanded;
  }
  // The network was bad, and most got through.
  expect(sum.committed, `seeds from ${first}`).toBeGreaterThan(100);
});
