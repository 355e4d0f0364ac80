// The process that gets killed: appends to two topics as fast as it can and prints each durable acknowledgement.

import { join } from 'node:path';
import { openSqlCatalog } from '@danube/iceberg-catalog-sql';
import { createFileIO, localBaseUri, openLocalObjectStore } from '@danube/objectstore';
import { openIcebergStorage, type TopicLog } from '../../src/index.ts';

const [dir, run] = process.argv.slice(2) as [string, string];
const root = join(dir, 'warehouse');
const io = createFileIO({ store: await openLocalObjectStore({ root }), baseUri: localBaseUri(root) });
const catalog = await openSqlCatalog({
  file: join(dir, 'catalog.db'),
  name: 'danube',
  warehouse: localBaseUri(root),
  io,
});
const storage = await openIcebergStorage({
  wal: { dir: join(dir, 'wal'), maxFileSizeBytes: 128 * 1024 },
  resolve: () => ({ catalog, io }),
  brokerAddr: 'http://127.0.0.1:6650',
  flush: { maxAgeMs: 100 },
  retry: { minDelayMs: 5, maxDelayMs: 50 },
});
for (const phase of ['committed', 'truncated'] as const)
  storage.on(phase, () => process.stdout.write(`# ${phase}\n`));
storage.on('stopped', (event) => process.stdout.write(`! ${event.topic} ${event.code}\n`));
const topics = await Promise.all(['/crash/a', '/crash/b'].map((name) => storage.openTopic(name)));
process.stdout.write('# open\n');

let sequence = 0;
async function produce(topic: TopicLog): Promise<never> {
  for (;;) {
    sequence += 1;
    const id = `${run}:${sequence}`;
    const { offset, durable } = await topic.append({
      requestId: BigInt(sequence),
      producerId: 1n,
      producerName: 'child',
      payload: Buffer.from(id.padEnd(200, '.')),
      publishTimeMs: Date.now(),
    });
    if (durable) process.stdout.write(`${topic.name} ${offset} ${id}\n`);
    await new Promise(setImmediate);
  }
}
await Promise.race(topics.flatMap((topic) => [produce(topic), produce(topic), produce(topic)]));
