import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openWal, type Wal, WalError, type WalRecordInput } from '@danube/wal';
import { describe, expect, it } from 'vitest';
import { TOPIC_RECORD } from '../src/record-types.ts';
import { unavailable, unknownOutcome } from './support/faulty-catalog.ts';
import { message, offsets, once, range, readAll } from './support/messages.ts';
import { createScenario, gate, TOPIC } from './support/scenario.ts';

const code = (expected: string) => expect.objectContaining({ code: expected });
const filler = (n: number) => message(n, { payload: Buffer.alloc(1000, n) });

describe('a topic while it is deleted', () => {
  it('acknowledges nothing that the kept table will not hold', async () => {
    await using scenario = await createScenario();
    const { storage, log } = await scenario.start();
    await scenario.book.append(log, 3);
    const held = gate();
    const sent = gate();
    scenario.faults.onCommit = async (call) => {
      sent.open();
      await held.opened;
      return call.land();
    };
    const deleted = storage.deleteTopic(TOPIC);
    await sent.opened;
    const late = scenario.book.append(log, 1).catch(() => undefined);
    await late;
    held.open();
    await deleted;
    await scenario.judge();
  });

  it('commits what an earlier run acknowledged, though this one has not opened it', async () => {
    await using scenario = await createScenario();
    const first = await scenario.start();
    scenario.faults.onCommit = () => Promise.reject(unavailable());
    await scenario.book.append(first.log, 5);
    await scenario.crash(first.storage);
    scenario.faults.onCommit = (call) => call.land();
    const second = await scenario.open();
    await second.deleteTopic(TOPIC);
    expect(await scenario.judge()).toMatchObject({ rows: 5 });
  });

  it('is opened anew, as another life, by who asks meanwhile', async () => {
    await using scenario = await createScenario();
    const { storage, log } = await scenario.start();
    await scenario.book.append(log, 3);
    const [, again] = await Promise.all([storage.deleteTopic(TOPIC), storage.openTopic(TOPIC)]);
    await scenario.book.append(again, 3);
    expect(storage.listTopics()).toEqual([TOPIC]);
    await scenario.crash(storage);
    const next = await scenario.start();
    await next.log.flush();
    expect(await scenario.judge()).toMatchObject({ rows: 6, last: 5 });
  });

  it('takes appends again if it could not be deleted', async () => {
    await using scenario = await createScenario();
    const { storage, log } = await scenario.start();
    scenario.faults.onLoad = () => Promise.reject(unavailable());
    await expect(storage.deleteTopic(TOPIC, { dropTable: true })).rejects.toEqual(
      code('CATALOG_UNAVAILABLE'),
    );
    scenario.faults.onLoad = (load) => load();
    const again = await storage.openTopic(TOPIC);
    await scenario.book.append(again, 2);
    await again.flush();
    expect(await scenario.judge()).toMatchObject({ rows: 2 });
    expect(log.committedThrough).toBe(1);
  });
});

describe('a topic that is opened with less time than the storage gives', () => {
  it('opens unseen if it was claimed before, says so, and is checked before its next commit', async () => {
    await using scenario = await createScenario();
    const { storage, log } = await scenario.start();
    await scenario.book.append(log, 2);
    await log.flush();
    await scenario.crash(storage);

    const answered = gate();
    scenario.faults.onLoad = async (load) => {
      await answered.opened;
      return load();
    };
    const after = await scenario.open({ openTimeoutMs: 3_600_000 });
    await expect(after.openTopic(TOPIC, { timeoutMs: -1 })).rejects.toEqual(code('INVALID_ARGUMENT'));
    await expect(after.openTopic(TOPIC, { timeoutMs: Number.NaN })).rejects.toEqual(code('INVALID_ARGUMENT'));
    await expect(after.openTopic('/default/new', { timeoutMs: 20 })).rejects.toEqual(
      code('CATALOG_UNAVAILABLE'),
    );
    const again = await after.openTopic(TOPIC, { timeoutMs: 20 });
    expect(again.table()).toBeUndefined();
    await scenario.book.append(again, 2);
    answered.open();
    await again.flush();
    expect(again.table()?.through).toBe(3);
    expect(await scenario.judge()).toMatchObject({ rows: 4 });
  });
});

describe('a topic that was deleted while its claim was on its way', () => {
  it('can be made again after that claim has landed', async () => {
    await using scenario = await createScenario();
    const storage = await scenario.open({ openTimeoutMs: 300 });
    scenario.faults.onCommit = () => Promise.reject(unknownOutcome());
    await expect(storage.openTopic(TOPIC)).rejects.toEqual(code('CATALOG_UNAVAILABLE'));
    await storage.deleteTopic(TOPIC);
    await scenario.calls[0]?.land();
    scenario.faults.onCommit = (call) => call.land();
    await scenario.crash(storage);
    const { log } = await scenario.start();
    await scenario.book.append(log, 3);
    await log.flush();
    expect(await scenario.judge()).toMatchObject({ rows: 3 });
  });
});

describe('a stopped topic that is opened again', () => {
  it('takes nothing before the case table was run', async () => {
    await using scenario = await createScenario();
    const { storage, log } = await scenario.start();
    await scenario.book.append(log, 3);
    await scenario.other.append();
    await scenario.other.removeProperty(`danube.ledger.${TOPIC}`);
    await expect(log.flush()).rejects.toEqual(code('LEDGER_LOST'));
    const asked = gate();
    const held = gate();
    scenario.faults.onLoad = async (load) => {
      asked.open();
      await held.opened;
      return load();
    };
    const opened = storage.openTopic(TOPIC);
    opened.catch(() => undefined);
    await asked.opened;
    await expect(log.append(message(99))).rejects.toThrow();
    held.open();
    await expect(opened).rejects.toEqual(code('LEDGER_LOST'));
    expect(log.status).toMatchObject({ state: 'stopped', code: 'LEDGER_LOST' });
  });

  it('stays stopped while the catalog does not answer', async () => {
    await using scenario = await createScenario();
    const { storage, log } = await scenario.start({ openTimeoutMs: 1500 });
    await scenario.book.append(log, 3);
    await scenario.other.append();
    await scenario.other.removeProperty(`danube.ledger.${TOPIC}`);
    await expect(log.flush()).rejects.toEqual(code('LEDGER_LOST'));
    scenario.faults.onLoad = () => Promise.reject(unavailable());
    await expect(storage.openTopic(TOPIC)).rejects.toEqual(code('CATALOG_UNAVAILABLE'));
    expect(log.status).toMatchObject({ state: 'stopped', code: 'LEDGER_LOST' });
    await expect(log.append(message(99))).rejects.toEqual(code('LEDGER_LOST'));
  });
});

describe('a log that lost its tail', () => {
  it('reads what only the table has, in this run and after the next start', async () => {
    await using scenario = await createScenario();
    const dir = join(scenario.space.dir, 'wal');
    const before = await scenario.start();
    await scenario.book.append(before.log, 5);
    await scenario.crash(before.storage);
    await cp(dir, `${dir}-kept`, { recursive: true });
    const lost = await scenario.start();
    await scenario.book.append(lost.log, 5);
    await lost.log.flush();
    await scenario.crash(lost.storage);
    await rm(dir, { recursive: true });
    await cp(`${dir}-kept`, dir, { recursive: true });
    await scenario.crash(await scenario.open());

    const found = await scenario.start();
    expect(found.log.nextOffset).toBe(10);
    expect(offsets(await readAll(found.log))).toEqual(range(0, 9));
    await scenario.book.append(found.log, 3);
    expect(offsets(await readAll(found.log))).toEqual(range(0, 12));
    await scenario.crash(found.storage);

    const next = await scenario.start();
    const gaps: unknown[] = [];
    const seen: number[] = [];
    for await (const batch of next.log.read({ from: 0, onGap: (gap) => gaps.push(gap) }))
      seen.push(...offsets(batch));
    expect(gaps).toEqual([]);
    expect(seen).toEqual(range(0, 12));
    await next.log.flush();
    expect(await scenario.judge()).toMatchObject({ rows: 13 });
  });
});

describe('a full disk', () => {
  it('lets the log forget only what its remaining records can still count', async () => {
    await using scenario = await createScenario();
    let full = false;
    const refusing = async (options: Parameters<typeof openWal>[0]): Promise<Wal> => {
      const wal = await openWal(options);
      return new Proxy(wal, {
        get(target, property) {
          if (property === 'append')
            return (record: WalRecordInput) =>
              full && record.type === TOPIC_RECORD
                ? Promise.reject(new WalError('WAL_NO_SPACE', 'the disk is full (injected)'))
                : target.append(record);
          const value = Reflect.get(target, property) as unknown;
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      });
    };
    const small = { dir: join(scenario.space.dir, 'wal'), maxFileSizeBytes: 64 * 1024 };
    const { storage, log } = await scenario.start({ wal: small, openWal: refusing });
    const other = await storage.openTopic('/default/filler');
    full = true;
    // Segments begin, with their dictionaries, while the appends of both topics are under way.
    const before = range(0, 99).map((n) => other.append(filler(n)));
    const ours = scenario.book.append(log, 10);
    const after = range(0, 199).map((n) => other.append(filler(n)));
    await Promise.all([...before, ours, ...after]);
    await log.flush();
    const truncated = once(storage, 'truncated');
    await other.flush();
    await truncated;
    expect(log.committedThrough).toBe(9);
    await scenario.crash(storage);

    scenario.faults.onLoad = () => Promise.reject(unavailable());
    const again = await scenario.start({ wal: small, openTimeoutMs: 50 });
    expect(again.log.nextOffset).toBe(10);
  });
});
