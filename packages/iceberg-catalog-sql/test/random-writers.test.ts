import { createUnsyncedFileIO, runRandomWriters } from '@danube/iceberg/testing';
import { expect, test } from 'vitest';
import { openIn, orders, tempDir } from './support/fixture.ts';

test('writers behind a bad network: what was reported committed is there once, what failed is not', async () => {
  const dir = await tempDir();
  const io = createUnsyncedFileIO();
  const catalog = await openIn(dir, { io });
  await catalog.createNamespace(['default']);
  await catalog.createTable(orders, {
    schema: { fields: [{ id: 1, name: 'id', required: true, type: 'long' }] },
    properties: { 'commit.manifest.min-count-to-merge': '5' },
  });
  const seed = Date.now() % 1_000_000_007;
  const report = await runRandomWriters({
    catalog,
    identifier: orders,
    io,
    seed,
    writers: 3,
    appendsEach: 6,
    faultRate: 0.2,
  });
  expect(report.violations, `seed ${seed}`).toEqual([]);
  // How many use up their retries is up to the machine: here they really run beside each other.
  expect(report.committed, `seed ${seed}`).toBeGreaterThan(0);
});
