import { describe, expect, it } from 'vitest';
import { offsets, range, readAll } from './support/messages.ts';
import { createScenario } from './support/scenario.ts';

/** Hazard H5: expiry or another engine's snapshot takes the snapshot that remembered the position. */
describe('H5: the snapshot that committed last is gone or buried', () => {
  it("another engine's snapshot on top: go on from the property, here and after a restart", async () => {
    await using scenario = await createScenario();
    for (let run = 0; run < 3; run += 1) {
      const { storage, log } = await scenario.start();
      await scenario.book.append(log, 10);
      await log.flush();
      await scenario.other.append();
      await scenario.book.append(log, 10);
      await log.flush();
      await scenario.other.append();
      await scenario.crash(storage);
    }
    expect(await scenario.judge()).toMatchObject({ rows: 60 });
  });

  it('and every older snapshot expired: the row at through is looked for, then it goes on', async () => {
    await using scenario = await createScenario();
    for (let run = 0; run < 3; run += 1) {
      const { storage, log } = await scenario.start();
      await scenario.book.append(log, 10);
      await log.flush();
      await scenario.other.append();
      await scenario.other.expire();
      await scenario.crash(storage);
    }
    const { log } = await scenario.start({ tailBytes: 0 });
    expect(log).toMatchObject({ nextOffset: 30, committedThrough: 29 });
    expect(offsets(await readAll(log))).toEqual(range(0, 29));
    expect(await scenario.judge()).toMatchObject({ rows: 30 });
  });

  it('rolled back, appended over and expired, so that nothing of it is left: ROLLED_BACK', async () => {
    await using scenario = await createScenario();
    const { storage, log } = await scenario.start();
    await scenario.book.append(log, 10);
    const base = (await scenario.other.load()).metadata.currentSnapshotId as bigint;
    await log.flush();
    await scenario.crash(storage);
    await scenario.other.rollback(base);
    await scenario.other.append();
    await scenario.other.expire();
    await expect(scenario.start()).rejects.toMatchObject({ code: 'ROLLED_BACK' });
  });
});
