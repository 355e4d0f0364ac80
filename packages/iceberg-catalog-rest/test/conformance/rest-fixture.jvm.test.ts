// The promises of Catalog through two clients of Apache's own REST catalog server.
import { type CatalogConformanceCase, catalogConformance } from '@danube/iceberg/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRestCatalog } from '../../src/index.ts';
import { type RestFixture, startRestFixture } from '../support/rest-fixture.ts';
import { unsyncedIO } from '../support/unsynced-io.ts';

/** What Apache's server does otherwise, by the name of the case. Each is run, and must fail: else it does not belong here. */
const differences: Readonly<Record<string, string>> = {};

const cases = catalogConformance();
let fixture: RestFixture;
beforeAll(async () => {
  fixture = await startRestFixture();
}, 60_000);
afterAll(() => fixture.stop());

async function run({ run: body }: CatalogConformanceCase): Promise<void> {
  const uri = fixture.catalog();
  const [catalog, other] = await Promise.all([openRestCatalog({ uri }), openRestCatalog({ uri })]);
  try {
    await body({ catalog, other, io: unsyncedIO() });
  } finally {
    await Promise.all([catalog.close(), other.close()]);
  }
}

describe("the promises of Catalog, through two clients of Apache's server", () => {
  for (const conformanceCase of cases) {
    const { name } = conformanceCase;
    const difference = differences[name];
    if (difference === undefined) test.concurrent(name, () => run(conformanceCase));
    else test.concurrent .fails(`${name} (not here: ${difference})`, () => run(conformanceCase));
  }

  test('every difference that is listed is a case', () => {
    const names = cases.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(Object.keys(differences)));
  });
});
