// A broker that is started with tables on S3: what it refuses, and what it does when S3 is away.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BrokerProcess, freePort } from '../../apps/broker/test/crash/broker-process.ts';
import { TOPIC } from '../../apps/broker/test/crash/kill-loop.ts';
import { identify, MessageStream } from '../../apps/broker/test/crash/message-stream.ts';
import { findViolations } from '../../apps/broker/test/crash/oracle.ts';
import { readTable } from '../../apps/broker/test/interop/judges.ts';
import { createBucket } from '../../packages/objectstore/test/support/s3-client.ts';
import { type S3Server, startVersitygw } from '../../packages/objectstore/test/support/s3-servers.ts';
import { BUCKET, judgeOf, tablesOn, writeConfig } from './broker-config.ts';

let server: S3Server;
let dir: string;

beforeAll(async () => {
  server = await startVersitygw();
  dir = await mkdtemp(join(tmpdir(), 'danube-start-s3-'));
});

afterAll(async () => {
  await server?.stop();
  await rm(dir, { recursive: true, force: true });
});

async function start(lines: readonly string[], dataDir = join(dir, 'data')) {
  const configFile = await writeConfig(join(dir, 'broker.yml'), lines);
  const [port, httpPort] = [await freePort(), await freePort()];
  const broker = await BrokerProcess.start({ dataDir, port, httpPort, configFile });
  return { broker, address: `127.0.0.1:${port}` };
}

/** Publishes until `count` more are acknowledged. */
async function publish(stream: MessageStream, address: string, count: number): Promise<void> {
  const ending = new AbortController();
  const wanted = stream.acked.size + count;
  const publishing = stream.publish(address, { lanes: 4, perSecond: 200, signal: ending.signal });
  await expect.poll(() => stream.acked.size, { timeout: 20_000 }).toBeGreaterThanOrEqual(wanted);
  ending.abort();
  await publishing;
}

test('without its bucket, or with credentials that the server does not accept, a broker says so and does not start', async () => {
  await expect(start(tablesOn(server))).rejects.toThrow(
    `The warehouse s3://${BUCKET} cannot be used: BUCKET_NOT_FOUND`,
  );
  const wrong = { ...server, secretAccessKey: 'not-the-secret-of-anybody' };
  const refused = await start(tablesOn(wrong)).catch(String);
  expect(refused).toContain(`The warehouse s3://${BUCKET} cannot be used: UNAUTHENTICATED`);
  expect(refused).not.toContain(wrong.secretAccessKey);
});

test('while S3 is away a broker starts and acknowledges; what it acknowledged is in the table when S3 is back', async () => {
  await createBucket(server, BUCKET);
  const stream = new MessageStream(11, TOPIC);
  const before = await start(tablesOn(server));
  await publish(stream, before.address, 20);
  await before.broker.stop();

  const nobody = `http://127.0.0.1:${await freePort()}`;
  const away = await start(tablesOn(server, nobody));
  const acked = stream.acked.size;
  await publish(stream, away.address, 20);
  await away.broker.kill();
  expect(stream.acked.size).toBeGreaterThan(acked);

  const back = await start(tablesOn(server));
  await back.broker.stop();
  const { readers, rows } = await readTable(join(dir, 'data'), TOPIC, judgeOf(server));
  const table = rows.map(({ offset, payload }) => ({
    offset,
    id: identify(11, Buffer.from(payload, 'base64')),
  }));
  const consumed = new Map(table.map(({ offset, id }) => [offset, id]));
  expect(findViolations({ sent: stream.sent, acked: stream.acked, consumed, table })).toEqual([]);
  for (const [name, seen] of Object.entries(readers)) expect(seen, name).toEqual(readers['pyiceberg-static']);
}, 120_000);
