import nodeFs from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { LocalFileSystem } from '../../src/local/file-system.ts';
import { openLocalObjectStore } from '../../src/local/local-store.ts';
import { currentProcess, FOREIGN_TEMP_AGE_MS, tempName } from '../../src/local/temp-files.ts';
import { bytes, join, keys, outcome, tempDir } from './helpers.ts';

async function withTempFiles(names: readonly string[]) {
  const root = await tempDir();
  const temp = join(root, '.objectstore-tmp');
  await nodeFs.mkdir(temp);
  for (const name of names) await nodeFs.writeFile(join(temp, name), 'left');
  return { root, temp };
}

/** A process id that no process has: the largest that Linux can give is 4194304. */
const NO_SUCH_PID = 4_194_305;

test('open removes what dead processes left, and only that', async () => {
  const self = await currentProcess(nodeFs);
  const dead = tempName({ ...self, pid: NO_SUCH_PID });
  const reusedPid = tempName({ ...self, startTicks: '1' });
  const own = tempName(self);
  const living = tempName({ ...self, pid: process.ppid, startTicks: '0' });
  const foreign = tempName({ place: '0123456789abcdef', pid: NO_SUCH_PID, startTicks: '5' });
  const foreignOld = tempName({ place: '0123456789abcdef', pid: process.pid, startTicks: '5' });
  const notOurs = 'someone-elses-file';
  const all = [dead, reusedPid, own, living, foreign, foreignOld, notOurs];
  const { root, temp } = await withTempFiles(all);
  const old = new Date(Date.now() - FOREIGN_TEMP_AGE_MS - 60_000);
  for (const name of [foreignOld, own, notOurs]) await nodeFs.utimes(join(temp, name), old, old);
  const store = await openLocalObjectStore({ root });
  // Without /proc a reused process id cannot be told, and the file stays until its process is gone.
  const kept =
    self.startTicks === '0' ? [reusedPid, own, living, foreign, notOurs] : [own, living, foreign, notOurs];
  expect((await nodeFs.readdir(temp)).sort()).toEqual([...kept].sort());
  expect(await keys(store, '')).toEqual([]);
});

test('a put whose temporary file is taken away fails, and nothing of it is visible', async () => {
  const root = await tempDir();
  const taking = (name: 'link' | 'rename'): LocalFileSystem => ({
    ...nodeFs,
    [name]: async (from: string, to: string) => {
      await nodeFs.unlink(from);
      return nodeFs[name](from, to);
    },
  });
  const linking = await openLocalObjectStore({ root, fs: taking('link') });
  const renaming = await openLocalObjectStore({ root, fs: taking('rename') });
  expect(await outcome(linking.put('k', bytes('x'), { ifAbsent: true }))).toBe('IO_ERROR');
  expect(await outcome(renaming.put('k', bytes('x')))).toBe('IO_ERROR');
  expect(await outcome(renaming.get('k'))).toBe('NOT_FOUND');
});

test('no temporary file stays behind a put, won or lost', async () => {
  const root = await tempDir();
  const store = await openLocalObjectStore({ root });
  await store.put('k', bytes('x'));
  await store.put('k', bytes('y'));
  await outcome(store.put('k', bytes('z'), { ifAbsent: true }));
  await outcome(store.put('k/below', bytes('z')));
  expect(await nodeFs.readdir(join(root, '.objectstore-tmp'))).toEqual([]);
});
