// Every kind of table that this package writes, read by Iceberg Java: rows, manifests as it decodes them, and its own
// view of the metadata. The other readers are in readers.interop.test.ts.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { currentSnapshot, loadTableMetadata, readManifest, readSnapshotManifests } from '../../src/index.ts';
import { type JavaManifest, javaTable } from './java-table.ts';
import { createLocalFileIO } from './judge.ts';
import { startJavaJudge } from './judge-java.ts';
import type { JudgeProcess } from './judge-process.ts';
import { startReaderJudge } from './judge-readers.ts';
import { expectVerdict, judgeCase, makeCases, readKnownGaps, shapeNames } from './reader-matrix.ts';

const io = createLocalFileIO();
const gaps = readKnownGaps().filter(({ reader }) => reader === 'java');
const judged = new Set<string>();
let folder: string;
let java: JudgeProcess;
let writer: JudgeProcess;
let version: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iceberg-java-'));
  java = startJavaJudge();
  writer = startReaderJudge();
  ({ iceberg: version } = await java.request<{ iceberg: string }>('versions'));
}, 60_000);

afterAll(async () => {
  await Promise.all([java?.close(), writer?.close()]);
  await rm(folder, { recursive: true, force: true });
});

/** What both sides say of the current snapshot's manifests. */
async function manifestsAsWeSeeThem(location: string): Promise<unknown[]> {
  const metadata = await loadTableMetadata(io, location);
  const snapshot = currentSnapshot(metadata);
  const seen: unknown[] = [];
  for (const manifest of snapshot ? await readSnapshotManifests(io, snapshot) : []) {
    const entries = [];
    for (const entry of await readManifest(io, metadata, manifest)) {
      entries.push(
        [entry.status, entry.snapshotId, entry.sequenceNumber, entry.dataFile.filePath].map(String),
      );
    }
    const { addedFilesCount, existingFilesCount, deletedFilesCount, partitionSpecId, content } = manifest;
    const counts = [addedFilesCount, existingFilesCount, deletedFilesCount, partitionSpecId];
    seen.push([manifest.manifestPath, content, String(manifest.minSequenceNumber), counts, entries]);
  }
  return seen;
}

const asJavaSeesIt = (manifest: JavaManifest) => [
  manifest.path,
  manifest.content,
  manifest.minSequenceNumber,
  [manifest['addedFiles'], manifest['existingFiles'], manifest['deletedFiles'], manifest.specId],
  manifest.entries.map((entry) => [entry.status, entry.snapshotId, entry.sequenceNumber, entry.path]),
];

test.each(shapeNames)(
  'Iceberg Java reads the rows and manifests of a table: %s',
  async (name) => {
    for (const each of await makeCases(name, folder, writer)) {
      const { metadata, snapshotId, ref, equal } = each;
      const table = javaTable(java, { metadata });
      const at = {
        ...(snapshotId ? { snapshotId } : {}),
        ...(ref ? { ref } : {}),
        ...(equal ? { equal } : {}),
      };
      judged.add(each.name);
      const verdict = await judgeCase(each, () => table.rows(at));
      expectVerdict(gaps, each, { name: 'java', version }, verdict);
      if (verdict || snapshotId || ref || equal) continue;
      expect((await table.manifests()).map(asJavaSeesIt)).toEqual(await manifestsAsWeSeeThem(metadata));
    }
  },
  60_000,
);

test('every known gap of Iceberg Java was looked at', () => {
  expect(gaps.filter(({ name }) => !judged.has(name))).toEqual([]);
});
