/**
 * Puts and copies objects for ever until it is killed, and says which calls resolved.
 * Arguments: root, name of this process. A body is `size in decimal\n`, then that many bytes of one value.
 */
import { writeSync } from 'node:fs';
import { openLocalObjectStore } from '../../src/local/local-store.ts';

const [root = '', name = ''] = process.argv.slice(2);
const store = await openLocalObjectStore({ root });

/** The body in pieces of many sizes, all in one buffer that is used anew. */
async function* inPieces(body: Buffer) {
  const buffer = Buffer.alloc(400_000);
  for (let at = 0, size = 1; at < body.length; at += size, size = (size * 7 + 1) % buffer.length) {
    size = Math.min(Math.max(size, 1), body.length - at);
    body.copy(buffer, 0, at, at + size);
    yield buffer.subarray(0, size);
    buffer.fill(0);
  }
}

async function loop(lane: number): Promise<void> {
  let newest = { key: '', size: 0 };
  for (let i = 0; ; i += 1) {
    const size = 1 + ((i * 7919 + lane * 104_729) % 2_000_000);
    const head = Buffer.from(`${size}\n`);
    const body = Buffer.concat([head, Buffer.alloc(size, 97 + (i % 26))]);
    // In turn: bytes replace one object that all lanes share, bytes and a stream make new ones, one of them is copied.
    const key = `new/${name}/${lane}/${i % 40}/${i}`;
    if (i % 4 === 0) {
      await store.put('shared/head', i % 8 === 0 ? body : inPieces(body));
    } else if (i % 4 < 3) {
      await store.put(key, i % 4 === 1 ? body : inPieces(body), { ifAbsent: i % 3 === 0 });
      writeSync(1, `${key} ${size}\n`);
      newest = { key, size };
    } else {
      const copy = `copy/${name}/${lane}/${i}`;
      await store.copy(newest.key, copy);
      writeSync(1, `${copy} ${newest.size}\n`);
      await store.copy('shared/head', 'shared/copy');
    }
  }
}

// What the first copies of it are made of.
await store.put('shared/head', Buffer.from('1\na'));
writeSync(1, 'ready\n');
await Promise.all([loop(0), loop(1), loop(2)]);
