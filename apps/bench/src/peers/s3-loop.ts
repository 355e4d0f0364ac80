import { performance } from 'node:perf_hooks';
import { quantile, round } from '../statistics.ts';
import type { S3Cell, S3Result } from './s3-cell.ts';
import type { MeasuredS3 } from './s3-clients.ts';

/**
 * Runs one cell. Rejects if a request fails, or if what is got is not what was put.
 *
 * @param prepared the keys that this client has put to be read, with bodies of this size
 */
export async function runS3Cell(
  client: MeasuredS3,
  cell: S3Cell,
  body: Uint8Array,
  prepared: Set<string>,
): Promise<S3Result> {
  const { operation, outstanding } = cell;
  // Each loop has an object of its own, so that the server never works on one for two requests.
  const keys = Array.from(
    { length: outstanding },
    (_, i) => `${operation.replaceAll(' ', '-')}/${body.length}/${i}`,
  );
  if (operation === 'get') await prepareObjects(client, keys, body, prepared);
  const request = async (key: string): Promise<void> => {
    if (operation === 'put') await client.put(key, body);
    else if (operation === 'put in parts') await client.putInParts(key, body);
    else if ((await client.get(key)).length !== body.length) throw new Error(`${key} came back shorter`);
  };
  await loops(keys, cell.warmUp, request);
  const [started, cpu] = [performance.now(), process.cpuUsage()];
  const latencies = await loops(keys, cell.requests, request);
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  latencies.sort((a, b) => a - b);
  const [p50, p99] = [0.5, 0.99].map((fraction) => round(quantile(latencies, fraction)));
  return {
    requests: latencies.length,
    seconds: round(seconds, 4),
    cpuSeconds: (user + system) / 1e6,
    latencyMs: { p50: p50!, p99: p99! },
  };
}

/** Each contender reads objects that it put itself, in one request, and that come back as they were. */
async function prepareObjects(
  client: MeasuredS3,
  keys: readonly string[],
  body: Uint8Array,
  prepared: Set<string>,
): Promise<void> {
  for (const key of keys) {
    if (prepared.has(key)) continue;
    await client.put(key, body);
    if (Buffer.compare(await client.get(key), body) !== 0) throw new Error(`${key} came back changed`);
    prepared.add(key);
  }
}

/** `count` requests in as many loops as there are keys; the milliseconds that each request took. */
async function loops(
  keys: readonly string[],
  count: number,
  request: (key: string) => Promise<void>,
): Promise<number[]> {
  const latencies: number[] = [];
  let left = count;
  const loop = async (key: string) => {
    while (left > 0) {
      left -= 1;
      const before = performance.now();
      await request(key);
      latencies.push(performance.now() - before);
    }
  };
  await Promise.all(keys.map(loop));
  return latencies;
}
