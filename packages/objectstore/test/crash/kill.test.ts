import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openLocalObjectStore } from '../../src/local/local-store.ts';
import type { ObjectStore } from '../../src/object-store.ts';
import { tempDir } from '../local/helpers.ts';

const ROUNDS = 12;
const loop = fileURLToPath(new URL('./put-loop.ts', import.meta.url));

/** Every object that is listed is whole; returns the sizes by key. */
async function checkAll(store: ObjectStore): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for await (const page of store.list('')) {
    for (const { key } of page.objects) {
      const body = Buffer.from((await store.get(key)).bytes);
      const end = body.indexOf(10);
      const size = Number(body.subarray(0, Math.max(end, 0)).toString());
      const content = body.subarray(end + 1);
      expect(content.length, `${key} is whole`).toBe(size);
      expect(size, `${key} is not empty`).toBeGreaterThan(0);
      expect(content.equals(Buffer.alloc(size, content[0] ?? 0)), `${key} is one version`).toBe(true);
      sizes.set(key, size);
    }
  }
  return sizes;
}

// Goal: after kill -9 at any moment no object is partial and every put or copy that resolved is there.
// Method: a child puts bytes and streams and copies objects in three lanes until it is killed at a random moment; then everything is read.
test(`kill -9 in a put loop, ${ROUNDS} times: no partial object, no resolved put lost, left-overs removed`, async () => {
  let seed = Number(process.env.DANUBE_SEED ?? Date.now() % 1_000_000_007);
  console.log(`seed ${seed} (set DANUBE_SEED to repeat)`);
  let leftOvers = 0;
  let copies = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const root = await tempDir();
    const child = spawn(process.execPath, [loop, root, `r${round}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const closed = once(child, 'close');
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      printed += chunk;
    });
    while (!printed.startsWith('ready\n') && child.exitCode === null) {
      await Promise.race([once(child.stdout, 'data'), closed]);
    }
    seed = (seed * 48_271) % 2_147_483_647;
    await new Promise((resolve) => setTimeout(resolve, 20 + (seed % 250)));
    child.kill('SIGKILL');
    await closed;
    expect(child.signalCode, 'the loop ran until it was killed').toBe('SIGKILL');

    leftOvers += (await readdir(join(root, '.objectstore-tmp'))).length;
    const store = await openLocalObjectStore({ root });
    expect(await readdir(join(root, '.objectstore-tmp'))).toEqual([]);
    const sizes = await checkAll(store);
    const complete = printed.slice(0, printed.lastIndexOf('\n')).split('\n').slice(1);
    for (const line of complete) {
      const [key = '', size] = line.split(' ');
      expect(sizes.get(key), `${key} resolved`).toBe(Number(size));
      if (key.startsWith('copy/')) copies += 1;
    }
  }
  // A kill that never hit a put in progress would have shown nothing.
  expect(leftOvers).toBeGreaterThan(0);
  expect(copies).toBeGreaterThan(0);
}, 120_000);
