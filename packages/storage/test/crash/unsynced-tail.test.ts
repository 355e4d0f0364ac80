import { openWal, type SyncMode } from '@danube/wal';
import { SimDisk } from '@danube/wal/testing';
import { expect, it } from 'vitest';
import { unavailable } from '../support/faulty-catalog.ts';
import { createScenario } from '../support/scenario.ts';

/** Modes that acknowledge before the disk has it: only the sync before a commit keeps table and log together. */
const MODES: readonly SyncMode[] = [{ kind: 'none' }, { kind: 'periodic', intervalMs: 3_600_000 }];

it.each(MODES)(
  'mode $kind: what the table has, the log had synced, so no offset is used twice',
  async (sync) => {
    await using scenario = await createScenario();
    const disk = new SimDisk({ seed: 1 });
    const options = {
      wal: { dir: '/sim/log', sync },
      openWal: (given: Parameters<typeof openWal>[0]) => openWal({ ...given, fs: disk.mount() }),
    };
    const before = await scenario.start(options);
    await scenario.book.append(before.log, 5);
    await before.log.flush();
    expect(before.log.durableOffset).toBe(4);
    await scenario.book.append(before.log, 5);
    expect(before.log.durableOffset).toBe(4);
    disk.crash();
    await scenario.crash(before.storage).catch(() => undefined);

    // Without a catalog only the log knows what was given out.
    scenario.faults.onLoad = () => Promise.reject(unavailable());
    const after = await scenario.start({ ...options, openTimeoutMs: 20 });
    expect(after.log.nextOffset).toBe(5);
    await scenario.book.append(after.log, 5);
    scenario.faults.onLoad = (load) => load();
    await after.log.flush();
    expect(await scenario.judge()).toMatchObject({ rows: 10, last: 9 });
  },
);
