import { planFiles, prepareAppend, scanRows, type TableMetadata } from '@danube/iceberg';
import { createParquetEncoder } from '@danube/parquet-writer';
import { afterAll, describe, expect, it } from 'vitest';
import { writeDataFiles } from '../src/data-files.ts';
import { rowToMessage } from '../src/message-rows.ts';
import { message, offsets, once, range, readAll } from './support/messages.ts';
import { OtherEngine } from './support/other-engine.ts';
import { createWorkspace, ORDERS, type Workspace } from './support/workspace.ts';

const encoder = createParquetEncoder();
afterAll(() => encoder.close());

/** Rewrites every row into one file by a `replace`, expires what was before, and deletes the files nobody needs. */
async function compactAndExpire(space: Workspace): Promise<void> {
  const base = await space.load();
  const rows = [];
  const old = new Set<string>();
  for await (const task of planFiles(base.metadata, space.io)) old.add(task.dataFile.filePath);
  for await (const row of scanRows(base.metadata, space.io)) rows.push(rowToMessage(row));
  const written = await writeDataFiles(
    encoder,
    space.io,
    base,
    0,
    (async function* () {
      yield rows.sort((a, b) => a.offset - b.offset);
    })(),
  );
  const { currentSnapshotId, ...empty } = base.metadata;
  const refs = Object.fromEntries(Object.entries(base.metadata.refs).filter(([name]) => name !== 'main'));
  const nothing = { ...empty, refs } as TableMetadata;
  const prepared = await prepareAppend({
    base: { ...base, metadata: nothing },
    io: space.io,
    dataFiles: written.files,
  });
  const summary = { ...prepared.snapshot.summary, operation: 'replace' };
  await space.catalog.commitTable(ORDERS, {
    requirements: [{ type: 'assert-ref-snapshot-id', ref: 'main', snapshotId: currentSnapshotId ?? null }],
    updates: [
      {
        action: 'add-snapshot',
        snapshot: {
          ...prepared.snapshot,
          summary,
          ...(currentSnapshotId === undefined ? {} : { parentSnapshotId: currentSnapshotId }),
        },
      },
      { action: 'set-snapshot-ref', refName: 'main', type: 'branch', snapshotId: prepared.snapshotId },
    ],
  });
  await new OtherEngine(space.catalog, space.io, ORDERS).expire();
  for (const file of old) await space.io.deleteFile(file);
}

describe('a table that another engine compacted and expired', () => {
  it('is read on by a broker that has committed nothing since', async () => {
    await using space = await createWorkspace();
    const storage = await space.open({
      wal: { dir: `${space.dir}/wal`, maxFileSizeBytes: 64 * 1024 },
      tailBytes: 0,
    });
    const log = await storage.openTopic('/default/orders');
    const truncated = once(storage, 'truncated');
    await Promise.all(range(0, 199).map((n) => log.append(message(n, { payload: Buffer.alloc(1000) }))));
    await log.flush();
    await truncated;
    await compactAndExpire(space);
    expect(offsets(await readAll(log))).toEqual(range(0, 199));
    await log.append(message(200));
    await log.flush();
    expect(offsets(await readAll(log))).toEqual(range(0, 200));
  });

  it('says that it is unreadable when the present table is', async () => {
    await using space = await createWorkspace();
    const storage = await space.open({
      wal: { dir: `${space.dir}/wal`, maxFileSizeBytes: 64 * 1024 },
      tailBytes: 0,
    });
    const log = await storage.openTopic('/default/orders');
    const truncated = once(storage, 'truncated');
    await Promise.all(range(0, 199).map((n) => log.append(message(n, { payload: Buffer.alloc(1000) }))));
    await log.flush();
    await truncated;
    for await (const task of planFiles((await space.load()).metadata, space.io))
      await space.io.deleteFile(task.dataFile.filePath);
    await expect(readAll(log)).rejects.toEqual(expect.objectContaining({ code: 'UNREADABLE' }));
  });
});
