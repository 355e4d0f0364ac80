// Puts an object that never ends, with a journal, and waits to be killed.
import { setTimeout as sleep } from 'node:timers/promises';
import { openS3ObjectStore, openUploadJournal } from '../../src/index.ts';

const [endpoint = '', bucket = '', key = '', dir = ''] = process.argv.slice(2);

async function* endless() {
  for (;;) {
    yield Buffer.alloc(1024 * 1024);
    await sleep(10);
  }
}

const store = await openS3ObjectStore({
  endpoint,
  bucket,
  region: 'us-east-1',
  pathStyle: true,
  credentials: { accessKeyId: 'judge', secretAccessKey: 'judge-secret' },
  partSizeBytes: 5 * 1024 * 1024,
  uploadJournal: await openUploadJournal({ dir }),
});
await store.put(key, endless());
