import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  currentSnapshot,
  type DataFile,
  describeParquetFile,
  loadTableMetadata,
  readManifest,
  readSnapshotManifests,
} from '../../src/index.ts';
import { createLocalFileIO } from './judge.ts';

const io = createLocalFileIO();
const fixture = join(import.meta.dirname, '../fixtures/metrics/no_ids.parquet');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iceberg-metrics-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const hex = (bounds: DataFile['lowerBounds']) =>
  new Map([...(bounds ?? [])].map(([id, value]) => [id, Buffer.from(value).toString('hex')]));

test('a file that PyIceberg added by name mapping is described by us as PyIceberg did', async () => {
  const file = join(folder, 'no_ids.parquet');
  await copyFile(fixture, file);
  const script = join(import.meta.dirname, 'metrics_judge.py');
  const python = process.env.DANUBE_PYTHON ?? 'python3';
  const { stdout } = await promisify(execFile)(python, [
    script,
    JSON.stringify({ folder, file: `file://${file}` }),
  ]);
  const metadata = await loadTableMetadata(io, (JSON.parse(stdout) as { metadata: string }).metadata);
  const [manifest] = await readSnapshotManifests(io, currentSnapshot(metadata)!);
  const [entry] = [...(await readManifest(io, metadata, manifest!))];
  const theirs = entry!.dataFile;
  const ours = await describeParquetFile(io, metadata, theirs.filePath);

  const exact = ({
    recordCount,
    fileSizeInBytes,
    columnSizes,
    valueCounts,
    nullValueCounts,
    splitOffsets,
  }: DataFile) => ({
    recordCount,
    fileSizeInBytes,
    columnSizes,
    valueCounts,
    nullValueCounts,
    splitOffsets,
  });
  expect(exact(ours)).toEqual(exact(theirs));
  // PyIceberg bounds no field of a struct; Java and we do.
  const inStruct = [...(ours.lowerBounds?.keys() ?? [])].filter((id) => !theirs.lowerBounds?.has(id));
  expect(inStruct).toHaveLength(2);
  for (const side of ['lowerBounds', 'upperBounds'] as const) {
    const bounds = hex(ours[side]);
    for (const id of inStruct) bounds.delete(id);
    expect(bounds).toEqual(hex(theirs[side]));
  }
});
