import { cp } from 'node:fs/promises';
import { prepareAppend } from '@danube/iceberg';
import { describe, expect, it } from 'vitest';
import { formatLedger, LEDGER_TAG, type Ledger, ledgerKey, ledgerOf } from '../src/ledger.ts';
import { Ledgerbook, message, once } from './support/messages.ts';
import { createScenario, type Scenario, TOPIC } from './support/scenario.ts';
import { ORDERS } from './support/workspace.ts';

/** Another broker takes the topic over, as `topics adopt` there will do: a claim with a new topic id. */
async function takeOver(scenario: Scenario): Promise<Ledger> {
  const base = await scenario.other.load();
  const old = ledgerOf(base.metadata, TOPIC) as Ledger;
  const ledger = { ...old, topicId: crypto.randomUUID(), logId: crypto.randomUUID(), epoch: 1 };
  const prepared = await prepareAppend({ base, io: scenario.space.io, dataFiles: [], tags: [LEDGER_TAG] });
  const own = { ...ledger, snapshotId: prepared.snapshotId, seq: prepared.sequenceNumber };
  await scenario.space.catalog.commitTable(ORDERS, {
    requirements: prepared.request.requirements,
    updates: [
      ...prepared.request.updates,
      { action: 'set-properties', updates: { [ledgerKey(TOPIC)]: formatLedger(own) } },
    ],
  });
  return own;
}

/** Hazard H4: two writers believe that they own the topic. */
describe('H4: two owners', () => {
  it('a copied log directory: the one that commits second stops with LOG_COPIED', async () => {
    await using scenario = await createScenario();
    const { storage, log } = await scenario.start();
    await scenario.book.append(log, 10);
    await log.flush();
    await storage.close();
    await cp(`${scenario.space.dir}/wal`, `${scenario.space.dir}/copy`, { recursive: true });

    const original = await scenario.start();
    const copy = await scenario.start({ log: 'copy' });
    expect(copy.storage.logId).toBe(original.storage.logId);
    expect(copy.storage.epoch).toBe(original.storage.epoch);
    await scenario.book.append(original.log, 5);
    const theirs = new Ledgerbook(1000);
    await theirs.append(copy.log, 7);
    await original.log.flush();
    await expect(copy.log.flush()).rejects.toMatchObject({ code: 'LOG_COPIED' });
    await expect(copy.log.append(message(1))).rejects.toMatchObject({ code: 'LOG_COPIED' });
    expect(copy.log.status).toMatchObject({ state: 'stopped', code: 'LOG_COPIED' });
    // The one whose commits the table has goes on.
    await scenario.book.append(original.log, 5);
    await original.log.flush();
    expect(await scenario.judge()).toMatchObject({ rows: 20 });
  });

  it('a copied log directory, the copy opened more often: the original stops with LOG_COPIED', async () => {
    await using scenario = await createScenario();
    const first = await scenario.start();
    await scenario.book.append(first.log, 10);
    await first.log.flush();
    await first.storage.close();
    await cp(`${scenario.space.dir}/wal`, `${scenario.space.dir}/copy`, { recursive: true });
    const original = await scenario.start();
    await (await scenario.start({ log: 'copy' })).storage.close();
    const copy = await scenario.start({ log: 'copy' });
    const theirs = new Ledgerbook(1000);
    await theirs.append(copy.log, 3);
    await copy.log.flush();
    await original.log.append(message(5000));
    await expect(original.log.flush()).rejects.toMatchObject({ code: 'LOG_COPIED' });
  });

  it('a topic of another log is refused with OWNED_ELSEWHERE, and its table is not touched', async () => {
    await using scenario = await createScenario();
    const { log } = await scenario.start();
    await scenario.book.append(log, 10);
    await log.flush();
    const before = (await scenario.space.load()).metadataLocation;
    const stranger = await scenario.space.open({ log: 'other' });
    await expect(stranger.openTopic(TOPIC)).rejects.toMatchObject({ code: 'OWNED_ELSEWHERE' });
    expect((await scenario.space.load()).metadataLocation).toBe(before);
    expect(stranger.listTopics()).toEqual([]);
  });

  it('a topic taken over by another owner stops with FENCED and lists what it had acknowledged', async () => {
    await using scenario = await createScenario();
    const { storage, log } = await scenario.start();
    const neighbour = await storage.openTopic('/default/neighbour');
    await scenario.book.append(log, 10);
    await log.flush();
    await scenario.book.append(log, 5);
    await takeOver(scenario);
    const stopped = once(storage, 'stopped');
    await expect(log.flush()).rejects.toMatchObject({ code: 'FENCED' });
    expect(await stopped).toMatchObject({ topic: TOPIC, code: 'FENCED', range: { first: 10, last: 14 } });
    // Other topics go on.
    await neighbour.append(message(0));
    await neighbour.flush();
    await storage.close();
    // And still, with its records kept, after a restart.
    const again = await scenario.space.open();
    await expect(again.openTopic(TOPIC)).rejects.toMatchObject({
      code: 'FENCED',
      context: { range: { first: 10, last: 14 } },
    });
    expect(await scenario.judge([{ first: 10, last: 14 }])).toMatchObject({ rows: 10 });
  });

  it('of two logs that claim a new topic at once, one gets it', async () => {
    await using scenario = await createScenario();
    const [a, b] = await Promise.all([scenario.space.open({ log: 'a' }), scenario.space.open({ log: 'b' })]);
    const results = await Promise.allSettled([a.openTopic(TOPIC), b.openTopic(TOPIC)]);
    const won = results.filter((result) => result.status === 'fulfilled');
    const lost = results.filter((result) => result.status === 'rejected');
    expect(won).toHaveLength(1);
    expect(lost.map((result) => result.reason as unknown)).toMatchObject([{ code: 'OWNED_ELSEWHERE' }]);
  });
});
