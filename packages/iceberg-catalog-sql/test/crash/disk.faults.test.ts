// What a commit asks of the kernel before it says that it is done, and what it says when the kernel refuses.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { ancestorsOf, currentSnapshot } from '@danube/iceberg';
import { expect, test } from 'vitest';
import { openIn, orders, schema, tempDir } from '../support/fixture.ts';

/** One to fail, one after it, and one that finds all in order. */
const COMMITS = 3;
const script = fileURLToPath(new URL('./outcome-loop.ts', import.meta.url));
const TRACED = 'write,pwrite64,fsync,fdatasync,link,rename';

interface Outcome {
  readonly snapshotId: bigint;
  readonly said: string;
}

/** A process that commits under strace, in a directory with an empty table. */
async function committing(injection?: string) {
  const dir = await tempDir();
  const setUp = await openIn(dir);
  await setUp.createNamespace(['default']);
  await setUp.createTable(orders, { schema });
  await setUp.close();
  const log = join(dir, 'trace');
  // Only faults of the database's log: what the files of the table do with faults is tested with the object store.
  const faults =
    injection === undefined ? [] : ['-P', join(dir, 'catalog.db-wal'), '-e', `inject=${injection}`];
  const child = spawn(
    'strace',
    [
      ...['-f', '-y', '-s', '200', '-o', log, '-e', `trace=${TRACED}`, '-e', 'signal=none', ...faults],
      ...[process.execPath, '--conditions=@danube/source', script, dir, 'orders', 'a', String(COMMITS)],
    ],
    // strace is blind to io_uring.
    { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, UV_USE_IO_URING: '0' } },
  );
  child.stdin.end('go\n');
  const [printed] = await Promise.all([text(child.stdout), once(child, 'close')]);
  const trace = await readFile(log, 'latin1');
  const outcomes = printed
    .split('\n')
    .slice(1, -1)
    .map((line): Outcome => {
      const [, snapshotId = '', said = ''] = line.split(' ');
      return { snapshotId: BigInt(snapshotId), said };
    });
  return { dir, outcomes, calls: wholeCalls(trace), injected: trace.split('(INJECTED)').length - 1 };
}

/** Each call on one line, in the order in which they ended. */
function wholeCalls(trace: string): string[] {
  const begun = new Map<string, string>();
  const calls: string[] = [];
  for (const row of trace.split('\n')) {
    const [, thread = '', rest = ''] = /^(\d+)\s+(.*)$/.exec(row) ?? [];
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)?.[1];
    if (rest.endsWith('<unfinished ...>')) begun.set(thread, rest);
    else calls.push(resumed === undefined ? rest : `${begun.get(thread)} ${resumed}`);
  }
  return calls;
}

/** The snapshots that a new process finds in the table, whose database must be whole. */
async function snapshotsIn(dir: string): Promise<bigint[]> {
  const db = new DatabaseSync(join(dir, 'catalog.db'));
  expect({ ...db.prepare('PRAGMA integrity_check').get() }).toEqual({ integrity_check: 'ok' });
  db.close();
  const { metadata } = await (await openIn(dir)).loadTable(orders);
  const current = currentSnapshot(metadata);
  return current === undefined ? [] : [...ancestorsOf(metadata, current.snapshotId)].map((s) => s.snapshotId);
}

test('a commit is said to be done when its metadata file and then the row that names it are synced', async () => {
  const { outcomes, calls, dir } = await committing();
  expect(outcomes.map(({ said }) => said)).toEqual(Array.from({ length: COMMITS }, () => 'done'));
  const says = calls.flatMap((call, at) => (/^write\(1<.*done/.test(call) ? [at] : []));
  expect(says).toHaveLength(COMMITS);
  says.forEach((end, i) => {
    // This commit's calls: from what the one before said.
    const commit = calls.slice(i === 0 ? 0 : says[i - 1], end);
    const last = (pattern: RegExp) => commit.findLastIndex((call) => pattern.test(call));
    const steps = [
      last(/^write\(.*\.tmp>, "\{\\"format-version/),
      last(/^f(?:data)?sync\(.*\.tmp>/),
      last(/^(?:link|rename)\(.*\/0000\d-[0-9a-f-]+\.metadata\.json"/),
      last(/^f(?:data)?sync\(.*\/metadata>/),
      commit.findIndex((call) => /^pwrite64\(.*catalog\.db-wal>/.test(call)),
      last(/^pwrite64\(.*catalog\.db-wal>/),
      last(/^f(?:data)?sync\(.*catalog\.db-wal>/),
    ];
    expect(steps, commit.join('\n')).toEqual([...steps].sort((a, b) => a - b));
    expect(steps[0]).toBeGreaterThanOrEqual(0);
    expect(new Set(steps).size).toBe(steps.length);
  });
  expect(await snapshotsIn(dir)).toHaveLength(COMMITS);
}, 60_000);

// Goal: no error of the disk makes a commit be said to have happened that did not, or the other way round.
// Method: in each run another call fails; then what was said is compared with what a new process finds.
test.each(['pwrite64:error=ENOSPC', 'pwrite64:error=EIO', 'fsync,fdatasync:error=EIO'])(
  'a commit that meets %s on the log of the database is not misreported, and the next ones are made',
  async (fault) => {
    const met = new Set<string>();
    let meets = true;
    const run = async (n: number) => {
      const { dir, outcomes, injected } = await committing(`${fault}:when=${n}`);
      expect(outcomes).toHaveLength(COMMITS);
      const found = new Set(await snapshotsIn(dir));
      for (const { snapshotId, said } of outcomes) {
        met.add(said);
        if (said === 'done') expect(found).toContain(snapshotId);
        else if (said !== 'COMMIT_STATE_UNKNOWN') expect(found).not.toContain(snapshotId);
      }
      expect(outcomes.at(-1)?.said === 'done' || injected > 0).toBe(true);
      expect(outcomes.filter(({ said }) => said !== 'done').length).toBeLessThanOrEqual(1);
      meets &&= injected > 0;
    };
    for (let n = 1; meets; n += 2) {
      expect(n, 'the commits have an end').toBeLessThan(30);
      await Promise.all([run(n), run(n + 1)]);
    }
    expect(met).toContain('COMMIT_STATE_UNKNOWN');
  },
  180_000,
);
