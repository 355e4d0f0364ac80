import { describe, expect, it } from 'vitest';
import { Ledgerbook, message, once, readAll } from './support/messages.ts';
import { createWorkspace } from './support/workspace.ts';

describe('what waits for a commit', () => {
  it('is counted to zero again after every commit', async () => {
    await using space = await createWorkspace();
    const storage = await space.open();
    const log = await storage.openTopic('/default/orders');
    const book = new Ledgerbook();
    for (let round = 0; round < 20; round += 1) {
      await book.append(log, 3);
      expect(storage.stats().unflushedBytes).toBeGreaterThan(0);
      await log.flush();
      expect(storage.stats().unflushedBytes).toBe(0);
    }
  });

  it('is as old as its own oldest message, not as what was committed before it', async () => {
    await using space = await createWorkspace();
    let now = 1_700_000_000_000;
    const storage = await space.open({ now: () => now });
    const log = await storage.openTopic('/default/orders');
    await log.append(message(0));
    await log.flush();
    now += 1_000_000;
    await log.append(message(1));
    expect(storage.stats().topics[0]).toMatchObject({ visibilityLagMs: 0 });
    now += 5;
    expect(storage.stats().topics[0]).toMatchObject({ visibilityLagMs: 5 });
  });

  it('is committed in time although the clock went back by a day', async () => {
    await using space = await createWorkspace();
    let shift = 0;
    const storage = await space.open({ now: () => Date.now() + shift, flush: { maxAgeMs: 20 } });
    const log = await storage.openTopic('/default/orders');
    await log.append(message(0));
    await log.flush();
    await log.append(message(1));
    shift = -86_400_000;
    await log.flush();
    // By age alone now; nobody asks for it.
    const committed = once(storage, 'committed');
    await log.append(message(2));
    expect(await committed).toMatchObject({ first: 2, through: 2 });
    const times = (await readAll(log)).map((stored) => stored.appendTimeMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });
});
