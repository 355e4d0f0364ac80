// The published Python client against this broker, and the table it filled read by PyIceberg and DuckDB.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'vitest';
import { BrokerProcess, freePort } from '../crash/broker-process.ts';
import { python, readTable } from './judges.ts';
import { expectDelivered, expectStored, type PythonRun } from './python-client.ts';

const COUNT = 2000;

test('danube-client 0.5.0 publishes and consumes 2,000 messages in order, and PyIceberg and DuckDB read the same rows', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'danube-interop-'));
  const [port, httpPort] = [await freePort(), await freePort()];
  const broker = await BrokerProcess.start({ dataDir, port, httpPort });
  const before = Date.now();
  const run = await python<PythonRun>('danube_client.py', [
    `http://127.0.0.1:${port}`,
    '/default/python',
    String(COUNT),
  ]);
  await broker.stop();

  expectDelivered(run, COUNT, before);
  expectStored(run, await readTable(dataDir, '/default/python'));
  await rm(dataDir, { recursive: true });
}, 180_000);
