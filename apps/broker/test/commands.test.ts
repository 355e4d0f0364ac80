// The program as a person or supervisor meets it: a process of its own, from source.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect } from '@danube/client';
import { expect, test, vi } from 'vitest';
import { onCleanUp, temporaryDirectory, until } from './support/clean-up.ts';

// Starting a process takes seconds on a busy machine.
vi.setConfig({ testTimeout: 180_000 });

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

interface Run {
  readonly child: ChildProcess;
  readonly output: { out: string; err: string };
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
}

function run(args: readonly string[], environment: Record<string, string> = {}): Run {
  const env = { ...process.env, ...environment };
  const child = spawn(process.execPath, ['--conditions=@danube/source', MAIN, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.err += chunk.toString()));
  onCleanUp(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'close');
  });
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as string | null,
  }));
  return { child, output, ended };
}

/** A broker process on free ports; resolves when it says that it is ready. */
async function startBroker(dataDir: string, args: readonly string[] = []) {
  const started = run([
    'start',
    '--data-dir',
    dataDir,
    '--broker-addr',
    '127.0.0.1:0',
    '--prom-exporter',
    '127.0.0.1:0',
    ...args,
  ]);
  await until(`ready: ${started.output.err}`, () => {
    if (started.child.exitCode !== null) throw new Error(`it ended: ${started.output.err}`);
    return started.output.out.includes('Ctrl-C stops');
  });
  const url = /ready at (\S+)/.exec(started.output.out)![1]!;
  return { ...started, url };
}

const oneLine = (text: string) => text.trim().split('\n');

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  '%s drains the broker and ends with 0',
  async (signal) => {
    const dataDir = temporaryDirectory();
    const broker = await startBroker(dataDir);
    const client = connect({ serviceUrl: broker.url });
    onCleanUp(() => client.close());
    const producer = await client.createProducer({
      topic: '/default/orders',
      name: 'p',
      dispatch: 'reliable',
    });
    for (let i = 0; i < 10; i += 1) await producer.send(Buffer.from(`${i}`));
    broker.child.kill(signal);
    expect(await broker.ended, broker.output.err).toEqual({ code: 0, signal: null });
    const shown = run(['table', '/default/orders', '--data-dir', dataDir]);
    expect((await shown.ended).code).toBe(0);
    expect(shown.output.out).toContain('10 rows'); // What was pending was committed.
  },
);

test('the ready lines say where to connect, with the real port, and three lines to try', async () => {
  const { output, url } = await startBroker(temporaryDirectory());
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d+$/);
  for (const word of ['produce', 'consume', 'query', 'metrics'])
    expect(output.out).toMatch(new RegExp(`^ +${word} `, 'm'));
});

test('a signal while it starts still ends it with 0', async () => {
  const started = run(
    [
      'start',
      '--data-dir',
      temporaryDirectory(),
      '--broker-addr',
      '127.0.0.1:0',
      '--prom-exporter',
      '127.0.0.1:0',
    ],
    { DANUBE_LOG_LEVEL: 'debug' },
  );
  const dataDir = started.child.spawnargs[5]!;
  await until('it holds the directory', async () =>
    (await import('node:fs')).existsSync(join(dataDir, 'VERSION')),
  );
  started.child.kill('SIGTERM');
  expect(await started.ended, started.output.err).toEqual({ code: 0, signal: null });
});

test('a port in use is one line and a code other than 0', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onCleanUp(() => void server.close());
  const { port } = server.address() as { port: number };
  for (const [flag, other] of [
    ['--broker-addr', '--prom-exporter'],
    ['--prom-exporter', '--broker-addr'],
  ] as const) {
    const failed = run([
      'start',
      '--data-dir',
      temporaryDirectory(),
      flag,
      `127.0.0.1:${port}`,
      other,
      '127.0.0.1:0',
    ]);
    expect((await failed.ended).code).toBe(1);
    expect(oneLine(failed.output.err)).toEqual([
      `The address 127.0.0.1:${port} is in use; stop what listens there or choose another with ${flag}.`,
    ]);
  }
});

test('a data directory that another broker holds is one line; the other goes on', async () => {
  const dataDir = temporaryDirectory();
  const first = await startBroker(dataDir);
  const second = run([
    'start',
    '--data-dir',
    dataDir,
    '--broker-addr',
    '127.0.0.1:0',
    '--prom-exporter',
    '127.0.0.1:0',
  ]);
  expect((await second.ended).code).toBe(1);
  expect(oneLine(second.output.err)).toEqual([`Another broker runs on the data directory ${dataDir}.`]);
  first.child.kill('SIGTERM');
  expect((await first.ended).code).toBe(0);
});

test('a data directory of a newer version is one line', async () => {
  const dataDir = temporaryDirectory();
  writeFileSync(join(dataDir, 'VERSION'), '2\n');
  const failed = run(['start', '--data-dir', dataDir]);
  expect((await failed.ended).code).toBe(1);
  expect(oneLine(failed.output.err)).toHaveLength(1);
  expect(failed.output.err).toContain('written by a newer broker');
});

test('killed with SIGKILL, started again: acknowledged messages are delivered, the topic and the cursor are known', async () => {
  const dataDir = temporaryDirectory();
  const first = await startBroker(dataDir);
  const before = connect({ serviceUrl: first.url });
  const producer = await before.createProducer({ topic: '/default/orders', name: 'p', dispatch: 'reliable' });
  const consumer = await before.subscribe({
    topic: '/default/orders',
    subscription: 's',
    consumerName: 'c',
    type: 'exclusive',
  });
  for (let i = 0; i < 50; i += 1) await producer.send(Buffer.from(`${i}`));
  for (let i = 0; i < 20; i += 1) await consumer.ack((await consumer.receive())!);
  await new Promise((resolve) => setTimeout(resolve, 1_000)); // Longer than the cursor's flush interval.
  first.child.kill('SIGKILL');
  await first.ended;
  await before.close();

  const second = await startBroker(dataDir);
  const after = connect({ serviceUrl: second.url });
  onCleanUp(() => after.close());
  const again = await after.subscribe({
    topic: '/default/orders',
    subscription: 's',
    consumerName: 'c',
    type: 'exclusive',
  });
  const got: string[] = [];
  while (got.length < 30) {
    const message = (await again.receive())!;
    got.push(Buffer.from(message.payload).toString());
    await again.ack(message);
  }
  expect(got).toEqual(Array.from({ length: 30 }, (_, i) => String(20 + i)));
});

test('demo --json: the last line is one object with the promised keys, and the counts agree', async () => {
  const dataDir = join(temporaryDirectory(), 'demo data');
  for (const topic of ['/default/demo', '/default/demo_2']) {
    const demo = run(['demo', '--messages', '500', '--json', '--data-dir', dataDir]);
    expect((await demo.ended).code, demo.output.err).toBe(0);
    expect(demo.output.err).toBe(''); // No progress bar and no warnings without a terminal.
    const result = JSON.parse(oneLine(demo.output.out).at(-1)!) as Record<string, unknown>;
    expect(Object.keys(result)).toEqual([
      'topic',
      'acked',
      'consumed',
      'committed',
      'ackP50Ms',
      'ackP99Ms',
      'table',
      'metadataLocation',
      'catalogUri',
      'dataDir',
    ]);
    expect(result).toMatchObject({
      topic,
      acked: 500,
      consumed: 500,
      committed: 500,
      table: topic.slice(1).replace('/', '.'),
      catalogUri: `sqlite:///${dataDir}/catalog.db`,
      dataDir,
    });
  }
});

test('table prints ready lines for DuckDB and PyIceberg while the broker runs, and says when there is nothing yet', async () => {
  const dataDir = temporaryDirectory();
  const config = join(temporaryDirectory(), 'broker.yml');
  writeFileSync(config, 'storage: {iceberg_config: {flush: {max_age_ms: 200}}}');
  const broker = await startBroker(dataDir, ['--config-file', config]);
  const client = connect({ serviceUrl: broker.url });
  onCleanUp(() => client.close());
  const producer = await client.createProducer({
    topic: '/default/my-orders',
    name: 'p',
    dispatch: 'reliable',
  });
  const tableCommand = async () => {
    const shown = run(['table', '/default/my-orders', '--data-dir', dataDir]);
    expect((await shown.ended).code).toBe(0);
    return shown.output.out;
  };
  expect(await tableCommand()).toContain('Nothing of /default/my-orders is committed yet');
  await producer.send(Buffer.from('x'));
  await until('it is committed', async () => (await tableCommand()).includes('1 rows in snapshot'));
  const text = await tableCommand();
  expect(text).toMatch(/iceberg_scan\('file:\/\/\S+\.metadata\.json'\)/);
  expect(text).toContain(`SqlCatalog("danube", uri="sqlite:///${dataDir}/catalog.db"`);
});

test('produce and consume: the lines printed at start work', async () => {
  const broker = await startBroker(temporaryDirectory());
  const topic = '/default/lines';
  expect((await run(['produce', topic, 'before', '--url', broker.url]).ended).code).toBe(0);
  const consumer = run(['consume', topic, '--url', broker.url, '--count', '2']);
  await until('it waits', () => consumer.output.err.includes('Waiting for messages'));
  const producer = run(['produce', topic, 'hello', 'again', '--url', broker.url]);
  expect((await producer.ended).code).toBe(0);
  expect(producer.output.out).toContain('2 messages acknowledged');
  expect((await consumer.ended).code, consumer.output.err).toBe(0);
  expect(oneLine(consumer.output.out).map((line) => line.split('\t')[2])).toEqual(['hello', 'again']);
});
