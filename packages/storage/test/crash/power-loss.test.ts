import { strict as assert } from 'node:assert';
import { type Catalog, createMemoryCatalog, IcebergError } from '@danube/iceberg';
import { createFileIO, createMemoryObjectStore } from '@danube/objectstore';
import { createParquetEncoder } from '@danube/parquet-writer';
import { openWal, type SyncMode } from '@danube/wal';
import { Random, SimDisk } from '@danube/wal/testing';
import { afterAll, expect, it } from 'vitest';
import {
  openIcebergStorage,
  StorageError,
  type StoredMessage,
  type TopicLog,
  type TopicTableInfo,
} from '../../src/index.ts';
import { judgeTable } from '../../src/testing.ts';
import { message } from '../support/messages.ts';

/** Seeds tried; `DANUBE_SEEDS=first-last` tries others. */
const [FIRST = 1, LAST = 30] = (process.env['DANUBE_SEEDS'] ?? '1-30').split('-').map(Number);
const NAMES = ['/default/orders', '/default/quiet', '/default/logs-part-0', '/default/logs-part-1'];
const DIR = '/sim/log';

const encoder = createParquetEncoder();
afterAll(() => encoder.close());

/** What is known of one topic from outside. */
class Book {
  /** Acknowledged as durable. */
  readonly acked = new Map<number, Buffer>();
  readonly sent = new Set<string>();
  /** Acknowledged in this run, durable or not. */
  readonly written = new Map<number, Buffer>();
}

/** A process's way to the catalog: replies are lost, requests arrive late, and a dead process sends nothing more. */
function network(catalog: Catalog, random: Random, late: (() => Promise<unknown>)[]) {
  const state = { dead: false, faults: 0 };
  const lost = () => new IcebergError('COMMIT_STATE_UNKNOWN', 'lost (injected)');
  const alive = () => {
    if (state.dead) throw new IcebergError('CATALOG_UNAVAILABLE', 'this process is dead');
  };
  const proxy = new Proxy(catalog, {
    get(target, property) {
      const value = Reflect.get(target, property) as unknown;
      if (typeof value !== 'function') return value;
      return async (...given: unknown[]) => {
        alive();
        const call = () => Promise.resolve(Reflect.apply(value, target, given) as unknown);
        if (random.chance(state.faults)) {
          if (property === 'loadTable') throw new IcebergError('CATALOG_UNAVAILABLE', 'down (injected)');
          if (property === 'commitTable') {
            const kind = random.integer(0, 2);
            if (kind === 0) await call();
            if (kind === 1) late.push(call);
            throw kind === 2 ? new IcebergError('COMMIT_CONFLICT', 'refused (injected)') : lost();
          }
        }
        const reply = await call();
        alive();
        return reply;
      };
    },
  });
  return { catalog: proxy, state };
}

async function scenario(seed: number): Promise<void> {
  const random = new Random(seed);
  const disk = new SimDisk({ seed, writeBack: 0.2, shortWrites: 0.05, latencyTurns: 3 });
  const io = createFileIO({ store: createMemoryObjectStore(), baseUri: 'memory:///' });
  const catalog = createMemoryCatalog({ io, warehouse: 'memory:///warehouse' });
  const books = new Map(NAMES.map((name) => [name, new Book()]));
  const late: (() => Promise<unknown>)[] = [];
  const mode = random.pick<SyncMode>([
    { kind: 'always' },
    { kind: 'always' },
    { kind: 'periodic', intervalMs: 3 },
    { kind: 'none' },
  ]);
  let number = 0;
  const wrong: string[] = [];

  const start = async (faults: number) => {
    const net = network(catalog, random, late);
    net.state.faults = faults;
    const storage = await openIcebergStorage({
      wal: { dir: DIR, sync: mode, maxFileSizeBytes: 64 * 1024 },
      openWal: (options) => openWal({ ...options, fs: disk.mount() }),
      resolve: () => ({ catalog: net.catalog, io }),
      brokerAddr: '',
      encoder,
      flush: { maxAgeMs: 10, maxBytes: 64 * 1024 },
      retry: { minDelayMs: 1, maxDelayMs: 2 },
      commits: { perSecond: 10_000 },
      openTimeoutMs: faults === 1 ? 20 : 5000,
      closeTimeoutMs: 1,
      tailBytes: random.pick([0, 10_000, 1_000_000]),
    });
    return { storage, net };
  };

  /** Appends a burst; resolves when all have settled. */
  const burst = async (log: TopicLog, count: number): Promise<void> => {
    const book = books.get(log.name) as Book;
    await Promise.allSettled(
      Array.from({ length: count }, async () => {
        number += 1;
        const pad = random.chance(0.1) ? 5000 : random.integer(0, 299);
        const payload = Buffer.from(`${log.name} ${number} ${'.'.repeat(pad)}`);
        book.sent.add(payload.toString());
        const ack = await log.append(message(number, { payload }));
        book.written.set(ack.offset, payload);
        if (!ack.durable) return;
        if (book.acked.has(ack.offset)) wrong.push(`${log.name}: ${ack.offset} was acknowledged twice`);
        book.acked.set(ack.offset, payload);
      }),
    );
  };

  /** A reader that may fail, but not deliver anything wrong. */
  const readWhile = (log: TopicLog) =>
    readCheck(log, books.get(log.name) as Book).catch((error: unknown) => {
      if (error instanceof assert.AssertionError) wrong.push(`${log.name}: ${error.message}`);
      else if (StorageError.is(error) && error.code === 'GAP') wrong.push(`${log.name}: ${error.message}`);
    });

  const rounds = 2 + random.integer(0, 3);
  for (let round = 0; round < rounds; round += 1) {
    const faults = random.pick([0, 0.2, 0.6]);
    // Topics that were claimed open without the catalog too.
    const { storage, net } = await start(random.chance(0.3) ? 1 : faults);
    const logs = (
      await Promise.allSettled(NAMES.filter(() => random.chance(0.8)).map((name) => storage.openTopic(name)))
    ).flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    net.state.faults = faults;
    if (random.chance(0.3)) disk.failOnce('sync', 'EIO', { path: /\.wal/, after: random.integer(0, 59) });
    if (random.chance(0.3)) disk.setCapacity(disk.usedBytes + random.integer(0, 199999));
    const work: Promise<unknown>[] = [];
    for (let step = 0; step < 12 && logs.length > 0; step += 1) {
      const log = random.pick(logs);
      const done = burst(log, 1 + random.integer(0, 39));
      work.push(done);
      if (random.chance(0.5)) await done;
      if (random.chance(0.2)) work.push(readWhile(log));
      if (random.chance(0.3)) await new Promise((resolve) => setTimeout(resolve, random.integer(0, 14)));
      if (random.chance(0.2))
        await late
          .shift()?.()
          .catch(() => undefined);
    }
    const end = random.integer(0, 2);
    // What the log says is on the disk is promised like an acknowledgement that says so.
    for (const log of logs) {
      const { acked, written } = books.get(log.name) as Book;
      const durable = log.durableOffset;
      for (const [offset, payload] of written) if (offset <= durable) acked.set(offset, payload);
    }
    for (const book of books.values()) book.written.clear();
    if (end === 0) await Promise.allSettled(work);
    net.state.dead = end !== 0;
    if (end === 1) disk.crash();
    if (end === 2) disk.kill();
    await storage.close().catch(() => undefined);
    net.state.dead = true;
    await Promise.allSettled(work);
    disk.clearFaults();
    disk.setCapacity(Number.POSITIVE_INFINITY);
  }

  // Everything works again: what was acknowledged is in the tables, once, and readers see the same.
  const { storage } = await start(0);
  await Promise.allSettled(late.map((land) => land()));
  for (const name of NAMES) {
    const book = books.get(name) as Book;
    const log = await storage.openTopic(name);
    expect(log.status).toEqual({ state: 'open' });
    await log.flush();
    await burst(log, 3);
    await log.flush();
    const { identifier } = log.table() as TopicTableInfo;
    const { metadata } = await catalog.loadTable(identifier);
    const wasSent = (payload: Uint8Array) => book.sent.has(Buffer.from(payload).toString());
    const report = await judgeTable({ metadata, io, topic: name, acked: book.acked, wasSent });
    expect(report.violations).toEqual([]);
    const seen = await readCheck(log, book);
    expect(seen).toBe(report.rows);
  }
  await storage.close();
  expect(wrong).toEqual([]);
}

/** Reads a topic from 0: every offset once, in order, with the payload acknowledged there. */
async function readCheck(log: TopicLog, book: Book): Promise<number> {
  let next = 0;
  const check = (stored: StoredMessage) => {
    assert.equal(stored.offset, next);
    next += 1;
    assert(book.sent.has(Buffer.from(stored.payload).toString()), `offset ${next - 1} was never sent`);
    const acked = book.acked.get(stored.offset);
    if (acked !== undefined) assert.equal(Buffer.from(stored.payload).toString(), acked.toString());
  };
  for await (const batch of log.read({ from: 0 })) batch.forEach(check);
  return next;
}

it('power losses, kills, full and failing disks, lost and late replies: the oracle holds', async () => {
  for (let seed = FIRST; seed <= LAST; seed += 1)
    await scenario(seed).catch((error: unknown) => {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    });
}, 600_000);
