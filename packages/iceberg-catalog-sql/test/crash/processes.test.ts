import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ancestorsOf, currentSnapshot, type LoadedTable, loadTableMetadata } from '@danube/iceberg';
import { expect, test } from 'vitest';
import { startCommitLoop } from '../support/child.ts';
import { localIO, openIn, orders, schema, tempDir } from '../support/fixture.ts';
import { runTwoWriters } from '../support/two-writers.ts';

const ROUNDS = 8;
/** Generous, for a machine that is busy with other tests. */
const TIMEOUT_MS = 120_000;

/** The chain of snapshots from the first to the current one, without a gap. */
function chain(table: LoadedTable) {
  const current = currentSnapshot(table.metadata);
  const snapshots =
    current === undefined ? [] : [...ancestorsOf(table.metadata, current.snapshotId)].reverse();
  expect(snapshots.map((snapshot) => snapshot.sequenceNumber)).toEqual(
    snapshots.map((_, i) => BigInt(i + 1)),
  );
  expect(table.metadata.snapshots).toHaveLength(snapshots.length);
  expect(table.metadata.lastSequenceNumber).toBe(BigInt(snapshots.length));
  return snapshots;
}

const ids = (lines: readonly string[]) =>
  lines.filter((line) => /^\d/.test(line)).map((line) => BigInt(line.split(' ')[1] ?? ''));

// Goal: of two processes that commit to one table at once each commit takes effect exactly once, in one sequence.
// Method: both append with assertions on `main` and reload on a conflict; all snapshots must be in one chain.
test(
  'two processes commit to one table at once: nothing is lost, nothing is doubled',
  async () => {
    const dir = await tempDir();
    const catalog = await openIn(dir);
    await catalog.createNamespace(['default']);
    await catalog.createTable(orders, { schema });
    const loops = ['a', 'b'].map((who) => startCommitLoop(dir, 'orders', who, 25));
    await Promise.all(loops.map((loop) => loop.ready));
    for (const loop of loops) loop.go();
    const ended = await Promise.all(loops.map((loop) => loop.ended));
    expect(ended.map(({ code }) => code)).toEqual([0, 0]);

    const table = await catalog.loadTable(orders);
    const snapshots = chain(table).map((snapshot) => snapshot.snapshotId);
    const acked = ended.flatMap(({ lines }) => ids(lines));
    expect(acked).toHaveLength(50);
    expect([...snapshots].sort()).toEqual([...acked].sort());
    expect(table.metadata.properties).toMatchObject({ a: '25', b: '25' });
    const conflicts = ended.map(({ lines }) => Number(lines.at(-1)?.split(' ')[1]));
    console.log(`conflicts ${conflicts.join(' and ')}`);
    // Without a single conflict the two would not have met, and nothing would be shown.
    expect(Math.max(...conflicts)).toBeGreaterThan(0);
    await Promise.all(
      table.metadata.metadataLog.map(async (entry) =>
        loadTableMetadata(await localIO(dir), entry.metadataFile),
      ),
    );
  },
  TIMEOUT_MS,
);

// Goal: the same for transactions of many kinds, of which some meet a conflict that no rebase can solve.
// Method: each process says which files must be live; both try to replace each contested file.
test(
  'two processes commit transactions of many kinds: one chain, the files both say, each contested file replaced once',
  async () => {
    const report = await runTwoWriters(await tempDir(), 100);
    console.log(`${report.attempts} attempts for ${report.snapshots} snapshots`);
    expect(report.violations).toEqual([]);
    // Without a single conflict the two would not have met.
    expect(report.attempts).toBeGreaterThan(report.snapshots);
  },
  TIMEOUT_MS,
);

// Goal: after kill -9 at any moment the database and the table are whole, and no commit that resolved is lost.
// Method: a child commits until it is killed at a random moment; then file, metadata and metadata log are read.
test(
  `kill -9 in a commit loop, ${ROUNDS} times: database and table are whole, no resolved commit is lost`,
  async () => {
    let seed = Number(process.env.DANUBE_SEED ?? Date.now() % 1_000_000_007);
    console.log(`seed ${seed} (set DANUBE_SEED to repeat)`);
    const dir = await tempDir();
    const io = await localIO(dir);
    let resolved = 0;
    let extra = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const name = `round${round}`;
      const setUp = await openIn(dir);
      if (round === 0) await setUp.createNamespace(['default']);
      await setUp.createTable(
        { namespace: ['default'], name },
        {
          schema,
          properties: {
            'write.metadata.delete-after-commit.enabled': 'true',
            'write.metadata.previous-versions-max': '4',
          },
        },
      );
      await setUp.close();

      const loop = startCommitLoop(dir, name, 'a', 1_000_000);
      await loop.ready;
      loop.go();
      seed = (seed * 48_271) % 2_147_483_647;
      await new Promise((resolve) => setTimeout(resolve, 50 + (seed % 500)));
      loop.child.kill('SIGKILL');
      const acked = ids((await loop.ended).lines);

      const db = new DatabaseSync(join(dir, 'catalog.db'));
      expect({ ...db.prepare('PRAGMA integrity_check').get() }).toEqual({ integrity_check: 'ok' });
      db.close();
      const catalog = await openIn(dir);
      const table = await catalog.loadTable({ namespace: ['default'], name });
      const snapshots = chain(table).map((snapshot) => snapshot.snapshotId);
      expect(snapshots.slice(0, acked.length)).toEqual(acked);
      // The one commit whose answer the kill cut off may have happened.
      expect(snapshots.length - acked.length).toBeLessThanOrEqual(1);
      expect(table.metadata.properties.a).toBe(snapshots.length === 0 ? undefined : String(snapshots.length));
      for (const entry of table.metadata.metadataLog) await loadTableMetadata(io, entry.metadataFile);
      await catalog.close();
      resolved += acked.length;
      extra += snapshots.length - acked.length;
    }
    console.log(`${resolved} commits resolved, ${extra} more had happened`);
    expect(resolved).toBeGreaterThan(0);
    expect((await readdir(dir)).filter((file) => file.startsWith('catalog.db'))).toEqual(['catalog.db']);
  },
  TIMEOUT_MS,
);
