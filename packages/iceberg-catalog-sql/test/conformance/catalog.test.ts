import { catalogConformance } from '@danube/iceberg/testing';
import { describe, test } from 'vitest';
import { localIO, openIn, tempDir } from '../support/fixture.ts';

describe('the promises of Catalog, through two connections to one file', () => {
  for (const { name, run } of catalogConformance({ dotsInNamespaces: false })) {
    test(name, async () => {
      const dir = await tempDir();
      await run({ catalog: await openIn(dir), other: await openIn(dir), io: await localIO(dir) });
    });
  }
});
