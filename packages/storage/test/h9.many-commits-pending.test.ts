import { describe, expect, it } from 'vitest';
import { unavailable } from './support/faulty-catalog.ts';
import { range } from './support/messages.ts';
import { createScenario } from './support/scenario.ts';

/** Hazard H9: more than one commit's worth is pending at a crash, and the recovery takes care of the first only. */
describe('H9: a backlog of several commits', () => {
  it('is committed wholly, in order, though every second commit ends in a crash', async () => {
    await using scenario = await createScenario();
    const options = { flush: { maxBytes: 64 * 1024, maxAgeMs: 3_600_000 } };
    scenario.faults.onCommit = (call) => call.land();
    const first = await scenario.start(options);
    scenario.faults.onCommit = () => Promise.reject(unavailable());
    for (const _ of range(1, 6))
      await scenario.book.append(first.log, 100, { attributes: new Map([['pad', 'x'.repeat(600)]]) });
    await scenario.crash(first.storage);

    let commits = 0;
    for (let run = 0; run < 20; run += 1) {
      scenario.faults.onCommit = (call) => call.land();
      const { storage, log } = await scenario.start(options);
      let budget = 1;
      const spent = new Promise<void>((resolve) => {
        scenario.faults.onCommit = (call) => {
          if (budget === 0) {
            resolve();
            return Promise.reject(unavailable());
          }
          budget -= 1;
          commits += 1;
          return call.land();
        };
      });
      await Promise.race([log.flush().catch(() => undefined), spent]);
      await scenario.crash(storage);
      if (log.committedThrough === 599) break;
    }
    expect(commits).toBeGreaterThan(3);
    expect(await scenario.judge()).toMatchObject({ rows: 600, last: 599 });
  });
});
