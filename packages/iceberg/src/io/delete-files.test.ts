import { expect, test } from 'vitest';
import { deleteFiles, tryDeleteFiles } from './delete-files.ts';
import type { FileIO } from './file-io.ts';
import { createMemoryFileIO } from './memory-file-io.ts';

const locations = (count: number): string[] => Array.from({ length: count }, (_, i) => `mem://f${i}`);

/** Files in memory, and the calls that deleted any. */
function watched(count: number) {
  const memory = createMemoryFileIO();
  for (const location of locations(count)) memory.files.set(location, Buffer.from('x'));
  const calls: (string | number)[] = [];
  const io = {
    ...memory,
    deleteFile: (location: string) => {
      calls.push(location);
      return memory.deleteFile(location);
    },
    deleteFiles: async (batch: readonly string[]) => {
      calls.push(batch.length);
      for (const location of batch) await memory.deleteFile(location);
      return [];
    },
  };
  return { calls, files: memory.files, io };
}

test('many files go in calls of a thousand, and all are gone', async () => {
  const { calls, files, io } = watched(2001);
  await deleteFiles(io, locations(2001));
  expect(calls).toEqual([1000, 1000, 'mem://f2000']);
  expect(files.size).toBe(0);
});

test('without deleteFiles they go one after the other, and one that fails keeps no other from going', async () => {
  const { files, io } = watched(5);
  let running = 0;
  const plain: FileIO = {
    ...io,
    deleteFiles: undefined as never,
    deleteFile: async (location) => {
      expect(running).toBe(0);
      running += 1;
      await new Promise(setImmediate);
      running -= 1;
      if (location === 'mem://f1') throw new Error('denied');
      await io.deleteFile(location);
    },
  };
  const failed = await tryDeleteFiles(plain, locations(5));
  expect(failed).toEqual([{ location: 'mem://f1', error: new Error('denied') }]);
  expect([...files.keys()]).toEqual(['mem://f1']);
});

test('a call that rejects is followed by the next, and is nobody’s failure', async () => {
  const { files, io } = watched(1500);
  let first = true;
  const broken: FileIO = {
    ...io,
    deleteFiles: async (batch) => {
      if (!first) return io.deleteFiles(batch);
      first = false;
      throw new Error('down');
    },
  };
  await deleteFiles(broken, locations(1500));
  expect([...files.keys()]).toEqual(locations(1000));
});
