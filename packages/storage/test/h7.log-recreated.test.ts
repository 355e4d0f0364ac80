import { cp, rm } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { once } from './support/messages.ts';
import { createScenario, TOPIC } from './support/scenario.ts';

/** Hazard H7: the log was made anew or set back, offsets restart lower, and rows are silently dropped as old. */
describe('H7: the log is not the one the table knows', () => {
  it('a log made anew does not restart the topic at 0: it is refused', async () => {
    await using scenario = await createScenario();
    const { storage, log } = await scenario.start();
    await scenario.book.append(log, 10);
    await log.flush();
    await storage.close();
    await rm(`${scenario.space.dir}/wal`, { recursive: true });
    await expect(scenario.start()).rejects.toMatchObject({ code: 'OWNED_ELSEWHERE' });
    expect(await scenario.judge()).toMatchObject({ rows: 10 });
  });

  it('a log set back to before a commit goes on above what the table has, and says so', async () => {
    await using scenario = await createScenario();
    const first = await scenario.start();
    await scenario.book.append(first.log, 10);
    await first.storage.close();
    await cp(`${scenario.space.dir}/wal`, `${scenario.space.dir}/backup`, { recursive: true });
    const second = await scenario.start();
    await scenario.book.append(second.log, 10);
    await second.log.flush();
    await second.storage.close();
    await rm(`${scenario.space.dir}/wal`, { recursive: true });
    await cp(`${scenario.space.dir}/backup`, `${scenario.space.dir}/wal`, { recursive: true });

    // The copy counts the same epoch again: only a further opening tells it from the one that committed.
    const storage = await scenario.space.open();
    await expect(storage.openTopic(TOPIC)).rejects.toMatchObject({ code: 'LOG_COPIED' });
    await storage.close();
    const third = await scenario.space.open();
    const jump = once(third, 'jump');
    const log = await third.openTopic(TOPIC);
    expect(await jump).toMatchObject({ first: 10, last: 19, reason: 'ledger' });
    expect(log.nextOffset).toBe(20);
    await scenario.book.append(log, 10);
    await log.flush();
    expect(await scenario.judge()).toMatchObject({ rows: 30 });
  });
});
