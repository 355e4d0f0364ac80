// node plan-scenario.ts FOLDER MESSAGES KILLS, in namespaces of its own: a broker with FOLDER/broker.yml over the servers
// that the configuration names; the Python client sends so many messages, and then it is killed so many times. What came
// of it is in FOLDER/report.json.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BrokerProcess, freePort } from '../../apps/broker/test/crash/broker-process.ts';
import { runKillLoop, TOPIC } from '../../apps/broker/test/crash/kill-loop.ts';
import { identify } from '../../apps/broker/test/crash/message-stream.ts';
import { findViolations } from '../../apps/broker/test/crash/oracle.ts';
import {
  python,
  type ReaderSummary,
  readTable,
  type TableReading,
} from '../../apps/broker/test/interop/judges.ts';
import type { PythonRun } from '../../apps/broker/test/interop/python-client.ts';
import {
  s3Properties,
  startRestFixture,
} from '../../packages/iceberg-catalog-rest/test/support/rest-fixture.ts';
import { createBucket } from '../../packages/objectstore/test/support/s3-client.ts';
import { startVersitygw } from '../../packages/objectstore/test/support/s3-servers.ts';
import { BUCKET, judgeOf } from '../s3/broker-config.ts';

/** As many as leave a quiet machine room for what the judges read in the end. */
const PER_SECOND = 1000;
const CATALOG = 'http://localhost:8181';

interface Order {
  readonly dir: string;
  readonly messages: string;
  readonly rounds: number;
}

export interface PlanReport {
  /** When the Python client was started, in ms. */
  readonly since: number;
  readonly run: PythonRun;
  readonly table: TableReading;
  readonly kills: {
    readonly acked: number;
    readonly consumed: number;
    readonly hits: Readonly<Record<string, number>>;
    readonly violations: readonly string[];
    readonly readers: Readonly<Record<string, ReaderSummary>>;
  };
}

const [dir, messages, rounds] = process.argv.slice(2);
if (dir === undefined || messages === undefined || rounds === undefined)
  throw new Error('usage: node plan-scenario.ts FOLDER MESSAGES KILLS');
await writeFile(
  join(dir, 'report.json'),
  JSON.stringify(await play({ dir, messages, rounds: Number(rounds) })),
);

async function play(order: Order): Promise<PlanReport> {
  const s3 = await startVersitygw({ port: 9000 });
  await createBucket(s3, BUCKET);
  const fixture = await startRestFixture({
    port: 8181,
    warehouse: `s3://${BUCKET}/`,
    properties: s3Properties(s3),
  });
  // The plan's example has no keys: the broker finds them where every program for S3 looks.
  process.env['AWS_ACCESS_KEY_ID'] = s3.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = s3.secretAccessKey;
  try {
    return await publishAndKill(order, (topic) =>
      readTable(CATALOG, topic, { ...judgeOf(s3), endpoint: 'http://localhost:9000' }),
    );
  } finally {
    await fixture.stop();
    await s3.stop();
  }
}

async function publishAndKill(
  { dir, messages, rounds }: Order,
  read: (topic: string) => Promise<TableReading>,
): Promise<PlanReport> {
  const configFile = join(dir, 'broker.yml');
  const [port, httpPort] = [await freePort(), await freePort()];
  const broker = await BrokerProcess.start({ dataDir: join(dir, 'data'), port, httpPort, configFile });
  const since = Date.now();
  const args = [`http://127.0.0.1:${port}`, '/default/python', messages];
  const run = await python<PythonRun>('danube_client.py', args);
  await broker.stop();
  const table = await read('/default/python');

  const seed = Number(process.env['DANUBE_SEED'] ?? Date.now() % 2 ** 31);
  console.log(`seed ${seed}; DANUBE_SEED=${seed} repeats the choices of this run`);
  const result = await runKillLoop({
    dataDir: dir,
    configFile,
    rounds,
    seed,
    perSecond: PER_SECOND,
    killDelayMs: 60,
    onRound: console.log,
  });
  const { readers, rows } = await read(TOPIC);
  const seen = rows.map(({ offset, payload }) => ({
    offset,
    id: identify(seed, Buffer.from(payload, 'base64')),
  }));
  const violations = [...result.violations, ...findViolations({ ...result, table: seen })];
  const [acked, consumed] = [result.acked.size, result.consumed.size];
  return { since, run, table, kills: { acked, consumed, hits: result.hits, violations, readers } };
}
