import { createMemoryObjectStore } from '@danube/objectstore';

const store = createMemoryObjectStore();
for (const day of ['2026/11/01', '2026/11/02', '2026/12/01']) {
  await store.put(`reports/${day}.json`, Buffer.from(day));
}

// Page by page as they are taken, in the order of the keys' UTF-8 bytes. The prefix is text.
for await (const page of store.list('reports/2026/11', { pageSize: 100 })) {
  for (const { key, sizeBytes } of page.objects) console.log(key, sizeBytes); // reports/2026/11/01.json 10, …
}

// With a delimiter: what a directory listing would show.
for await (const page of store.list('reports/2026/', { delimiter: '/' })) {
  console.log(page.commonPrefixes.join(' ')); // reports/2026/11/ reports/2026/12/
}

await store.copy('reports/2026/12/01.json', 'latest.json'); // bytes, content type and metadata

const failures = await store.deleteMany(['reports/2026/11/01.json', 'not/there', '../not a key']);
for (const { key, error } of failures) console.log(key, error.code); // ../not a key INVALID_PATH
