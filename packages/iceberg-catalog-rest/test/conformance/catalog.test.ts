import { catalogConformance, createMemoryFileIO } from '@danube/iceberg/testing';
import { describe, test } from 'vitest';
import { openRestCatalog } from '../../src/index.ts';
import { startMemoryRestServer } from '../support/memory-rest-server.ts';

describe('the promises of Catalog, through two clients of one server', () => {
  for (const { name, run } of catalogConformance({ loadsFromFile: false })) {
    test(name, async () => {
      const io = createMemoryFileIO();
      // Pages are small, so that every listing of the suite has several.
      await using server = await startMemoryRestServer({ io, pageSize: 7 });
      await using catalog = await openRestCatalog({ uri: server.uri });
      await using other = await openRestCatalog({ uri: server.uri, pageSize: 7 });
      await run({ catalog, other, io });
    });
  }
});
