import { describe, expect, it } from 'vitest';
import type { CommitCall } from './support/faulty-catalog.ts';
import { unknownOutcome } from './support/faulty-catalog.ts';
import { offsets, range, readAll } from './support/messages.ts';
import { createScenario, TOPIC } from './support/scenario.ts';

/**
 * Hazard H1: a commit is sent, its reply does not come, the writer restarts, looks and finds nothing, commits
 * the rows again, and then the first commit lands. A writer that rebases blindly has the rows twice.
 */
describe('H1: a commit in flight lands after the recovery looked', () => {
  async function sentAndAbandoned() {
    const scenario = await createScenario();
    const { storage, log } = await scenario.start();
    await scenario.book.append(log, 10);
    let held: CommitCall | undefined;
    const sent = new Promise<void>((resolve) => {
      scenario.faults.onCommit = (call) => {
        held ??= call;
        resolve();
        return Promise.reject(unknownOutcome());
      };
    });
    const flushing = log.flush().catch((error: unknown) => error);
    await sent;
    await scenario.crash(storage);
    expect(await flushing).toBeInstanceOf(Error);
    scenario.faults.onCommit = (call) => call.land();
    return { scenario, held: held as CommitCall };
  }

  it('before the new commit: that one conflicts, finds the rows, and does not add them', async () => {
    const { scenario, held } = await sentAndAbandoned();
    await using _ = scenario;
    const { log } = await scenario.start();
    await scenario.book.append(log, 5);
    const calls = scenario.calls.length;
    scenario.faults.onCommit = async (call) => {
      if (call.number === calls + 1) await held.land();
      return call.land();
    };
    await log.flush();
    expect(await scenario.judge()).toMatchObject({ rows: 15 });
  });

  it('after the new commit: it is refused', async () => {
    const { scenario, held } = await sentAndAbandoned();
    await using _ = scenario;
    const { log } = await scenario.start();
    await scenario.book.append(log, 5);
    await log.flush();
    await expect(held.land()).rejects.toMatchObject({ code: 'COMMIT_CONFLICT' });
    expect(await scenario.judge()).toMatchObject({ rows: 15 });
  });

  it('after main was rolled back to its base: it is refused, because the tag did not move back', async () => {
    const { scenario, held } = await sentAndAbandoned();
    await using _ = scenario;
    const base = (await scenario.other.load()).metadata.currentSnapshotId as bigint;
    const { log } = await scenario.start();
    await scenario.book.append(log, 5);
    await log.flush();
    await scenario.other.rollback(base);
    await expect(held.land()).rejects.toMatchObject({ code: 'COMMIT_CONFLICT' });
    const assertions = held.request.requirements.filter((one) => one.type === 'assert-ref-snapshot-id');
    expect(assertions.map((one) => one.ref).sort()).toEqual(['danube.ledger', 'main']);
  });

  it('while the same process still waits: the same request is sent again, and lands once', async () => {
    await using scenario = await createScenario();
    const { log } = await scenario.start();
    await scenario.book.append(log, 10);
    const first = scenario.calls.length + 1;
    scenario.faults.onCommit = async (call) => {
      // Neither the first nor the second attempt comes back; the third brings both along.
      if (call.number < first + 2) throw unknownOutcome();
      const landed = await (scenario.calls[first - 1] as CommitCall).land();
      await expect(call.land()).rejects.toMatchObject({ code: 'COMMIT_CONFLICT' });
      expect(landed.metadata.currentSnapshotId).toBeDefined();
      throw unknownOutcome();
    };
    await log.flush();
    const sent = scenario.calls.slice(first - 1);
    expect(new Set(sent.map((call) => call.request)).size).toBe(1);
    expect(new Set(sent.map((call) => call.options?.idempotencyKey)).size).toBe(1);
    expect(await scenario.judge()).toMatchObject({ rows: 10 });
    expect(offsets(await readAll(log))).toEqual(range(0, 9));
  });

  it('a claim that lands after its opening gave up is recognised at the next start', async () => {
    await using scenario = await createScenario();
    let held: CommitCall | undefined;
    scenario.faults.onCommit = (call) => {
      held ??= call;
      return Promise.reject(unknownOutcome());
    };
    // Long enough to get as far as sending on a loaded machine.
    const first = await scenario.open({ openTimeoutMs: 1500 });
    await expect(first.openTopic(TOPIC)).rejects.toMatchObject({ code: 'CATALOG_UNAVAILABLE' });
    await first.close();
    await (held as CommitCall).land();
    scenario.faults.onCommit = (call) => call.land();
    const { log } = await scenario.start();
    await scenario.book.append(log, 3);
    await log.flush();
    expect(await scenario.judge()).toMatchObject({ rows: 3, first: 0 });
  });
});
