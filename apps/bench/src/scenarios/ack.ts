// Producer acknowledgement latency: the broker in sync mode `always`, a bare gRPC echo that stores nothing,
// and the C loop that is the disk's limit. Rounds interleave the three, so that a noisy minute hits all alike.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { DispatchStrategy, ProducerAccessMode, producerService } from '@danube/client/protocol';
import { credentials, makeGenericClientConstructor } from '@grpc/grpc-js';
import { compile } from '../peers/compile.ts';
import { runDriver } from '../peers/driver.ts';
import { resultsDir, writeResult } from '../results.ts';
import { quantile, round, type Spread, spread } from '../statistics.ts';

const PAYLOAD_BYTES = 1024;
const DISK_MS = 200;
const ProducerClient = makeGenericClientConstructor(producerService, 'ProducerService');

interface Cell {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly perSecond: number;
}

/** One closed loop a producer, each on a connection of its own, one message in flight each. */
async function measureSends(
  address: string,
  topic: string,
  producers: number,
  seconds: number,
): Promise<Cell> {
  const clients = Array.from(
    { length: producers },
    () => new ProducerClient(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 }),
  );
  const call = <Reply>(
    client: InstanceType<typeof ProducerClient>,
    method: string,
    request: object,
  ): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const rpc = client[method] as (
        request: object,
        done: (error: Error | null, reply: Reply) => void,
      ) => void;
      rpc.call(client, request, (error, reply) => (error ? reject(error) : resolve(reply)));
    });
  const payload = new Uint8Array(PAYLOAD_BYTES).fill(120);
  const latencies: number[] = [];
  const loop = async (client: InstanceType<typeof ProducerClient>, index: number) => {
    const { producerId } = await call<{ producerId: bigint }>(client, 'createProducer', {
      $typeName: 'danube.ProducerRequest',
      requestId: 1n,
      producerName: `bench-${process.pid}-${producers}-${index}`,
      topicName: topic,
      producerAccessMode: ProducerAccessMode.Shared,
      dispatchStrategy: DispatchStrategy.Reliable,
    });
    const send = (requestId: bigint) =>
      call(client, 'sendMessage', {
        $typeName: 'danube.StreamMessage',
        requestId,
        msgId: {
          $typeName: 'danube.MsgID',
          producerId,
          topicName: topic,
          brokerAddr: `http://${address}`,
          topicOffset: 0n,
        },
        payload,
        publishTime: BigInt(Date.now()),
        producerName: `bench-${index}`,
        subscriptionName: '',
        attributes: {},
      });
    for (let i = 0n; i < 200n; i++) await send(i); // Warm connections and code; not counted.
    const end = performance.now() + seconds * 1000;
    for (let i = 200n; performance.now() < end; i++) {
      const begin = performance.now();
      await send(i);
      latencies.push(performance.now() - begin);
    }
  };
  await Promise.all(clients.map(loop));
  for (const client of clients) client.close();
  latencies.sort((a, b) => a - b);
  return {
    p50Ms: round(quantile(latencies, 0.5)),
    p99Ms: round(quantile(latencies, 0.99)),
    perSecond: Math.round(latencies.length / seconds),
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function startEcho(): Promise<{ child: ChildProcess; address: string }> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./echo-server.js', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { child, address: `127.0.0.1:${port}` };
}

async function startBroker(dataDir: string): Promise<{ child: ChildProcess; address: string }> {
  const [grpc, http] = [await freePort(), await freePort()];
  const main = fileURLToPath(new URL('../../broker/dist/main.js', import.meta.url));
  const args = [
    'start',
    '--data-dir',
    dataDir,
    '--broker-addr',
    `127.0.0.1:${grpc}`,
    '--prom-exporter',
    `127.0.0.1:${http}`,
  ];
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null) throw new Error('The broker did not start.');
    const ready = await fetch(`http://127.0.0.1:${http}/readyz`).then(
      (reply) => reply.ok,
      () => false,
    );
    if (ready) return { child, address: `127.0.0.1:${grpc}` };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('The broker was not ready in 10 s.');
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

export async function ack(options: { rounds: number; secondsPerCell: number }): Promise<void> {
  await mkdir(resultsDir, { recursive: true });
  // Beside the results, so that log and loop share the disk of the checkout.
  const workDir = await mkdtemp(join(resultsDir, '.work-'));
  const rounds: Record<string, Cell>[] = [];
  const started: ChildProcess[] = [];
  try {
    const loop = { command: await compile('fdatasync-loop', workDir) };
    const echo = await startEcho();
    started.push(echo.child);
    const broker = await startBroker(join(workDir, 'data'));
    started.push(broker.child);
    for (let index = 0; index < options.rounds; index++) {
      const disk = await runDriver(loop, {
        dir: workDir,
        outstanding: 1,
        bytes: PAYLOAD_BYTES,
        milliseconds: DISK_MS,
      });
      const cells: Record<string, Cell> = {
        'c-fdatasync': {
          p50Ms: round(disk.latencyUs.p50 / 1000),
          p99Ms: round(disk.latencyUs.p99 / 1000),
          perSecond: Math.round(disk.messages / disk.seconds),
        },
      };
      for (const producers of [1, 16]) {
        cells[`echo-${producers}`] = await measureSends(
          echo.address,
          '/default/bench',
          producers,
          options.secondsPerCell,
        );
        cells[`broker-${producers}`] = await measureSends(
          broker.address,
          '/default/bench',
          producers,
          options.secondsPerCell,
        );
      }
      rounds.push(cells);
      console.error(`round ${index + 1} of ${options.rounds} done`);
    }
  } finally {
    await Promise.all(started.map(stop));
    await rm(workDir, { recursive: true, force: true });
  }
  const over = (name: string, figure: keyof Cell) =>
    spread(rounds.map((cells) => cells[name]?.[figure] ?? Number.NaN));
  const summary = Object.fromEntries(
    Object.keys(rounds[0] ?? {}).map((name) => [
      name,
      { p50Ms: over(name, 'p50Ms'), p99Ms: over(name, 'p99Ms'), perSecond: over(name, 'perSecond') },
    ]),
  );
  const ratio = spread(
    rounds.map((cells) => {
      const [disk, bare, ours] = [cells['c-fdatasync'], cells['echo-1'], cells['broker-1']];
      if (!disk || !bare || !ours) throw new Error('a cell is missing');
      return round(ours.p50Ms / (bare.p50Ms + disk.p50Ms), 2);
    }),
  );
  const file = await writeResult('ack', {
    payloadBytes: PAYLOAD_BYTES,
    ...options,
    summary,
    p50RatioAt1: ratio,
    rounds,
  });
  console.log('median (min–max) over rounds; 1 KiB messages, one in flight a producer\n');
  console.log('                      p50 ms                    p99 ms                    messages/s');
  const column = ({ median, min, max }: Spread) => `${median} (${min}–${max})`.padEnd(26);
  for (const [name, { p50Ms, p99Ms, perSecond }] of Object.entries(summary)) {
    console.log(`${name.padEnd(22)}${column(p50Ms)}${column(p99Ms)}${column(perSecond)}`);
  }
  console.log(
    `\np50 at 1 producer ÷ (echo + disk): ${ratio.median} (${ratio.min}–${ratio.max}); the target is ≤ 1.5`,
  );
  console.log(`raw figures: ${file}`);
}
