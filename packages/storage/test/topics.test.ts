import { describe, expect, it, vi } from 'vitest';
import { StorageError } from '../src/index.ts';
import { ledgerOf } from '../src/ledger.ts';
import { unavailable, withFaults } from './support/faulty-catalog.ts';
import { Ledgerbook, message, offsets, once, plain, range, readAll } from './support/messages.ts';
import { OtherEngine } from './support/other-engine.ts';
import { createWorkspace, ORDERS } from './support/workspace.ts';

const code = (expected: string) => expect.objectContaining({ code: expected });

describe('opening topics', () => {
  it('claims before the first acknowledgement: snapshot, tag and ledger in one commit', async () => {
    await using space = await createWorkspace();
    const storage = await space.open();
    await storage.openTopic('/default/orders');
    const { metadata } = await space.load();
    expect(metadata.snapshots).toHaveLength(1);
    expect(metadata.refs['danube.ledger']).toMatchObject({
      type: 'tag',
      snapshotId: metadata.currentSnapshotId,
    });
    expect(ledgerOf(metadata, '/default/orders')).toMatchObject({
      logId: storage.logId,
      epoch: 1,
      start: 0,
      through: -1,
      snapshotId: metadata.currentSnapshotId,
    });
    expect(storage.listTopics()).toEqual(['/default/orders']);
  });

  it('refuses malformed names', async () => {
    await using space = await createWorkspace();
    const storage = await space.open();
    for (const name of ['orders', '/orders', '/a/b/c', '/a/', '//b', '/a/b c', '/a/../b', ''])
      await expect(storage.openTopic(name)).rejects.toEqual(code('INVALID_TOPIC'));
  });

  it('gives the same log to everybody who opens it', async () => {
    await using space = await createWorkspace();
    const storage = await space.open();
    const [a, b] = await Promise.all([storage.openTopic('/default/a'), storage.openTopic('/default/a')]);
    expect(a).toBe(b);
    expect(await storage.openTopic('/default/a')).toBe(a);
    expect(storage.topic('/default/a')).toBe(a);
  });

  it('refuses a topic whose table name another topic has', async () => {
    await using space = await createWorkspace();
    const storage = await space.open();
    await storage.openTopic('/default/my-orders');
    await expect(storage.openTopic('/default/my_orders')).rejects.toEqual(code('TOPIC_COLLISION'));
    expect(storage.listTopics()).toEqual(['/default/my-orders']);
  });

  it("refuses a table that is not a topic's", async () => {
    await using space = await createWorkspace();
    await space.catalog.createNamespace(['default']);
    await space.catalog.createTable(ORDERS, {
      schema: { fields: [{ id: 1, name: 'x', required: false, type: 'long' }] },
    });
    const storage = await space.open();
    await expect(storage.openTopic('/default/orders')).rejects.toEqual(code('TOPIC_COLLISION'));
  });

  it('puts every topic into one namespace if told so', async () => {
    await using space = await createWorkspace();
    const storage = await space.open({
      resolve: () => ({ catalog: space.catalog, io: space.io, namespace: ['lake', 'events'] }),
    });
    await storage.openTopic('/default/orders');
    expect(await space.catalog.listTables(['lake', 'events'])).toEqual([
      { namespace: ['lake', 'events'], name: 'default_orders' },
    ]);
  });

  it('keeps the partitions of a partitioned topic in one table, each with its own ledger', async () => {
    await using space = await createWorkspace();
    const storage = await space.open();
    const parts = await Promise.all([0, 1, 2].map((i) => storage.openTopic(`/default/orders-part-${i}`)));
    await Promise.all(
      parts.map((part, i) => Promise.all(range(0, 9 + i).map((n) => part.append(message(n))))),
    );
    await storage.flush();
    const { metadata } = await space.load();
    expect(ledgerOf(metadata, '/default/orders-part-2')).toMatchObject({ through: 11 });
    expect(offsets(await readAll(parts[1] as never))).toEqual(range(0, 10));
    await expect(storage.openTopic('/default/orders')).rejects.toEqual(code('TOPIC_COLLISION'));
  });

  it('claims rows that nobody owns by starting above them', async () => {
    await using space = await createWorkspace();
    const first = await space.open();
    const log = await first.openTopic('/default/orders');
    await Promise.all(range(0, 9).map((n) => log.append(message(n))));
    await log.flush();
    await new OtherEngine(space.catalog, space.io, ORDERS).removeProperty('danube.ledger./default/orders');
    const stranger = await space.open({ log: 'other' });
    const theirs = await stranger.openTopic('/default/orders');
    expect(theirs.nextOffset).toBe(10);
    expect(ledgerOf((await space.load()).metadata, '/default/orders')).toMatchObject({
      start: 10,
      through: 9,
    });
  });

  it('says that offsets below its start are gone, or fails if told so', async () => {
    await using space = await createWorkspace();
    const storage = await space.open({ wal: { dir: `${space.dir}/wal`, maxFileSizeBytes: 64 * 1024 } });
    const log = await storage.openTopic('/default/orders', { persistedCursor: 4 });
    const truncated = once(storage, 'truncated');
    await Promise.all(range(0, 199).map((n) => log.append(message(n, { payload: Buffer.alloc(1000) }))));
    await log.flush();
    await truncated;
    const gap = once(storage, 'gap');
    expect(offsets(await readAll(log))).toEqual(range(5, 204));
    expect(await gap).toMatchObject({ first: 0, last: 4, reason: 'below-start' });
    const failing = async () => {
      for await (const _ of log.read({ from: 0, onGap: 'fail' })) throw new Error('delivered something');
    };
    await expect(failing()).rejects.toEqual(code('GAP'));
  });

  it('starts above persisted cursors and reports the jump', async () => {
    await using space = await createWorkspace();
    const first = await space.open();
    const log = await first.openTopic('/default/orders', { persistedCursor: 41 });
    expect(log.nextOffset).toBe(42);
    await log.append(message(0));
    await first.close();

    const second = await space.open();
    const jump = once(second, 'jump');
    const again = await second.openTopic('/default/orders', { persistedCursor: 50 });
    expect(await jump).toMatchObject({ first: 43, last: 50, reason: 'cursor' });
    expect(await again.append(message(1))).toMatchObject({ offset: 51 });
    await again.flush();
    const gaps: unknown[] = [];
    const seen: number[] = [];
    for await (const batch of again.read({ from: 0, onGap: (gap) => gaps.push(gap) }))
      seen.push(...offsets(batch));
    expect(seen).toEqual([42, 51]);
    await second.close();
    // The jump is still no reason to think that something was lost.
    const third = await space.open();
    expect((await third.openTopic('/default/orders')).nextOffset).toBe(52);
  });

  it('is CATALOG_UNAVAILABLE for a new topic, and goes on with a claimed one, while the catalog is down', async () => {
    await using space = await createWorkspace();
    const book = new Ledgerbook();
    const { catalog, faults } = withFaults(space.catalog);
    const resolve = () => ({ catalog, io: space.io });
    const first = await space.open({ resolve });
    await book.append(await first.openTopic('/default/orders'), 5);
    await first.close();

    faults.onLoad = () => Promise.reject(unavailable());
    faults.onCommit = () => Promise.reject(unavailable());
    const second = await space.open({ resolve, openTimeoutMs: 50 });
    await expect(second.openTopic('/default/new')).rejects.toEqual(code('CATALOG_UNAVAILABLE'));
    const log = await second.openTopic('/default/orders');
    await book.append(log, 5);
    expect(offsets(await readAll(log, 5))).toEqual(range(5, 9));
    faults.onLoad = (load) => load();
    faults.onCommit = (call) => call.land();
    await log.flush();
    expect(log.committedThrough).toBe(9);
    // The time to open is short in this test, and the machine may be busy: trying again is what the code says.
    const fresh = await vi.waitFor(() => second.openTopic('/default/new'), { timeout: 20_000 });
    expect(fresh.nextOffset).toBe(0);
  });
});

describe('messages', () => {
  it.each([
    ['a publish time after the year 9999', { publishTimeMs: 253_402_300_800_000 }],
    ['a publish time that is not a whole number', { publishTimeMs: 1.5 }],
    ['a payload over the limit', { payload: Buffer.alloc(1025) }],
    ['too many attributes', { attributes: new Map(range(0, 10).map((n) => [`k${n}`, 'v'])) }],
    ['texts over the limit', { routingKey: 'x'.repeat(2000) }],
    ['text that is not well-formed', { producerName: '\ud800' }],
    ['an id beyond 64 bits', { requestId: 1n << 64n }],
    ['a negative id', { producerId: -1n }],
    ['a schema version beyond 32 bits', { schemaVersion: 2 ** 32 }],
    ['no payload', { payload: undefined as never }],
  ])('refuses %s with MESSAGE_INVALID and takes no offset for it', async (_title, wrong) => {
    await using space = await createWorkspace();
    const storage = await space.open({
      limits: { maxPayloadBytes: 1024, maxAttributes: 10, maxHeaderBytes: 1024 },
    });
    const log = await storage.openTopic('/default/orders');
    await expect(log.append(message(0, wrong))).rejects.toEqual(code('MESSAGE_INVALID'));
    expect(await log.append(message(1))).toMatchObject({ offset: 0 });
  });

  it('takes what is exactly at the limits', async () => {
    await using space = await createWorkspace();
    const storage = await space.open({ limits: { maxPayloadBytes: 1024 } });
    const log = await storage.openTopic('/default/orders');
    await log.append(
      message(0, { publishTimeMs: 253_402_300_799_999, payload: Buffer.alloc(1024), producerName: '' }),
    );
    await log.append(
      message(1, { publishTimeMs: -62_135_596_800_000, payload: Buffer.alloc(0), attributes: new Map() }),
    );
    const fromLog = plain(await readAll(log));
    await log.flush();
    await storage.close();
    const second = await space.open({ tailBytes: 0 });
    expect(plain(await readAll(await second.openTopic('/default/orders')))).toEqual(fromLog);
  });
});

describe('backlog', () => {
  it('refuses with BACKLOG_FULL at the limit of a topic, other topics go on, and takes more after the commit', async () => {
    await using space = await createWorkspace();
    const { catalog, faults } = withFaults(space.catalog);
    const storage = await space.open({
      resolve: () => ({ catalog, io: space.io }),
      backlog: { maxTopicBytes: 64 * 1024 },
      flush: { maxAgeMs: 10 },
    });
    const log = await storage.openTopic('/default/orders');
    faults.onCommit = () => Promise.reject(unavailable());
    let appended = 0;
    const full = await (async () => {
      for (;;) {
        try {
          await log.append(message(appended, { payload: Buffer.alloc(1000) }));
          appended += 1;
        } catch (error) {
          return error;
        }
      }
    })();
    expect(full).toEqual(code('BACKLOG_FULL'));
    expect(StorageError.is(full) && full.retryable).toBe(true);
    expect(log.status.state).toBe('open');
    faults.onCommit = (call) => call.land();
    await log.flush();
    expect(await log.append(message(appended))).toMatchObject({ offset: appended });
  });
});

describe('deleting topics', () => {
  it('keeps the table, and a topic made again over it is a new life above the old offsets', async () => {
    await using space = await createWorkspace();
    const storage = await space.open();
    const log = await storage.openTopic('/default/orders');
    for (let n = 0; n < 10; n += 1) await log.append(message(n));
    const before = ledgerOf((await space.load()).metadata, '/default/orders');
    await storage.deleteTopic('/default/orders');
    expect(storage.listTopics()).toEqual([]);
    await expect(log.append(message(99))).rejects.toEqual(code('CLOSED'));
    expect(ledgerOf((await space.load()).metadata, '/default/orders')).toMatchObject({ through: 9 });
    await storage.close();

    const second = await space.open();
    const again = await second.openTopic('/default/orders');
    expect(again.nextOffset).toBe(10);
    await again.append(message(10));
    await again.flush();
    const ledger = ledgerOf((await space.load()).metadata, '/default/orders');
    expect(ledger).toMatchObject({ start: 10, through: 10 });
    expect((ledger as { topicId: string }).topicId).not.toBe((before as { topicId: string }).topicId);
    // The new life's readers do not see the old life's rows.
    expect(offsets(await readAll(again))).toEqual([10]);
  });

  it('removes the table when asked', async () => {
    await using space = await createWorkspace();
    const storage = await space.open();
    const log = await storage.openTopic('/default/orders');
    await log.append(message(0));
    await storage.deleteTopic('/default/orders', { dropTable: true });
    expect(await space.catalog.tableExists(ORDERS)).toBe(false);
    expect((await storage.openTopic('/default/orders')).nextOffset).toBe(0);
  });
});
