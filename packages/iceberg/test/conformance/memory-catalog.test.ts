import { test } from 'vitest';
import { createMemoryCatalog } from '../../src/index.ts';
import { catalogConformance, createMemoryFileIO } from '../../src/testing.ts';

for (const { name, run } of catalogConformance({ loadsFromFile: false })) {
  test(name, async () => {
    const io = createMemoryFileIO();
    const catalog = createMemoryCatalog({ io, warehouse: 'memory://warehouse' });
    await run({ catalog, other: catalog, io });
  });
}
