import { describe, expect, test } from 'vitest';
import { IcebergError } from '../errors.ts';
import type { FailedDeletion, FileIO } from '../io/file-io.ts';
import { createMemoryFileIO } from '../io/memory-file-io.ts';
import { type FileRemovalReport, FileRemover, type RemovedFile } from './file-deletion.ts';

const dataFiles = (count: number): RemovedFile[] =>
  Array.from({ length: count }, (_, i) => ({ kind: 'data', location: `mem://f${i}` }));

const locationsOf = (files: readonly RemovedFile[]): string[] => files.map(({ location }) => location);

/** Every file of the report and every failure once, and the counts those of the lists. */
function expectAccount(report: FileRemovalReport, files: readonly RemovedFile[]): void {
  expect([...locationsOf(report.files), ...locationsOf(report.failures)].sort()).toEqual(
    locationsOf(files).sort(),
  );
  expect([report.fileCount, report.failureCount]).toEqual([report.files.length, report.failures.length]);
}

/** Files in memory, deleted in batches by `run`. */
function inBatches(
  count: number,
  run: (batch: readonly string[], remove: (location: string) => void) => readonly FailedDeletion[],
) {
  const memory = createMemoryFileIO();
  const files = dataFiles(count);
  for (const location of locationsOf(files)) memory.files.set(location, Buffer.from('x'));
  const sizes: number[] = [];
  const io: FileIO = {
    ...memory,
    deleteFile: () => Promise.reject(new Error('one by one')),
    deleteFiles: async (batch) => {
      sizes.push(batch.length);
      await new Promise(setImmediate);
      return run(batch, (location) => memory.files.delete(location));
    },
  };
  return { files, io, left: () => [...memory.files.keys()], sizes };
}

describe('in batches', () => {
  test('at most a thousand files a call; all are gone and reported in their order', async () => {
    const { files, io, left, sizes } = inBatches(2500, (batch, remove) => {
      for (const location of batch) remove(location);
      return [];
    });
    const remover = new FileRemover(io, {});
    await remover.remove(files);
    expect(sizes).toEqual([1000, 1000, 500]);
    expect(left()).toEqual([]);
    const report = remover.report();
    expect(report).toMatchObject({ counts: { data: 2500 }, fileCount: 2500, failureCount: 0 });
    expect(report.files).toEqual(files);
  });

  test('an entry that fails is reported with its own error, and is not said to be deleted', async () => {
    const denied = new Set(['mem://f3', 'mem://f1007']);
    const { files, io, left } = inBatches(1100, (batch, remove) => {
      const failed = batch.filter((location) => denied.has(location));
      for (const location of batch) if (!denied.has(location)) remove(location);
      return failed.map((location) => ({ location, error: new Error(`denied ${location}`) }));
    });
    const remover = new FileRemover(io, {});
    await remover.remove(files);
    expect(new Set(left())).toEqual(denied);
    const report = remover.report();
    expectAccount(report, files);
    expect(report.counts).toEqual({ data: 1098 });
    expect(new Set(locationsOf(report.failures))).toEqual(denied);
    for (const { kind, location, error } of report.failures) {
      expect(kind).toBe('data');
      expect(IcebergError.is(error, 'IO_ERROR')).toBe(true);
      expect(error.message).toContain(`cannot delete ${location}: denied ${location}`);
    }
  });

  test('a call that rejects after some files went: each of them is a failure, and the other calls count', async () => {
    const { files, io, left } = inBatches(2100, (batch, remove) => {
      const breaks = batch.includes('mem://f1500');
      for (const location of breaks ? batch.slice(0, 10) : batch) remove(location);
      if (breaks) throw Object.assign(new Error('connection lost'), { retryable: true });
      return [];
    });
    const remover = new FileRemover(io, {});
    await remover.remove(files);
    expect(left()).toHaveLength(990);
    const report = remover.report();
    expectAccount(report, files);
    expect(locationsOf(report.failures)).toEqual(locationsOf(files.slice(1000, 2000)));
    const codes = new Set(report.failures.map(({ error }) => `${error.code} ${error.retryable}`));
    expect([...codes]).toEqual(['IO_ERROR true']);
  });

  test('so many calls at the same time as asked for, and none is left when it resolves', async () => {
    let running = 0;
    let most = 0;
    const { files, io } = inBatches(5000, () => []);
    const slow: FileIO = {
      ...io,
      deleteFiles: async (batch) => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running -= 1;
        return io.deleteFiles!(batch);
      },
    };
    await new FileRemover(slow, { concurrency: 2 }).remove(files);
    expect([running, most]).toEqual([0, 2]);
  });

  test('a dry run asks for nothing', async () => {
    const { files, io, left, sizes } = inBatches(3, () => []);
    const remover = new FileRemover(io, { dryRun: true });
    await remover.remove(files);
    expect([sizes, left().length, remover.report().fileCount]).toEqual([[], 3, 3]);
  });
});

test('without deleteFiles: each file by itself, so many at the same time as asked for', async () => {
  const { deleteFiles: _, ...memory } = createMemoryFileIO();
  const files = dataFiles(20);
  for (const location of locationsOf(files)) memory.files.set(location, Buffer.from('x'));
  let running = 0;
  let most = 0;
  const io: FileIO = {
    ...memory,
    deleteFile: async (location) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise(setImmediate);
      running -= 1;
      if (location === 'mem://f7') throw new Error('denied');
      await memory.deleteFile(location);
    },
  };
  const remover = new FileRemover(io, { concurrency: 3 });
  await remover.remove(files);
  expect([running, most]).toEqual([0, 3]);
  expect([...memory.files.keys()]).toEqual(['mem://f7']);
  expectAccount(remover.report(), files);
});
