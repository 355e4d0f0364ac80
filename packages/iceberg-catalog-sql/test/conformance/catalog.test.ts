import { catalogConformance, createUnsyncedFileIO } from '@danube/iceberg/testing';
import { describe, test } from 'vitest';
import { openIn, tempDir } from '../support/fixture.ts';

describe('the promises of Catalog, through two connections to one file', () => {
  for (const { name, run } of catalogConformance({ dotsInNamespaces: false })) {
    test(name, async () => {
      const dir = await tempDir();
      const io = createUnsyncedFileIO();
      await run({ catalog: await openIn(dir, { io }), other: await openIn(dir, { io }), io });
    });
  }
});
