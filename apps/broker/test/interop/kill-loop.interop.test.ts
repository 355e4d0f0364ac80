// kill -9 twenty times while messages flow; what was acknowledged is judged by PyIceberg and DuckDB.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runKillLoop, TOPIC } from '../crash/kill-loop.ts';
import { identify } from '../crash/message-stream.ts';
import { findViolations } from '../crash/oracle.ts';
import { readTable } from './judges.ts';

test('killed 20 times under load, in every phase: each acknowledged message is in the table once and was delivered', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'danube-kill-'));
  const seed = Number(process.env['DANUBE_SEED'] ?? Date.now() % 2 ** 31);
  console.log(`seed ${seed}; DANUBE_SEED=${seed} repeats the choices of this run`);
  const result = await runKillLoop({ dataDir, rounds: 20, seed, onRound: console.log });
  const { readers, rows } = await readTable(join(dataDir, 'data'), TOPIC);
  const table = rows.map(({ offset, payload }) => ({
    offset,
    id: identify(seed, Buffer.from(payload, 'base64')),
  }));

  expect([...result.violations, ...findViolations({ ...result, table })]).toEqual([]);
  for (const [name, seen] of Object.entries(readers)) expect(seen, name).toEqual(readers['pyiceberg-static']);
  expect(
    Object.entries(result.hits).filter(([, kills]) => kills === 0),
    JSON.stringify(result.hits),
  ).toEqual([]);
  // A figure, not a verdict: 2,000 a second are handed over, and a busy machine may acknowledge fewer.
  console.log(
    `${result.ackedPerSecond} acknowledged a second (median over the last second before each kill)`,
  );
  await rm(dataDir, { recursive: true });
}, 600_000);
