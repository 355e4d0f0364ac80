import { expect, it } from 'vitest';
import { createScenario } from './support/scenario.ts';

/** Hazard H3: after a restart the writer reads its input again and adds what it had added before. */
it('H3: records that are still in the log after their commit are read again and not added again', async () => {
  await using scenario = await createScenario();
  for (let run = 0; run < 4; run += 1) {
    const { storage, log } = await scenario.start();
    // All committed records are still in the one segment of the log.
    expect(log.committedThrough).toBe(run * 10 - 1);
    await scenario.book.append(log, 10);
    await log.flush();
    const commits = scenario.calls.length;
    await scenario.crash(storage);
    const idle = await scenario.start();
    await idle.log.flush();
    expect(scenario.calls.length).toBe(commits);
    await scenario.crash(idle.storage);
  }
  expect(await scenario.judge()).toMatchObject({ rows: 40 });
});
