/**
 * Puts objects for ever until it is killed, and says which ones resolved.
 * Arguments: root, name of this process. A body is `size in decimal\n`, then that many bytes of one value.
 */
import { writeSync } from 'node:fs';
import { openLocalObjectStore } from '../../src/local/local-store.ts';

const [root = '', name = ''] = process.argv.slice(2);
const store = await openLocalObjectStore({ root });
writeSync(1, 'ready\n');

async function loop(lane: number): Promise<void> {
  for (let i = 0; ; i += 1) {
    const size = 1 + ((i * 7919 + lane * 104_729) % 2_000_000);
    const head = Buffer.from(`${size}\n`);
    const body = Buffer.concat([head, Buffer.alloc(size, 97 + (i % 26))]);
    // Every third put replaces one object that all lanes share, the others make new ones.
    const replaces = i % 3 === 0;
    const key = replaces ? 'shared/head' : `new/${name}/${lane}/${i % 40}/${i}`;
    await store.put(key, body, { ifAbsent: !replaces });
    if (!replaces) writeSync(1, `${key} ${size}\n`);
  }
}
await Promise.all([loop(0), loop(1), loop(2)]);
