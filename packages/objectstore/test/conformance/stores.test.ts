import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, test } from 'vitest';
import { createMemoryObjectStore, openLocalObjectStore } from '../../src/index.ts';
import { objectStoreConformance } from '../../src/testing.ts';

const roots: string[] = [];
afterEach(async () => {
  for (const root of roots.splice(0)) await rm(root, { recursive: true });
});

describe('memory store', () => {
  const { capabilities } = createMemoryObjectStore();
  for (const { name, run } of objectStoreConformance(capabilities, { manyKeys: 5000 })) {
    test(name, () => run(createMemoryObjectStore()));
  }
});

// 5,000 keys, without a put for each: test/local/list.test.ts.
describe('local store', () => {
  const capabilities = { ifAbsent: true, ifMatch: false, attributes: false, flatKeys: false };
  for (const { name, run } of objectStoreConformance(capabilities, { manyKeys: 1001 })) {
    test(name, async () => {
      const root = await mkdtemp(join(tmpdir(), 'objectstore-'));
      roots.push(root);
      await run(await openLocalObjectStore({ root: join(root, 'new', 'root') }));
    });
  }
});
