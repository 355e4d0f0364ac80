// The published Python client against this broker, and the table it filled read by PyIceberg and DuckDB.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BrokerProcess, freePort } from '../crash/broker-process.ts';
import { python, readTable } from './judges.ts';

const COUNT = 2000;

interface Delivered {
  readonly offset: number;
  readonly payload: string;
  readonly attributes: Record<string, string>;
  readonly publishTimeMs: number;
  readonly producerName: string;
  readonly subscription: string;
}

test('danube-client 0.5.0 publishes and consumes 2,000 messages in order, and PyIceberg and DuckDB read the same rows', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'danube-interop-'));
  const [port, httpPort] = [await freePort(), await freePort()];
  const broker = await BrokerProcess.start({ dataDir, port, httpPort });
  const before = Date.now();
  const { sent, received } = await python<{ sent: number; received: Delivered[] }>('danube_client.py', [
    `http://127.0.0.1:${port}`,
    '/default/python',
    String(COUNT),
  ]);
  await broker.stop();

  expect(sent).toBe(COUNT);
  expect(received.map(({ offset }) => offset)).toEqual(Array.from({ length: COUNT }, (_, i) => i));
  for (const [number, message] of received.entries()) {
    const payload = Buffer.from(message.payload, 'base64');
    expect(payload.readBigUInt64BE(0)).toBe(BigInt(number));
    expect(message.attributes).toEqual({ number: String(number), ключ: `värde-${number}` });
    expect(message.subscription).toBe('python-sub');
    expect(message.publishTimeMs).toBeGreaterThanOrEqual(before);
  }

  const { readers, rows } = await readTable(dataDir, '/default/python');
  for (const [name, seen] of Object.entries(readers)) {
    expect(seen, name).toEqual({
      ...readers['pyiceberg-static'],
      count: COUNT,
      distinct: COUNT,
      first: 0,
      last: COUNT - 1,
    });
  }
  const stored = rows.map((row) => ({
    offset: row.offset,
    payload: row.payload,
    attributes: row.attributes,
    publishTimeMs: row.publishTimeMicros / 1000,
    producerName: row.producerName,
  }));
  expect(stored).toEqual(received.map(({ subscription: _subscription, ...message }) => message));
  await rm(dataDir, { recursive: true });
}, 180_000);
