import { scanRows } from '@danube/iceberg';
import { describe, expect, it } from 'vitest';
import type { StoredMessage } from '../src/index.ts';
import { judgeTable } from '../src/testing.ts';
import { Ledgerbook, message, offsets, plain, range, readAll } from './support/messages.ts';
import { createWorkspace, ORDERS } from './support/workspace.ts';

const TOPIC = '/default/orders';

describe('a topic', () => {
  it('acknowledges in offset order from 0, is read back equal, and is a table after a flush', async () => {
    await using space = await createWorkspace({ catalog: 'sql' });
    const storage = await space.open();
    const log = await storage.openTopic(TOPIC);
    const settled: number[] = [];
    const sent = range(0, 99).map((n) =>
      message(n, {
        requestId: (1n << 64n) - 1n - BigInt(n),
        attributes: new Map([
          ['n', String(n)],
          ['ключ', '値'],
        ]),
        routingKey: `key-${n % 3}`,
        schemaId: (1n << 63n) + 5n,
        schemaVersion: 0xffff_ffff,
        subscriptionName: 'sub',
      }),
    );
    const acks = await Promise.all(
      sent.map(async (one) => {
        const ack = await log.append(one);
        settled.push(ack.offset);
        return ack;
      }),
    );
    expect(acks.map((ack) => ack.offset)).toEqual(range(0, 99));
    expect(settled).toEqual(range(0, 99));
    expect(acks.every((ack) => ack.durable)).toBe(true);
    expect(log).toMatchObject({
      nextOffset: 100,
      durableOffset: 99,
      readableOffset: 99,
      committedThrough: -1,
    });

    const fromMemory = await readAll(log);
    expect(offsets(fromMemory)).toEqual(range(0, 99));
    await log.flush();
    expect(log.committedThrough).toBe(99);
    const rows = [];
    const { metadata } = await space.load();
    for await (const row of scanRows(metadata, space.io)) rows.push(row);
    expect(rows).toHaveLength(100);
    expect(rows[0]).toMatchObject({
      topic_name: TOPIC,
      segment_offset: 0n,
      request_id: -1n,
      schema_id: -(1n << 63n) + 5n,
      schema_version: 0xffff_ffffn,
      publish_time: 1_700_000_000_000_000n,
      broker_addr: 'http://127.0.0.1:6650',
      segment_id: null,
    });
    expect(log.table()).toMatchObject({ identifier: ORDERS, start: 0, through: 99 });
    expect(plain(fromMemory)).toMatchObject(plain(sent as StoredMessage[]) as object[]);
  });

  it('reads the same from memory, from the log, and from the table', async () => {
    await using space = await createWorkspace();
    const book = new Ledgerbook();
    const first = await space.open({ wal: { dir: `${space.dir}/wal`, maxFileSizeBytes: 64 * 1024 } });
    const log = await first.openTopic(TOPIC);
    await book.append(log, 500, { attributes: new Map([['a', 'b']]), payload: Buffer.alloc(900, 1) });
    const expected = plain(await readAll(log));
    await log.flush();
    await first.close();

    // No memory at all: what the log still holds comes from there, the rest from the table.
    const second = await space.open({
      wal: { dir: `${space.dir}/wal`, maxFileSizeBytes: 64 * 1024 },
      tailBytes: 0,
    });
    const again = await second.openTopic(TOPIC);
    expect(plain(await readAll(again))).toEqual(expected);
    expect(plain(await readAll(again, 250))).toEqual(expected.slice(250));
    expect(second.stats().walBytes).toBeLessThan(200 * 1024);
  });

  it('goes on above its offsets after a restart, committed or not', async () => {
    await using space = await createWorkspace({ catalog: 'sql' });
    const book = new Ledgerbook();
    for (let run = 0; run < 5; run += 1) {
      const storage = await space.open();
      const log = await storage.openTopic(TOPIC);
      expect(log.nextOffset).toBe(run * 20);
      await book.append(log, 20);
      if (run % 2 === 0) await log.flush();
      expect(offsets(await readAll(log))).toEqual(range(0, run * 20 + 19));
      await storage.close();
    }
    const { metadata } = await space.load();
    expect(await judgeTable({ metadata, io: space.io, topic: TOPIC, ...book, clean: true })).toMatchObject({
      rows: 100,
      violations: [],
    });
  });

  it('commits by size without being asked', async () => {
    await using space = await createWorkspace();
    const storage = await space.open({ flush: { maxBytes: 64 * 1024, maxAgeMs: 3_600_000 } });
    const log = await storage.openTopic(TOPIC);
    const committed = new Promise<number>((resolve) =>
      storage.on('committed', (event) => resolve(event.rows)),
    );
    await Promise.all(range(0, 99).map((n) => log.append(message(n, { payload: Buffer.alloc(1024) }))));
    expect(await committed).toBeGreaterThan(60);
  });

  it('commits by age without being asked', async () => {
    await using space = await createWorkspace();
    const storage = await space.open({ flush: { maxAgeMs: 20 } });
    const log = await storage.openTopic(TOPIC);
    const committed = new Promise<number>((resolve) =>
      storage.on('committed', (event) => resolve(event.through)),
    );
    await log.append(message(0));
    expect(await committed).toBe(0);
  });

  it('has the topic with the oldest message committed when all together hold too much', async () => {
    await using space = await createWorkspace();
    const storage = await space.open({ flush: { maxAgeMs: 3_600_000, maxTotalBytes: 64 * 1024 } });
    const oldest = await storage.openTopic('/default/oldest');
    const newer = await storage.openTopic('/default/newer');
    const committed: string[] = [];
    const done = new Promise<void>((resolve) =>
      storage.on('committed', (event) => {
        committed.push(event.topic);
        resolve();
      }),
    );
    await oldest.append(message(0));
    for (let n = 0; n < 80; n += 1) await newer.append(message(n, { payload: Buffer.alloc(1024) }));
    await done;
    expect(committed[0]).toBe('/default/oldest');
  });

  it('follows: delivers what is appended later, and ends when told', async () => {
    await using space = await createWorkspace();
    const storage = await space.open();
    const log = await storage.openTopic(TOPIC);
    await log.append(message(0));
    const stop = new AbortController();
    const seen: number[] = [];
    const reading = (async () => {
      for await (const batch of log.read({ from: 0, follow: true, signal: stop.signal })) {
        seen.push(...offsets(batch));
        if (seen.length === 31) stop.abort();
      }
    })();
    for (let n = 1; n <= 30; n += 1) await log.append(message(n));
    await reading;
    expect(seen).toEqual(range(0, 30));
  });

  it('loses nothing for a reader that is slower than everything around it', async () => {
    await using space = await createWorkspace();
    const storage = await space.open({
      wal: { dir: `${space.dir}/wal`, maxFileSizeBytes: 64 * 1024 },
      tailBytes: 20_000,
    });
    const log = await storage.openTopic(TOPIC);
    await log.append(message(0));
    const stop = new AbortController();
    const seen: number[] = [];
    for await (const batch of log.read({ from: 0, follow: true, signal: stop.signal, maxBytes: 5000 })) {
      seen.push(...offsets(batch));
      // Between two batches more happens than memory and log keep.
      if (log.nextOffset < 1000) {
        const next = log.nextOffset;
        await Promise.all(
          range(next, next + 199).map((n) => log.append(message(n, { payload: Buffer.alloc(700) }))),
        );
        await log.flush();
      }
      if (seen.length >= log.nextOffset) stop.abort();
    }
    expect(seen).toEqual(range(0, log.nextOffset - 1));
  });

  it('splits a batch into days, one file a day', async () => {
    await using space = await createWorkspace();
    let now = Date.UTC(2026, 0, 1, 23, 59, 59);
    const storage = await space.open({ now: () => now });
    const log = await storage.openTopic(TOPIC);
    await Promise.all([log.append(message(0)), log.append(message(1))]);
    now = Date.UTC(2026, 0, 2);
    await log.append(message(2));
    // A clock that goes back does not take the append time with it.
    now = Date.UTC(2025, 5, 1);
    await log.append(message(3));
    await log.flush();
    const { metadata } = await space.load();
    expect(metadata.snapshots.at(-1)?.summary['added-data-files']).toBe('2');
    expect((await readAll(log)).map((stored) => stored.appendTimeMs)).toEqual([
      Date.UTC(2026, 0, 1, 23, 59, 59),
      Date.UTC(2026, 0, 1, 23, 59, 59),
      Date.UTC(2026, 0, 2),
      Date.UTC(2026, 0, 2),
    ]);
  });
});

describe('periodic mode', () => {
  it('says that an acknowledgement is not durable, and moves durableOffset when it is', async () => {
    await using space = await createWorkspace();
    const storage = await space.open({
      wal: { dir: `${space.dir}/wal`, sync: { kind: 'periodic', intervalMs: 3_600_000 } },
    });
    const log = await storage.openTopic(TOPIC);
    expect(await log.append(message(0))).toEqual({ offset: 0, durable: false });
    expect(log.readableOffset).toBe(0);
    expect(log.durableOffset).toBe(-1);
    // A commit refers to offsets, so it syncs the log first.
    await log.flush();
    expect(log.durableOffset).toBe(0);
  });
});
