import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createMemoryObjectStore, getRanges } from '@danube/objectstore';

const store = createMemoryObjectStore();
const directory = await mkdtemp('/tmp/objects-');
await writeFile(join(directory, 'in.csv'), 'id,name\n1,Ada\n2,Grace\n');

// In: read once, as fast as it can be stored. If the file breaks off, nothing becomes visible.
const source = createReadStream(join(directory, 'in.csv'));
const { sizeBytes } = await store.put('tables/people.csv', source, { contentType: 'text/csv' });

// Out: the stream ends only after exactly the bytes of one version.
const { stream } = await store.getStream('tables/people.csv');
await pipeline(stream, createWriteStream(join(directory, 'out.csv')));
console.log((await readFile(join(directory, 'out.csv'))).length === sizeBytes); // true

// Parts: one, or many with few requests, all from one version.
const end = await store.get('tables/people.csv', { range: { start: sizeBytes - 6 } });
console.log(Buffer.from(end.bytes).toString().trim()); // Grace
const parts = await getRanges(store, 'tables/people.csv', [
  { start: 8, endExclusive: 9 },
  { start: 10, endExclusive: 13 },
]);
console.log(parts.map((part) => Buffer.from(part).toString())); // [ '1', 'Ada' ]

// A signal ends a call; nothing of the put is left.
const late = new AbortController();
const ended = store.put('tables/late.csv', createReadStream('/dev/zero'), { signal: late.signal });
late.abort(new Error('the user left'));
await ended.catch((error) => console.log(error.code, error.cause.message)); // ABORTED the user left

await rm(directory, { recursive: true });
