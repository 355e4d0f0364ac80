// The whole path on S3, killed during uploads: what was acknowledged is in the table once, and no upload is left behind.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { BrokerProcess, freePort } from '../../apps/broker/test/crash/broker-process.ts';
import { runKillLoop, TOPIC } from '../../apps/broker/test/crash/kill-loop.ts';
import { identify, MessageStream } from '../../apps/broker/test/crash/message-stream.ts';
import { findViolations } from '../../apps/broker/test/crash/oracle.ts';
import { readTable } from '../../apps/broker/test/interop/judges.ts';
import { openFaultProxy } from '../../packages/objectstore/test/support/fault-proxy.ts';
import { createBucket, uploadIds } from '../../packages/objectstore/test/support/s3-client.ts';
import { startVersitygw } from '../../packages/objectstore/test/support/s3-servers.ts';
import { BUCKET, judgeOf, tablesOn, writeConfig } from './broker-config.ts';

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
  await createBucket(server, BUCKET);
  const uploads = () => uploadIds(server, BUCKET);
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
    storageLines: tablesOn(server),
    onKilled: async () => {
      for (const id of await uploads()) seenUploads.add(id);
    },
    onRound: console.log,
  });
  const { readers, rows } = await readTable(join(dataDir, 'data'), TOPIC, judgeOf(server));
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

test('replies of S3 are lost, then it hangs: messages are acknowledged all the while, and each is in the table once', async () => {
  const server = await startVersitygw();
  await createBucket(server, BUCKET);
  const proxy = await openFaultProxy(server.endpoint);
  const dir = await mkdtemp(join(tmpdir(), 'danube-away-s3-'));
  const dataDir = join(dir, 'data');
  const configFile = await writeConfig(join(dir, 'broker.yml'), [
    ...tablesOn(server, proxy.endpoint),
    'flush: {max_age_ms: 500}',
  ]);
  const [port, httpPort] = [await freePort(), await freePort()];
  const address = `127.0.0.1:${port}`;
  const broker = await BrokerProcess.start({ dataDir, port, httpPort, configFile });
  const stream = new MessageStream(7, TOPIC);
  await stream.createTopic(address);
  const ending = new AbortController();
  const publishing = stream.publish(address, { lanes: 8, perSecond: 200, signal: ending.signal });

  proxy.rule('lost', { method: 'PUT', nth: 4, times: 4, fault: { kind: 'lose-reply' } });
  while (proxy.fired('lost') < 4) await sleep(20);
  process.kill(server.pid, 'SIGSTOP');
  const before = stream.acked.size;
  await sleep(4000);
  const meanwhile = stream.acked.size - before;
  process.kill(server.pid, 'SIGCONT');
  await sleep(1000);
  ending.abort();
  await publishing;
  await broker.stop();

  const { readers, rows } = await readTable(dataDir, TOPIC, judgeOf(server));
  const table = rows.map(({ offset, payload }) => ({
    offset,
    id: identify(7, Buffer.from(payload, 'base64')),
  }));
  const consumed = new Map(table.map(({ offset, id }) => [offset, id]));
  expect(meanwhile, 'acknowledged while S3 hung').toBeGreaterThan(0);
  expect(findViolations({ sent: stream.sent, acked: stream.acked, consumed, table })).toEqual([]);
  for (const [name, seen] of Object.entries(readers)) expect(seen, name).toEqual(readers['pyiceberg-static']);
  await proxy.close();
  await server.stop();
  await rm(dir, { recursive: true });
}, 120_000);
