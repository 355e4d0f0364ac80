import { describe, expect, it } from 'vitest';
import { conflict, unavailable, unknownOutcome } from './support/faulty-catalog.ts';
import { createScenario } from './support/scenario.ts';

/** Hazard H2: the commit landed, its reply was lost, and the writer comes back under a new identity. */
describe('H2: the reply of a landed commit is lost', () => {
  it('and the writer restarts with a new epoch: nothing is added again', async () => {
    await using scenario = await createScenario();
    for (let run = 0; run < 4; run += 1) {
      const { storage, log } = await scenario.start();
      await scenario.book.append(log, 10);
      const landed = new Promise<void>((resolve) => {
        scenario.faults.onCommit = async (call) => {
          await call.land();
          scenario.faults.onLoad = () => Promise.reject(unavailable());
          resolve();
          throw unknownOutcome();
        };
      });
      const flushing = log.flush().catch(() => undefined);
      await landed;
      await scenario.crash(storage);
      await flushing;
      scenario.faults.onCommit = (call) => call.land();
      scenario.faults.onLoad = (load) => load();
      expect(await scenario.judge()).toMatchObject({ rows: (run + 1) * 10 });
    }
    const { log } = await scenario.start();
    expect(log).toMatchObject({ nextOffset: 40, committedThrough: 39 });
  });

  it('and the same process finds out by loading: one commit, no second request', async () => {
    await using scenario = await createScenario();
    const { log } = await scenario.start();
    await scenario.book.append(log, 10);
    const before = scenario.calls.length;
    scenario.faults.onCommit = async (call) => {
      await call.land();
      throw unknownOutcome();
    };
    await log.flush();
    expect(scenario.calls.length).toBe(before + 1);
    expect(await scenario.judge()).toMatchObject({ rows: 10 });
  });

  it('and the server says 409 to what it did: it is looked up, not believed', async () => {
    await using scenario = await createScenario();
    const { log } = await scenario.start();
    await scenario.book.append(log, 10);
    const before = scenario.calls.length;
    scenario.faults.onCommit = async (call) => {
      await call.land();
      throw conflict();
    };
    await log.flush();
    expect(scenario.calls.length).toBe(before + 1);
    expect(await scenario.judge()).toMatchObject({ rows: 10 });
  });

  it('and the catalog cannot be asked for a while: it keeps asking, deletes nothing, and adds nothing', async () => {
    await using scenario = await createScenario();
    const { log } = await scenario.start();
    await scenario.book.append(log, 10);
    let refused = 0;
    scenario.faults.onCommit = async (call) => {
      await call.land();
      throw unknownOutcome();
    };
    scenario.faults.onLoad = (load) => {
      refused += 1;
      return refused < 6 ? Promise.reject(unavailable()) : load();
    };
    await log.flush();
    expect(await scenario.judge()).toMatchObject({ rows: 10 });
  });
});
