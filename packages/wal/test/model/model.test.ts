import { expect, test } from 'vitest';
import * as wal from '../../src/index.ts';
import { countRounds } from '../crash/crash-driver.ts';
import { checkModel, MODEL_RUNS, MODEL_SEED, type PropertyParameters } from './log-property.ts';

/**
 * To replay a failure, hand over what fast-check reported of it:
 * `WAL_MODEL='{"seed":1,"path":"17:3:0","replayPath":"AAAAAB:f"}' npm run x -- vitest run --project packages/wal model`.
 * `WAL_MODEL='{"seed":2,"numRuns":5000}'` runs others.
 */
const given = JSON.parse(process.env.WAL_MODEL ?? '{}') as Partial<PropertyParameters>;

test('any sequence of appends, syncs, rotations, truncations, crashes and flips leaves the log as an array would be', {
  timeout: 600_000,
}, async () => {
  const statistics = await checkModel(wal, { seed: MODEL_SEED, numRuns: MODEL_RUNS, ...given });
  console.log('model runs:', JSON.stringify(statistics));
  if (given.path !== undefined) return;
  const runs = given.numRuns ?? MODEL_RUNS;
  expect(countRounds(statistics)).toBeGreaterThan(2 * runs);
  for (const { powerLosses, kills } of Object.values(statistics.rounds)) {
    expect(Math.min(powerLosses, kills)).toBeGreaterThan(runs / 5);
  }
});
