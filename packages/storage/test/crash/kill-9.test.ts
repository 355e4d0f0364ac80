import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openSqlCatalog } from '@danube/iceberg-catalog-sql';
import { expect, it } from 'vitest';
import { openIcebergStorage } from '../../src/index.ts';
import { judgeTable } from '../../src/testing.ts';
import { openWarehouse } from '../support/workspace.ts';

const KILLS = Number(process.env['DANUBE_STORAGE_KILLS'] ?? 6);
const CHILD = new URL('../support/crash-child.ts', import.meta.url).pathname;

/**
 * Goal: whatever moment the process dies at, what was acknowledged as durable is in the table exactly once.
 * Method: a child appends to two topics with commits every 100 ms and small segments, and is killed with SIGKILL
 * at a random moment, again and again over the same directories; at the end one clean run commits the rest and
 * the oracle judges by a fresh scan.
 */
it(`keeps every promise over ${KILLS} kills`, async () => {
  const seed = Number(process.env['DANUBE_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`seed ${seed}`);
  const random = generator(seed);
  const dir = await mkdtemp(join(tmpdir(), 'danube-kill-'));
  try {
    const acked = new Map<string, Map<number, Uint8Array>>();
    const phases = new Map<string, number>();
    for (let run = 0; run < KILLS; run += 1) {
      // A third of the runs die before their first commit, or in it; the others in or after a later one.
      const commits = run % 3 === 0 ? 0 : 1 + Math.floor(random() * 4);
      const lines = await runAndKill(dir, run, commits, random() * (commits === 0 ? 1200 : 150));
      for (const line of lines) {
        expect(line.startsWith('!'), line).toBe(false);
        if (line.startsWith('#')) {
          phases.set(line, (phases.get(line) ?? 0) + 1);
          continue;
        }
        const [topic, offset, id] = line.split(' ') as [string, string, string];
        const book = acked.get(topic) ?? new Map<number, Uint8Array>();
        acked.set(topic, book);
        expect(book.has(Number(offset)), `offset ${offset} of ${topic} was acknowledged twice`).toBe(false);
        book.set(Number(offset), Buffer.from(id.padEnd(200, '.')));
      }
    }
    expect(acked.size).toBe(2);
    expect(phases.get('# committed') ?? 0, `seed ${seed}`).toBeGreaterThan(0);
    expect(phases.get('# truncated') ?? 0, `seed ${seed}`).toBeGreaterThan(0);

    const { io, warehouse } = await openWarehouse(dir);
    const catalog = await openSqlCatalog({ file: join(dir, 'catalog.db'), name: 'danube', warehouse, io });
    const storage = await openIcebergStorage({
      wal: { dir: join(dir, 'wal'), maxFileSizeBytes: 128 * 1024 },
      resolve: () => ({ catalog, io }),
      brokerAddr: '',
    });
    for (const [topic, book] of acked) {
      const log = await storage.openTopic(topic);
      await log.flush();
      const { metadata } = await catalog.loadTable(log.table()?.identifier as never);
      const report = await judgeTable({
        metadata,
        io,
        topic,
        acked: book,
        wasSent: (payload) => /^\d+:\d+\.+$/.test(Buffer.from(payload).toString()),
      });
      expect(report.violations, `seed ${seed}`).toEqual([]);
      const seen: number[] = [];
      for await (const batch of log.read({ from: 0 })) for (const { offset } of batch) seen.push(offset);
      expect(seen, `seed ${seed}`).toEqual(Array.from({ length: report.rows }, (_, offset) => offset));
    }
    await storage.close();
    await catalog.close();
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}, 120_000);

/** Runs the child, kills it `afterMs` after its n-th commit (0: after it opened), and gives its complete lines. */
async function runAndKill(dir: string, run: number, commits: number, afterMs: number): Promise<string[]> {
  const child = spawn(
    process.execPath,
    ['--conditions=@danube/source', '--disable-warning=ExperimentalWarning', CHILD, dir, String(run)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  const ended = new Promise<void>((resolve) => reader.once('close', resolve));
  let timer: NodeJS.Timeout | undefined;
  let seen = 0;
  reader.on('line', (line) => {
    lines.push(line);
    if (line === '# open' || line === '# committed') seen += 1;
    if (seen > commits && timer === undefined) timer = setTimeout(() => child.kill('SIGKILL'), afterMs);
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.once('exit', (...result) => resolve(result)),
  );
  clearTimeout(timer);
  await ended;
  expect([code, signal], `run ${run} ended by itself`).toEqual([null, 'SIGKILL']);
  // A line cut by the kill has no acknowledgement behind it that anybody saw.
  return lines.filter((line) => /^[#!] |^\/crash\/[ab] \d+ \d+:\d+$/.test(line));
}

/** mulberry32. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
