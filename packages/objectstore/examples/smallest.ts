import { mkdtemp, rm } from 'node:fs/promises';
import { openLocalObjectStore } from '@danube/objectstore';

const root = await mkdtemp('/tmp/objects-'); // yours is one that stays
const store = await openLocalObjectStore({ root });

await store.put('reports/2026/11.json', Buffer.from('{"ok":true}'));
// Complete and durable from here on.

const { bytes, meta } = await store.get('reports/2026/11.json');
console.log(Buffer.from(bytes).toString(), meta.sizeBytes); // {"ok":true} 11

await rm(root, { recursive: true }); // for this example only
