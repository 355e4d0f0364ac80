// Puts a stream of many bytes and reads it back, and prints how much memory that took and whether the content was right.
import { createHash, randomBytes } from 'node:crypto';
import { type ObjectStore, openLocalObjectStore, openS3ObjectStore } from '../../src/index.ts';

const [kind = '', where = '', mib = ''] = process.argv.slice(2);
const MIB = 1024 * 1024;
const count = Number(mib);

/** Different bytes in every MiB, in one buffer. */
async function* source(hash: ReturnType<typeof createHash>) {
  const chunk = randomBytes(MIB);
  for (let n = 0; n < count; n += 1) {
    chunk.writeUInt32BE(n, (n * 4) % MIB);
    hash.update(chunk);
    yield chunk;
  }
}

function open(): Promise<ObjectStore> {
  if (kind === 'local') return openLocalObjectStore({ root: where });
  const credentials = { accessKeyId: 'judge', secretAccessKey: 'judge-secret' };
  return openS3ObjectStore({
    endpoint: where,
    bucket: 'puts',
    region: 'us-east-1',
    pathStyle: true,
    credentials,
  });
}

const store = await open();
// What is loaded and compiled on first use is not the stream's.
await store.put('warm', Buffer.alloc(MIB));
await (await store.getStream('warm')).stream.resume().toArray();
const before = process.memoryUsage.rss();
let most = before;
const watch = setInterval(() => {
  most = Math.max(most, process.memoryUsage.rss());
}, 10);

const sent = createHash('sha256');
const { sizeBytes, etag } = await store.put('large', source(sent), { ifAbsent: true });
const afterPut = most;
const received = createHash('sha256');
const { stream, meta } = await store.getStream('large');
let receivedBytes = 0;
for await (const chunk of stream) {
  received.update(chunk);
  receivedBytes += chunk.byteLength;
}
clearInterval(watch);
const growth = (rss: number) => Math.ceil((rss - before) / MIB);
const report = {
  sizeBytes,
  receivedBytes,
  sameEtag: etag === meta.etag,
  sameContent: sent.digest('hex') === received.digest('hex'),
  growthOfPutMib: growth(afterPut),
  growthMib: Math.max(growth(most), growth(process.resourceUsage().maxRSS * 1024)),
};
process.stdout.write(`${JSON.stringify(report)}\n`);
await store.close();
