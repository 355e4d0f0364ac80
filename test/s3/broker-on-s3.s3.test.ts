// The whole path on S3, killed during uploads: what was acknowledged is in the table once, and no upload is left behind.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { runKillLoop, TOPIC } from '../../apps/broker/test/crash/kill-loop.ts';
import { identify } from '../../apps/broker/test/crash/message-stream.ts';
import { findViolations } from '../../apps/broker/test/crash/oracle.ts';
import { readTable } from '../../apps/broker/test/interop/judges.ts';
import { createBucket, uploadIds } from '../../packages/objectstore/test/support/s3-client.ts';
import { startVersitygw } from '../../packages/objectstore/test/support/s3-servers.ts';

const ROUNDS = 4;
/** Random bytes, which do not get smaller: a flush is larger than what goes into one request (16 MiB). */
const PER_SECOND = 300;
const MAX_PAYLOAD_BYTES = 240 * 1024;
const FLUSH_AGE_MS = 5000;

test(`killed ${ROUNDS} times while tables are on S3: each acknowledged message is in the table once, no upload is left`, async () => {
  const server = await startVersitygw();
  const dataDir = await mkdtemp(join(tmpdir(), 'danube-kill-s3-'));
  const seed = Number(process.env['DANUBE_SEED'] ?? Date.now() % 2 ** 31);
  console.log(`seed ${seed}; DANUBE_SEED=${seed} repeats the choices of this run`);
  const bucket = 'danube-warehouse';
  await createBucket(server, bucket);
  const uploads = () => uploadIds(server, bucket);
  const seenUploads = new Set<string>();
  const result = await runKillLoop({
    dataDir,
    rounds: ROUNDS,
    seed,
    perSecond: PER_SECOND,
    maxPayloadBytes: MAX_PAYLOAD_BYTES,
    flushAgeMs: FLUSH_AGE_MS,
    killWhen: async (round) => {
      // In the middle of an upload; the last time at some other moment.
      if (round === ROUNDS - 1) return sleep(3000);
      while ((await uploads()).every((id) => seenUploads.has(id))) await sleep(5);
    },
    storageLines: [
      'object_store:',
      '  type: s3',
      `  endpoint: ${server.endpoint}`,
      `  region: ${server.region}`,
      `  access_key_id: ${server.accessKeyId}`,
      `  secret_access_key: ${server.secretAccessKey}`,
      `warehouse: s3://${bucket}/`,
    ],
    onKilled: async () => {
      for (const id of await uploads()) seenUploads.add(id);
    },
    onRound: console.log,
  });
  const judge = {
    endpoint: server.endpoint,
    environment: {
      AWS_ACCESS_KEY_ID: server.accessKeyId,
      AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
      AWS_REGION: server.region,
    },
  };
  const { readers, rows } = await readTable(join(dataDir, 'data'), TOPIC, judge);
  const table = rows.map(({ offset, payload }) => ({
    offset,
    id: identify(seed, Buffer.from(payload, 'base64'), MAX_PAYLOAD_BYTES),
  }));

  expect([...result.violations, ...findViolations({ ...result, table })]).toEqual([]);
  for (const [name, seen] of Object.entries(readers)) expect(seen, name).toEqual(readers['pyiceberg-static']);
  expect(result.acked.size).toBeGreaterThan(0);
  // Without any the test would show nothing.
  expect(seenUploads.size, 'uploads that a kill left').toBeGreaterThan(0);
  console.log(`${seenUploads.size} uploads were left by ${ROUNDS} kills`);
  expect(await uploads(), 'uploads left after the last start').toEqual([]);
  await server.stop();
  await rm(dataDir, { recursive: true });
}, 300_000);
