import { describe, expect, it } from 'vitest';
import { ledgerKey } from '../src/ledger.ts';
import { message, once } from './support/messages.ts';
import { createScenario, TOPIC } from './support/scenario.ts';
import { ORDERS } from './support/workspace.ts';

/** Hazard H10: the table changes under the writer, which then is stuck for ever or goes on as if nothing were. */
describe('H10: the table is not what it was', () => {
  it.each(['dropped', 'dropped and made again'])(
    '%s: the topic stops with TABLE_REPLACED, others go on',
    async (how) => {
      await using scenario = await createScenario();
      const { storage, log } = await scenario.start();
      const neighbour = await storage.openTopic('/default/neighbour');
      await scenario.book.append(log, 10);
      await log.flush();
      await scenario.book.append(log, 5);
      const schema = (await scenario.other.load()).metadata.schemas[0];
      await scenario.space.catalog.dropTable(ORDERS);
      if (how !== 'dropped') await scenario.space.catalog.createTable(ORDERS, { schema: schema as never });
      const stopped = once(storage, 'stopped');
      await expect(log.flush()).rejects.toMatchObject({ code: 'TABLE_REPLACED' });
      expect(await stopped).toMatchObject({ topic: TOPIC, code: 'TABLE_REPLACED' });
      await neighbour.append(message(0));
      await neighbour.flush();
      await scenario.crash(storage);
      // Still after a restart: nothing is claimed in a table that happens to have the name.
      const again = await scenario.space.open();
      await expect(again.openTopic(TOPIC)).rejects.toMatchObject({
        code: how === 'dropped' ? 'TABLE_REPLACED' : 'TOPIC_COLLISION',
      });
      expect((await again.openTopic('/default/neighbour')).committedThrough).toBe(0);
    },
  );

  it('main rolled back: ROLLED_BACK, nothing is appended to the older state, and it resumes when main is back', async () => {
    await using scenario = await createScenario();
    const { storage, log } = await scenario.start();
    await scenario.book.append(log, 10);
    await log.flush();
    const base = (await scenario.other.load()).metadata.currentSnapshotId as bigint;
    await scenario.book.append(log, 10);
    await log.flush();
    const head = (await scenario.other.load()).metadata.currentSnapshotId as bigint;
    await scenario.other.rollback(base);
    await scenario.book.append(log, 10);
    await expect(log.flush()).rejects.toMatchObject({ code: 'ROLLED_BACK' });
    await expect(storage.openTopic(TOPIC)).rejects.toMatchObject({ code: 'ROLLED_BACK' });
    await scenario.other.rollback(head);
    const again = await storage.openTopic(TOPIC);
    await again.flush();
    expect(await scenario.judge()).toMatchObject({ rows: 30 });
  });

  it('the ledger property removed: LEDGER_LOST', async () => {
    await using scenario = await createScenario();
    const { log } = await scenario.start();
    await scenario.book.append(log, 10);
    await log.flush();
    await scenario.other.removeProperty(ledgerKey(TOPIC));
    await scenario.other.append();
    await scenario.book.append(log, 1);
    await expect(log.flush()).rejects.toMatchObject({ code: 'LEDGER_LOST' });
  });

  it('the ledger written by a later version: LEDGER_UNSUPPORTED', async () => {
    await using scenario = await createScenario();
    const { storage, log } = await scenario.start();
    await scenario.book.append(log, 10);
    await log.flush();
    await scenario.crash(storage);
    await scenario.other.setProperty(ledgerKey(TOPIC), '{"v":2}');
    await expect(scenario.start()).rejects.toMatchObject({ code: 'LEDGER_UNSUPPORTED' });
  });

  it('restored from an older metadata file: LEDGER_BEHIND_LOG names the missing range', async () => {
    await using scenario = await createScenario();
    const { storage, log } = await scenario.start({
      wal: { dir: `${scenario.space.dir}/wal`, maxFileSizeBytes: 64 * 1024 },
    });
    await scenario.book.append(log, 10);
    await log.flush();
    const backup = (await scenario.other.load()).metadataLocation;
    await scenario.book.append(log, 10);
    await log.flush();
    await scenario.space.catalog.dropTable(ORDERS);
    await scenario.space.catalog.registerTable(ORDERS, backup);
    await scenario.book.append(log, 10);
    await expect(log.flush()).rejects.toMatchObject({
      code: 'LEDGER_BEHIND_LOG',
      context: { range: { first: 10, last: 19 } },
    });
    await scenario.crash(storage);
    await expect(scenario.start()).rejects.toMatchObject({ code: 'LEDGER_BEHIND_LOG' });
  });
});
