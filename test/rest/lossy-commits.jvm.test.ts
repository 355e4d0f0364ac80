// 300 transactions over a network that fails every fifth reply: each of them happened, and none twice.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IcebergError, prepareAppend, snapshotById } from '../../packages/iceberg/src/index.ts';
import { createUnsyncedFileIO } from '../../packages/iceberg/src/testing.ts';
import {
  type RestFixture,
  startRestFixture,
} from '../../packages/iceberg-catalog-rest/test/support/rest-fixture.ts';
import { appendInTransaction, openImpatient } from './append-in-transaction.ts';
import { type Append, lossyTable, runLossyCommits } from './lossy-commits.ts';
import { NaiveClient } from './naive-client.ts';
import { carefulManners } from './planted-clients.ts';

const io = createUnsyncedFileIO();
const seed = Number(process.env['DANUBE_SEED'] ?? Date.now() % 2 ** 31);
const share = 0.2;
/** The time-out of clients that are not real ones. */
const QUICK_MS = 200;
let fixture: RestFixture;
beforeAll(async () => {
  console.log(`seed ${seed}; DANUBE_SEED=${seed} repeats the faults of this run`);
  fixture = await startRestFixture();
}, 60_000);
afterAll(() => fixture.stop());

test('300 appends while 20 % of the replies fail: 300 snapshots, each file once', async () => {
  const report = await runLossyCommits({
    uri: fixture.catalog(),
    io,
    commits: 300,
    seed,
    share,
    timeoutMs: 500,
    openClient: openImpatient,
    append: appendInTransaction(io),
  });
  const { violations, ...figures } = report;
  console.log(JSON.stringify(figures));
  expect(violations).toEqual([]);
  expect(report.snapshots).toBe(300);
  expect(report.faults / report.requests).toBeGreaterThan(share / 2);
}, 180_000);

/** Appends by hand; `react` says what becomes of an error of the commit: `again` begins anew, `done` believes in it. */
function appendByHand(
  react: (error: unknown, isThere: () => Promise<boolean>) => Promise<'again' | 'done'>,
): Append {
  return async (catalog, file) => {
    const patiently = async () => {
      for (;;) {
        try {
          return await catalog.loadTable(lossyTable);
        } catch {
          // Loading changes nothing.
        }
      }
    };
    for (;;) {
      const base = await patiently();
      const prepared = await prepareAppend({ base, io, dataFiles: [file] });
      const isThere = async () =>
        snapshotById((await patiently()).metadata, prepared.snapshotId) !== undefined;
      try {
        await catalog.commitTable(lossyTable, prepared.request);
        return;
      } catch (error) {
        if ((await react(error, isThere)) === 'done') return;
      }
    }
  };
}

/** Right as long as what the catalog says is: what is unknown is looked for until no request can be on its way. */
const looks = async (error: unknown, isThere: () => Promise<boolean>) => {
  if (!IcebergError.is(error, 'COMMIT_STATE_UNKNOWN')) return 'again';
  // A late request lands 1.4 time-outs after it was sent.
  await sleep(QUICK_MS);
  return (await isThere()) ? 'done' : 'again';
};

const takes503ForFailure = {
  ...carefulManners,
  code: (trouble: Parameters<typeof carefulManners.code>[0]) =>
    trouble.kind === 'refused' && trouble.status === 503
      ? 'CATALOG_UNAVAILABLE'
      : carefulManners.code(trouble),
} as const;

describe('the count notices', () => {
  const run = async (append: Append, manners: typeof carefulManners, commits = 30) => {
    const { violations } = await runLossyCommits({
      uri: fixture.catalog(),
      io,
      commits,
      seed: 7,
      share: 0.4,
      timeoutMs: QUICK_MS,
      openClient: async (uri, timeoutMs) => new NaiveClient(uri, timeoutMs, manners),
      append,
    });
    return violations;
  };

  test('a writer that commits again whatever the error was', async () => {
    const violations = await run(
      appendByHand(async () => 'again'),
      carefulManners,
    );
    expect(violations.join('\n')).toMatch(/is there [2-9] times/);
  }, 60_000);

  test('a writer that takes an unknown outcome for a good one', async () => {
    const violations = await run(
      appendByHand(async (error) => (IcebergError.is(error, 'COMMIT_STATE_UNKNOWN') ? 'done' : 'again')),
      carefulManners,
    );
    expect(violations.join('\n')).toMatch(/is there 0 times/);
  }, 60_000);

  test('a client that takes 503 after a commit for a failure', async () => {
    // One fault in a dozen is such a reply.
    const violations = await run(appendByHand(looks), takes503ForFailure, 150);
    expect(violations.join('\n')).toMatch(/is there [2-9] times/);
  }, 120_000);

  test('nothing of a writer that looks, with a client that tells the truth', async () => {
    expect(await run(appendByHand(looks), carefulManners)).toEqual([]);
  }, 60_000);
});
