import { expect, test } from 'vitest';
import { createCountingFileIO } from './counting-file-io.ts';
import { createMemoryFileIO } from './memory-file-io.ts';

test('reads are counted by file, in their order; all else passes through', async () => {
  const memory = createMemoryFileIO();
  const io = createCountingFileIO(memory);
  await io.writeFile('mem://a', Uint8Array.of(1, 2, 3, 4));
  await io.writeFile('mem://b', Uint8Array.of(5));
  expect(io.reads).toEqual([]);
  await Promise.all([io.readFile('mem://a'), io.readRange('mem://a', 1, 3), io.readRange('mem://b', 0, 1)]);
  expect(io.reads).toEqual([
    { location: 'mem://a', start: 0, length: 4 },
    { location: 'mem://a', start: 1, length: 2 },
    { location: 'mem://b', start: 0, length: 1 },
  ]);
  expect([io.callCount(), io.callCount('mem://a'), io.callCount('mem://c')]).toEqual([3, 2, 0]);
  expect([io.bytesRead(), io.bytesRead('mem://a')]).toEqual([7, 6]);
  expect(await io.fileSize('mem://b')).toBe(1);
  await io.deleteFile('mem://b');
  await expect(io.readFile('mem://b')).rejects.toThrow('NOT_FOUND');
  expect([io.callCount('mem://b'), io.bytesRead('mem://b')]).toEqual([2, 1]);
  expect(await io.deleteFiles!(['mem://a', 'mem://b'])).toEqual([]);
  expect(memory.files.size).toBe(0);
  const { deleteFiles: _, ...oneByOne } = memory;
  expect(createCountingFileIO(oneByOne).deleteFiles).toBeUndefined();
  io.reset();
  expect([io.callCount(), io.bytesRead()]).toEqual([0, 0]);
});
