// The fault table notices clients that do not tell the truth: each of these makes one mistake that real clients made.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createUnsyncedFileIO } from '../../packages/iceberg/src/testing.ts';
import {
  type RestFixture,
  startRestFixture,
} from '../../packages/iceberg-catalog-rest/test/support/rest-fixture.ts';
import { runCell } from './fault-cell.ts';
import { faultCases } from './faults.ts';
import { type Manners, NaiveClient } from './naive-client.ts';
import { changes } from './operations.ts';
import { carefulManners, plantedClients } from './planted-clients.ts';

let fixture: RestFixture;
let uri: string;
beforeAll(async () => {
  fixture = await startRestFixture();
  uri = fixture.catalog();
}, 60_000);
afterAll(() => fixture.stop());

let made = 0;
async function run(operationName: string, faultName: string, manners: Manners) {
  const operation = changes.find(({ name }) => name === operationName)!;
  const faultCase = faultCases.find(({ name }) => name === faultName)!;
  made += 1;
  const direct = new NaiveClient(uri, 30_000, carefulManners);
  const place = { uri, namespace: `planted${made}`, io: createUnsyncedFileIO(), direct };
  const openClient = async (proxied: string, timeoutMs: number) =>
    new NaiveClient(proxied, timeoutMs, manners);
  return runCell(operation, faultCase, { place, openClient });
}

describe.each(plantedClients)('$name', ({ manners, shownBy }) => {
  test.concurrent.each(shownBy)('is caught at %s when %s; a careful one is not', async (operation, fault) => {
    const [caught, passed] = [
      await run(operation, fault, manners),
      await run(operation, fault, carefulManners),
    ];
    expect(caught.fired).toBeGreaterThan(0);
    expect(caught.misreports).not.toEqual([]);
    expect(passed.fired).toBeGreaterThan(0);
    expect(passed.misreports).toEqual([]);
  });
});
