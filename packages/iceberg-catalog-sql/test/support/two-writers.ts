import { join } from 'node:path';
import {
  ancestorsOf,
  commitTransaction,
  currentSnapshot,
  fastAppend,
  type LoadedTable,
  readManifest,
  readSnapshotManifests,
} from '@danube/iceberg';
import { createFileIO, localBaseUri, openLocalObjectStore } from '@danube/objectstore';
import { openSqlCatalog } from '../../src/index.ts';
import { startCommitLoop } from './child.ts';
import { contestedName, fileNamed } from './named-files.ts';

/** What came of two processes that committed to one table. */
export interface TwoWritersReport {
  readonly snapshots: number;
  readonly attempts: number;
  readonly contested: number;
  readonly seconds: number;
  /** What contradicts what the processes were told; empty when all is well. */
  readonly violations: readonly string[];
}

const writers = ['a', 'b'];

/**
 * Two processes commit to one table in one SQLite catalog, `turns` transactions each, then a reckoning: every snapshot
 * reported is in one chain, the files that are live are exactly those that both say, and each contested file was
 * replaced by one of them.
 */
export async function runTwoWriters(dir: string, turns: number): Promise<TwoWritersReport> {
  const root = join(dir, 'warehouse');
  const io = createFileIO({ store: await openLocalObjectStore({ root }), baseUri: localBaseUri(root) });
  const catalog = await openSqlCatalog({
    file: join(dir, 'catalog.db'),
    name: 'danube',
    warehouse: localBaseUri(root),
    io,
  });
  try {
    const identifier = { namespace: ['default'], name: 'events' };
    await catalog.createNamespace(['default']);
    await catalog.createTable(identifier, {
      schema: { fields: [{ id: 1, name: 'id', required: true, type: 'long' }] },
      properties: { 'commit.manifest.min-count-to-merge': '10' },
    });
    const contested = Array.from({ length: turns }, (_, index) => index + 1).filter((i) => i % 10 === 0);
    const dataFiles = contested.map((i) => fileNamed(contestedName(i)));
    await commitTransaction({ catalog, identifier, io }, [fastAppend({ dataFiles })]);

    const loops = writers.map((who) => startCommitLoop(dir, 'events', who, turns, 'transaction-loop.ts'));
    await Promise.all(loops.map((loop) => loop.ready));
    const start = performance.now();
    for (const loop of loops) loop.go();
    const ended = await Promise.all(loops.map((loop) => loop.ended));
    const seconds = Math.round(performance.now() - start) / 1000;
    const lines = ended.flatMap((end) => end.lines);
    const table = await catalog.loadTable(identifier);
    const violations = [
      ...ended.flatMap(({ code }) => (code === 0 ? [] : [`a process ended with ${code}`])),
      ...chainViolations(table, lines),
      ...fileViolations(await liveNames(table, io), lines),
      ...contestViolations(contested.length, lines),
    ];
    const attempts = valuesOf(lines, 'attempts').reduce((sum, value) => sum + Number(value), 0);
    return {
      snapshots: table.metadata.snapshots.length,
      attempts,
      contested: contested.length,
      seconds,
      violations,
    };
  } finally {
    await catalog.close();
  }
}

function chainViolations({ metadata }: LoadedTable, lines: readonly string[]): readonly string[] {
  const head = currentSnapshot(metadata)!;
  const chain = [...ancestorsOf(metadata, head.snapshotId)].map(({ snapshotId }) => String(snapshotId));
  const reported = lines.filter((line) => /^\d/.test(line)).map((line) => line.split(' ')[1]!);
  const violations: string[] = [];
  if (chain.length !== metadata.snapshots.length) violations.push('the snapshots are not one chain');
  if (metadata.lastSequenceNumber !== BigInt(chain.length)) violations.push('sequence numbers have a gap');
  // The first snapshot is the one with the contested files.
  const expected = [...reported, chain.at(-1)!].sort().join();
  if (expected !== [...chain].sort().join()) violations.push('reported and present snapshots differ');
  return violations;
}

function fileViolations(found: readonly string[], lines: readonly string[]): readonly string[] {
  const expected = valuesOf(lines, 'live').flatMap((names) => names.split(' '));
  const [left, right] = [found, expected].map((names) => [...names].sort().join(' '));
  return left === right ? [] : [`live files differ: ${left} instead of ${right}`];
}

function contestViolations(contested: number, lines: readonly string[]): readonly string[] {
  const won = valuesOf(lines, 'won');
  const lost = valuesOf(lines, 'lost');
  const all = (names: readonly string[]): boolean =>
    new Set(names).size === contested && names.length === contested;
  return all(won) && all(lost) ? [] : ['a contested file was not won once and lost once'];
}

async function liveNames(
  { metadata }: LoadedTable,
  io: Parameters<typeof readManifest>[0],
): Promise<string[]> {
  const names: string[] = [];
  for (const manifest of await readSnapshotManifests(io, currentSnapshot(metadata)!)) {
    for (const { status, dataFile } of await readManifest(io, metadata, manifest)) {
      if (status !== 'deleted') names.push(dataFile.filePath.slice(dataFile.filePath.lastIndexOf('/') + 1));
    }
  }
  return names;
}

function valuesOf(lines: readonly string[], key: string): string[] {
  return lines.filter((line) => line.startsWith(`${key} `)).map((line) => line.slice(key.length + 1));
}
