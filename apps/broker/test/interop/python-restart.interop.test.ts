// The published Python client runs on while the broker is killed and restarted: ids outlive the broker.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { BrokerProcess, freePort } from '../crash/broker-process.ts';
import { until } from '../support/clean-up.ts';

const program = fileURLToPath(new URL('../../../../test/interop/danube_client_restart.py', import.meta.url));

interface Outcome {
  readonly ackedNumbers: readonly number[];
  readonly received: readonly {
    readonly number: number;
    readonly payload: string;
    readonly attributes: Record<string, string>;
    readonly producerName: string;
  }[];
  readonly failures: { readonly send: number; readonly ack: number };
}

/** The Python program, watched through the lines it prints. */
function startProgram(url: string, topic: string) {
  const interpreter = process.env['DANUBE_PYTHON'];
  if (interpreter === undefined)
    throw new Error('DANUBE_PYTHON is not set: run npm test, which installs the judges');
  const child = spawn(interpreter, [program, url, topic], { stdio: ['pipe', 'pipe', 'pipe'] });
  const progress = { acked: 0, received: 0 };
  let outcome: Outcome | undefined;
  let errors = '';
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = JSON.parse(line) as Outcome | typeof progress;
    if ('ackedNumbers' in said) outcome = said;
    else Object.assign(progress, said);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-4_000);
  });
  const closed = once(child, 'close');
  const alive = () => {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`The program ended (${child.exitCode ?? child.signalCode}):\n${errors}`);
  };
  return {
    /** Waits until it was acknowledged, and received, this many messages more than now. */
    async movedOn(count: number): Promise<void> {
      const { acked, received } = progress;
      await until(`${count} more messages, after ${acked} acknowledged and ${received} received`, () => {
        alive();
        return progress.acked >= acked + count && progress.received >= received + count;
      });
    },
    async finish(): Promise<Outcome> {
      child.stdin.end('\n');
      await closed;
      if (outcome === undefined) throw new Error(`The program gave no result:\n${errors}`);
      return outcome;
    },
    kill: () => child.kill('SIGKILL'),
  };
}

function expectedPayload(number: number): string {
  const bytes = Buffer.alloc(128);
  bytes.writeBigUInt64BE(BigInt(number));
  for (let i = 0; i < 120; i += 1) bytes[8 + i] = (number + i) % 256;
  return bytes.toString('base64');
}

test('danube-client 0.5.0 goes on by itself over two kill -9 of the broker, and receives all that was acknowledged', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'danube-restart-'));
  const options = { dataDir, port: await freePort(), httpPort: await freePort() };
  let broker = await BrokerProcess.start(options);
  const client = startProgram(`http://127.0.0.1:${options.port}`, '/default/python-restart');
  try {
    await client.movedOn(200);
    await broker.kill();
    broker = await BrokerProcess.start(options);
    await client.movedOn(200);
    await broker.kill();
    await sleep(6_000); // Health checks come every 5 s, and the client asks no more after one that failed.
    broker = await BrokerProcess.start(options);
    await client.movedOn(200);
    const { ackedNumbers, received, failures } = await client.finish();
    console.log({ acked: ackedNumbers.length, received: received.length, failures });

    const delivered = new Set(received.map(({ number }) => number));
    expect(ackedNumbers.filter((number) => !delivered.has(number))).toEqual([]);
    expect(ackedNumbers.length).toBeGreaterThanOrEqual(600);
    for (const { number, payload, attributes, producerName } of received) {
      expect(payload).toBe(expectedPayload(number));
      expect(attributes).toEqual({ number: String(number), ключ: `värde-${number}` });
      expect(producerName).toBe('python-producer');
    }
    await broker.stop();
  } finally {
    client.kill();
    await broker.kill();
  }
  await rm(dataDir, { recursive: true });
}, 180_000);
