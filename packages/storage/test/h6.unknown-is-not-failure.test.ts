import { describe, expect, it } from 'vitest';
import { unavailable, unknownOutcome } from './support/faulty-catalog.ts';
import { createScenario } from './support/scenario.ts';

/** Hazard H6: an unknown outcome is taken for a failure (files deleted) or for a success (the source forgotten). */
describe('H6: a commit whose outcome is unknown', () => {
  it('that had landed: its files are there, and nothing was deleted', async () => {
    await using scenario = await createScenario();
    const { storage, log } = await scenario.start();
    await scenario.book.append(log, 10);
    let tries = 0;
    scenario.faults.onCommit = async (call) => {
      tries += 1;
      if (tries === 1) await call.land();
      throw unknownOutcome();
    };
    let loads = 0;
    scenario.faults.onLoad = (load) => {
      loads += 1;
      return loads < 4 ? Promise.reject(unavailable()) : load();
    };
    await log.flush();
    await scenario.crash(storage);
    expect(scenario.deleted).toEqual([]);
    expect(await scenario.judge()).toMatchObject({ rows: 10 });
  });

  it('that never landed: the log keeps every record until a load says otherwise, also over a crash', async () => {
    await using scenario = await createScenario();
    const options = { wal: { dir: `${scenario.space.dir}/wal`, maxFileSizeBytes: 64 * 1024 }, tailBytes: 0 };
    const first = await scenario.start(options);
    let truncations = 0;
    first.storage.on('truncated', () => {
      truncations += 1;
    });
    const pad = { attributes: new Map([['pad', 'x'.repeat(1000)]]) };
    const sent = new Promise<void>((resolve) => {
      scenario.faults.onCommit = () => {
        resolve();
        return Promise.reject(unknownOutcome());
      };
    });
    await scenario.book.append(first.log, 300, pad);
    const flushing = first.log.flush().catch(() => undefined);
    await sent;
    // Further appends give the log every reason to look for segments that can go.
    await scenario.book.append(first.log, 300, pad);
    await scenario.crash(first.storage);
    await flushing;
    expect(truncations).toBe(0);

    scenario.faults.onCommit = (call) => call.land();
    const second = await scenario.start(options);
    const truncated = new Promise<void>((resolve) => second.storage.on('truncated', () => resolve()));
    await second.log.flush();
    await truncated;
    expect(await scenario.judge()).toMatchObject({ rows: 600 });
  });

  it('refers to nothing that the log has not synced', async () => {
    await using scenario = await createScenario();
    const { log } = await scenario.start({
      wal: { dir: `${scenario.space.dir}/wal`, sync: { kind: 'periodic', intervalMs: 3_600_000 } },
    });
    const durable: number[] = [];
    scenario.faults.onCommit = (call) => {
      durable.push(log.durableOffset);
      return call.land();
    };
    await scenario.book.append(log, 10);
    expect(log.durableOffset).toBe(-1);
    await log.flush();
    expect(durable).toEqual([9]);
  });
});
