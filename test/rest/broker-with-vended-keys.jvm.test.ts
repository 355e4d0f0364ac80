// A broker that has no keys to S3 of its own: Apache's REST catalog server gives them with each table. It is killed on the
// way, so that the next start asks for them anew.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { runKillLoop, TOPIC } from '../../apps/broker/test/crash/kill-loop.ts';
import { identify } from '../../apps/broker/test/crash/message-stream.ts';
import { findViolations } from '../../apps/broker/test/crash/oracle.ts';
import { readTable } from '../../apps/broker/test/interop/judges.ts';
import {
  type RestFixture,
  s3Properties,
  startRestFixture,
} from '../../packages/iceberg-catalog-rest/test/support/rest-fixture.ts';
import { createBucket } from '../../packages/objectstore/test/support/s3-client.ts';
import { type S3Server, startVersitygw } from '../../packages/objectstore/test/support/s3-servers.ts';
import { BUCKET, judgeOf } from '../s3/broker-config.ts';

const KILLS = 3;

let s3: S3Server;
let fixture: RestFixture;
beforeAll(async () => {
  s3 = await startVersitygw();
  await createBucket(s3, BUCKET);
  fixture = await startRestFixture({
    warehouse: `s3://${BUCKET}`,
    properties: s3Properties(s3, { vended: true }),
  });
}, 60_000);
afterAll(async () => {
  vi.unstubAllEnvs();
  await fixture?.stop();
  await s3?.stop();
});

/** The broker inherits what this process has, and shall find no keys in it. */
function forgetKeys(): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined);
  vi.stubEnv('AWS_CONFIG_FILE', '/dev/null');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null');
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
}

test(`with the keys that the catalog vends, and ${KILLS} kills: each acknowledged message is in the table once and was delivered`, async () => {
  forgetKeys();
  const dataDir = await mkdtemp(join(tmpdir(), 'danube-vended-'));
  const seed = Number(process.env['DANUBE_SEED'] ?? Date.now() % 2 ** 31);
  console.log(`seed ${seed}; DANUBE_SEED=${seed} repeats the choices of this run`);
  const uri = fixture.catalog('vended');
  // Where S3 is Apache's server does not say, only with which keys.
  const storageLines = [
    'catalog:',
    '  type: rest',
    `  uri: ${uri}`,
    '  access_delegation: vended-credentials',
    `object_store: {type: s3, endpoint: "${s3.endpoint}", region: ${s3.region}}`,
  ];
  const result = await runKillLoop({
    dataDir,
    rounds: KILLS,
    seed,
    perSecond: 500,
    killDelayMs: 60,
    storageLines,
    onRound: console.log,
  });
  const { readers, rows } = await readTable(uri, TOPIC, judgeOf(s3));

  const table = rows.map(({ offset, payload }) => ({
    offset,
    id: identify(seed, Buffer.from(payload, 'base64')),
  }));
  expect([...result.violations, ...findViolations({ ...result, table })]).toEqual([]);
  expect(result.acked.size).toBeGreaterThan(0);
  for (const [name, seen] of Object.entries(readers)) expect(seen, name).toEqual(readers['pyiceberg-static']);
  await rm(dataDir, { recursive: true });
}, 120_000);
