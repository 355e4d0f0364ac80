import { describe, expect, it } from 'vitest';
import { unavailable } from './support/faulty-catalog.ts';
import { message, range } from './support/messages.ts';
import { createScenario, gate } from './support/scenario.ts';

/** Hazard H11: one table's slow commit holds up all, or a busy neighbour never lets ours win. */
describe('H11: commits starve', () => {
  it('commits that hang hold up their own tables only', async () => {
    await using scenario = await createScenario();
    const { storage } = await scenario.start({ commits: { concurrency: 1, perSecond: 1000 } });
    const stuck = await Promise.all(range(1, 3).map((n) => storage.openTopic(`/default/stuck${n}`)));
    const healthy = await storage.openTopic('/default/healthy');
    const hang = gate();
    scenario.faults.onCommit = async (call) => {
      if (call.identifier.name.startsWith('stuck')) await hang.opened;
      return call.land();
    };
    for (const log of stuck) await log.append(message(0));
    const hanging = stuck.map((log) => log.flush());
    await healthy.append(message(0));
    await healthy.flush();
    expect(healthy.committedThrough).toBe(0);
    expect(stuck.map((log) => log.committedThrough)).toEqual([-1, -1, -1]);
    hang.open();
    await Promise.all(hanging);
  });

  it('another engine that commits before each of ours: we reload, never rebase, and win when it pauses', async () => {
    await using scenario = await createScenario();
    const { log } = await scenario.start();
    await scenario.book.append(log, 10);
    const before = scenario.calls.length;
    scenario.faults.onCommit = async (call) => {
      if (call.number <= before + 5) await scenario.other.append();
      return call.land();
    };
    await log.flush();
    const sent = scenario.calls.slice(before);
    expect(sent).toHaveLength(6);
    // A new base needs a new snapshot, a new request, and a new key.
    expect(new Set(sent.map((call) => call.request)).size).toBe(6);
    expect(new Set(sent.map((call) => call.options?.idempotencyKey)).size).toBe(6);
    expect(await scenario.judge()).toMatchObject({ rows: 10 });
  });

  it('a catalog that is down for one topic leaves the others alone, and that one goes on appending', async () => {
    await using scenario = await createScenario();
    const { storage, log } = await scenario.start();
    const other = await storage.openTopic('/default/other');
    scenario.faults.onCommit = (call) =>
      call.identifier.name === 'orders' ? Promise.reject(unavailable()) : call.land();
    await scenario.book.append(log, 10);
    const waiting = log.flush();
    for (const n of range(0, 4)) {
      await other.append(message(n));
      await other.flush();
      await scenario.book.append(log, 10);
    }
    expect(log.committedThrough).toBe(-1);
    scenario.faults.onCommit = (call) => call.land();
    await waiting;
    await log.flush();
    expect(await scenario.judge()).toMatchObject({ rows: 60 });
  });
});
