import { strict as assert } from 'node:assert';
import { SECTOR_BYTES, SimDisk } from '../../src/testing/index.ts';
import { readAll, type WalModule } from './log-model.ts';
import { LOG_DIR } from './observed-log.ts';

const record = (text: string) => ({ type: 1, payload: Buffer.from(text) });

/**
 * Hazard, found by seed 3232: a torn tail is cut, the file grows again, power fails before the sync, and the file system
 * shows what the disk held there before: an intact frame of the life before the cut, at its right place and offset.
 */
export async function frameOfAnEarlierLife({ openWal }: WalModule): Promise<void> {
  const disk = new SimDisk({ seed: 1 });
  const path = `${LOG_DIR}/00000000000000000000.wal`;
  let log = await openWal({ dir: LOG_DIR, fs: disk.mount(), sync: { kind: 'none' } });
  await log.append(record('kept'));
  const end = log.segments()[0]!.sizeBytes;
  await log.append(record('lost in the first life'));
  disk.kill();
  const withLost = disk.contents(path);
  disk.plant(path, withLost.subarray(0, end)); // the power loss took it
  log = await openWal({ dir: LOG_DIR, fs: disk.mount(), sync: { kind: 'none' } });
  assert.equal(log.nextOffset, 1);
  disk.kill();
  disk.plant(path, withLost); // and another one brings it back
  log = await openWal({ dir: LOG_DIR, fs: disk.mount() });
  assert.deepEqual([...(await readAll(log, 0)).values()], ['kept'], 'a record given up came back');
  assert.equal(log.recovery.tornTail?.reason, 'frame of an earlier life');
  await log.close();
}

/**
 * Hazard: records of a frame that was given up have the size and place of those of the frame written there later. Power
 * fails while that one is written: the sector with its header came, behind it the file shows what was there before.
 */
export async function recordsOfAnEarlierFrame({ openWal }: WalModule): Promise<void> {
  const path = `${LOG_DIR}/00000000000000000000.wal`;
  const disk = new SimDisk({ seed: 1 });
  const open = () => openWal({ dir: LOG_DIR, fs: disk.mount(), preallocateBytes: 0 });
  // The second record of the batch begins with the second sector.
  const batch = (life: string) => [record(`debit ${life}`.padEnd(352)), record(`credit ${life}`.padEnd(300))];
  let log = await open();
  const end = log.segments()[0]!.sizeBytes;
  await log.appendBatch(batch('given up'));
  disk.kill();
  const old = disk.contents(path);
  disk.plant(path, old.subarray(0, end));
  log = await open();
  await log.appendBatch(batch('new'));
  disk.kill();
  const torn = Buffer.concat([disk.contents(path).subarray(0, SECTOR_BYTES), old.subarray(SECTOR_BYTES)]);
  disk.plant(path, torn);
  log = await open();
  assert.deepEqual([...(await readAll(log, 0)).values()], [], 'a batch of two lives was read');
  assert.equal(log.recovery.tornTail?.reason, 'records of another frame');
  await log.close();
}

/**
 * Hazard, found by seed 678: the state that orders a truncation meets a failed sync, so it reads well and is not on disk.
 * Opening again must not delete the segments on its word: power may fail before a state is durable.
 */
export async function stateOnlyInTheCache(module: WalModule, progress: () => void = () => {}): Promise<void> {
  let crashes = 0;
  for (let operations = 1; operations < 60; operations++) {
    for (let seed = 1; seed <= 8; seed++) {
      progress();
      const disk = new SimDisk({ seed });
      const open = () =>
        module.openWal({ dir: LOG_DIR, fs: disk.mount(), maxFileSizeBytes: 256, maxBatchBytes: 4096 });
      let log = await open();
      for (let i = 0; i < 8; i++) await log.append(record(`record ${i} ${'.'.repeat(60)}`));
      disk.failOnce('sync', 'EIO', { path: /state/ });
      await log.truncateBefore(6).catch(() => undefined);
      assert(log.failure);
      await log.close();
      disk.crashAfter(operations);
      try {
        log = await open();
        await log.close();
      } catch {
        crashes++;
      }
      disk.crash();
      log = await open(); // WAL_CORRUPT here: segments are gone that the durable state still names
      const texts = await readAll(log, log.firstOffset);
      for (let i = Math.max(6, log.firstOffset); i < 8; i++) assert(texts.get(i)?.startsWith(`record ${i} `));
      await log.close();
    }
  }
  assert(crashes > 100, `only ${crashes} crashes while opening`);
}
