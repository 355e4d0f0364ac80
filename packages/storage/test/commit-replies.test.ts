import { IcebergError, type IcebergErrorCode } from '@danube/iceberg';
import { describe, expect, it } from 'vitest';
import type { CommitCall } from './support/faulty-catalog.ts';
import { offsets, range, readAll } from './support/messages.ts';
import { createScenario, type Scenario, TOPIC } from './support/scenario.ts';

/** What a catalog may answer a commit with, and an error that is none of its. */
const codes: readonly (IcebergErrorCode | 'none')[] = [
  'COMMIT_CONFLICT',
  'COMMIT_STATE_UNKNOWN',
  'CATALOG_UNAVAILABLE',
  'ACCESS_DENIED',
  'TABLE_NOT_FOUND',
  'INVALID_ARGUMENT',
  'none',
];

/** What the request did, which the reply does not tell. */
const fates: Readonly<Record<string, (call: CommitCall, scenario: Scenario) => Promise<unknown>>> = {
  'had landed': (call) => call.land(),
  'had landed, and others committed on top': async (call, { other }) => {
    await call.land();
    await other.append();
  },
  'did nothing': async () => undefined,
  'did nothing, and others committed': (_, { other }) => other.append(),
  'did nothing, and others changed a property': (_, { other }) => other.setProperty('theirs', '1'),
};

describe('a commit is answered by an error, whatever it did: each row once, and the topic goes on', () => {
  describe.each(codes)('%s', (code) => {
    it.each(Object.keys(fates))('and it %s', async (fate) => {
      for (const failing of ['claim', 'rows'] as const) {
        await using scenario = await createScenario();
        const { faults, calls, book } = scenario;
        const fail = async (call: CommitCall): Promise<never> => {
          faults.onCommit = (next) => next.land();
          await fates[fate]?.(call, scenario);
          throw code === 'none' ? new Error('socket hang up') : new IcebergError(code, 'injected');
        };
        if (failing === 'claim') faults.onCommit = fail;
        const { storage, log } = await scenario.start();
        await book.append(log, 10);
        if (failing === 'rows') faults.onCommit = fail;
        await log.flush();
        await book.append(log, 5);
        await log.flush();
        // What was sent in vain may come yet.
        for (const call of [...calls]) await call.land().catch(() => undefined);
        expect(await scenario.judge()).toMatchObject({ rows: 15, first: 0 });
        expect(offsets(await readAll(log))).toEqual(range(0, 14));
        expect(storage.stats().stops).toEqual({});
        await scenario.crash(storage);
        const again = await scenario.start();
        expect(again.log).toMatchObject({ nextOffset: 15, committedThrough: 14 });
      }
    });
  });
});

describe('a catalog that says once that the table is not there', () => {
  const gone = () => new IcebergError('TABLE_NOT_FOUND', 'injected');

  /** The next look finds nothing, and the one after that everything. */
  function missOnce({ faults }: Scenario): void {
    faults.onLoad = () => {
      faults.onLoad = (load) => load();
      return Promise.reject(gone());
    };
  }

  it('to a commit whose reply was lost: asked again, and the rows are found', async () => {
    await using scenario = await createScenario();
    const { storage, log } = await scenario.start();
    await scenario.book.append(log, 10);
    scenario.faults.onCommit = async (call) => {
      await call.land();
      missOnce(scenario);
      throw gone();
    };
    await log.flush();
    expect(storage.stats().stops).toEqual({});
    expect(await scenario.judge()).toMatchObject({ rows: 10 });
  });

  it('to a commit that is built anew: asked again', async () => {
    await using scenario = await createScenario();
    const { storage, log } = await scenario.start();
    await scenario.book.append(log, 10);
    // What the next commit was to be built on is dropped when building fails.
    const { writeFile } = scenario.space.io;
    let failures = 0;
    Object.assign(scenario.space.io, {
      writeFile: (...args: Parameters<typeof writeFile>) => {
        failures += 1;
        if (failures > 1) return writeFile.apply(scenario.space.io, args);
        missOnce(scenario);
        return Promise.reject(new Error('no room (injected)'));
      },
    });
    await log.flush();
    expect(failures).toBeGreaterThan(1);
    expect(storage.stats().stops).toEqual({});
    expect(await scenario.judge()).toMatchObject({ rows: 10 });
  });

  it('to a reader, and to an opening: asked again', async () => {
    await using scenario = await createScenario();
    const first = await scenario.start({ tailBytes: 0 });
    await scenario.book.append(first.log, 10);
    await first.log.flush();
    await scenario.crash(first.storage);
    missOnce(scenario);
    const { storage, log } = await scenario.start({ tailBytes: 0 });
    expect(log).toMatchObject({ nextOffset: 10, committedThrough: 9 });
    await scenario.other.append();
    expect(offsets(await readAll(log))).toEqual(range(0, 9));
    expect(storage.stats().stops).toEqual({});
  });

  it('because it was renamed, and is back: nothing is lost; while it is away the topic stops, and an opening resumes it', async () => {
    await using scenario = await createScenario();
    const { catalog } = scenario.space;
    const { storage, log } = await scenario.start();
    const { identifier } = await scenario.other.load();
    const elsewhere = { ...identifier, name: 'elsewhere' };
    await scenario.book.append(log, 10);
    scenario.faults.onCommit = async (call) => {
      scenario.faults.onCommit = (next) => next.land();
      await call.land();
      await catalog.renameTable(identifier, elsewhere);
      throw gone();
    };
    await expect(log.flush()).rejects.toMatchObject({ code: 'TABLE_REPLACED' });
    await catalog.renameTable(elsewhere, identifier);
    const again = await storage.openTopic(TOPIC);
    await scenario.book.append(again, 5);
    await again.flush();
    expect(await scenario.judge()).toMatchObject({ rows: 15 });
  });
});
