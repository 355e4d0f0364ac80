import { randomUUID } from 'node:crypto';
import * as nodeFs from 'node:fs/promises';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ObjectStoreError } from '../../errors.ts';
import type { LocalFileSystem } from '../../local/file-system.ts';
import { currentProcess } from '../../local/temp-files.ts';
import { openUploadJournal } from './upload-journal.ts';

const made: string[] = [];
afterEach(async () => {
  for (const path of made.splice(0)) await rm(path, { recursive: true, force: true });
});

async function tempDir(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'journal-'));
  made.push(path);
  return path;
}

const target = { endpoint: 'http://127.0.0.1:1', bucket: 'a-bucket', key: 'a key/ü' };
const DEAD_PID = 4_194_304;

/** The name of a note by a process that has never been. */
async function deadName(place?: string): Promise<string> {
  const self = await currentProcess(nodeFs);
  return `${place ?? self.place}-${DEAD_PID}-1-${randomUUID()}.upload`;
}

test('a note is synced, and then its name, before it is said to be there', async () => {
  const dir = join(await tempDir(), 'made', 'for it');
  const steps: string[] = [];
  const fs: LocalFileSystem = {
    ...nodeFs,
    open: async (path, flags, mode) => {
      const handle = await nodeFs.open(path, flags, mode);
      const what = String(path) === dir ? 'directory' : 'note';
      for (const step of ['writeFile', 'sync'] as const) {
        const real = handle[step].bind(handle) as (...args: unknown[]) => Promise<void>;
        Object.assign(handle, {
          [step]: async (...args: unknown[]) => {
            await real(...args);
            steps.push(`${step} ${what}`);
          },
        });
      }
      return handle;
    },
  };
  const journal = await openUploadJournal({ dir, fs });
  steps.length = 0;
  const note = await journal.note(target);
  expect(steps).toEqual(['writeFile note', 'sync note', 'sync directory']);
  expect((await readdir(dir)).length).toBe(1);
  await note.remove();
  expect(await readdir(dir)).toEqual([]);
  await note.remove();
});

test('notes of this process and other files are not left over; those of a dead one are', async () => {
  const dir = await tempDir();
  const journal = await openUploadJournal({ dir });
  await journal.note(target);
  await writeFile(join(dir, 'README'), 'not a note');
  expect(await journal.leftOver()).toEqual([]);
  await writeFile(join(dir, await deadName()), JSON.stringify(target));
  const [note, ...others] = await journal.leftOver();
  expect({ ...note, remove: undefined }).toEqual({ ...target, remove: undefined });
  expect(others).toEqual([]);
  await note?.remove();
  expect(await journal.leftOver()).toEqual([]);
  expect((await readdir(dir)).length).toBe(2);
});

test.each(['', '{"endpoint":"x","buck', '{}', 'null', '7'])(
  'a note that was never finished (%j) is removed: its upload had not begun',
  async (content) => {
    const dir = await tempDir();
    await writeFile(join(dir, await deadName()), content);
    const journal = await openUploadJournal({ dir });
    expect(await journal.leftOver()).toEqual([]);
    expect(await readdir(dir)).toEqual([]);
  },
);

test('a note from elsewhere is left over when it is older than a day', async () => {
  const dir = await tempDir();
  const path = join(dir, await deadName('0123456789abcdef'));
  await writeFile(path, JSON.stringify(target));
  const journal = await openUploadJournal({ dir });
  expect(await journal.leftOver()).toEqual([]);
  const longAgo = new Date(Date.now() - 25 * 60 * 60 * 1000);
  await utimes(path, longAgo, longAgo);
  expect((await journal.leftOver()).map(({ key }) => key)).toEqual([target.key]);
});

test('a note that cannot be made is an error and leaves nothing; a directory must be absolute', async () => {
  const dir = await tempDir();
  const full = async () => {
    throw Object.assign(new Error('full'), { code: 'ENOSPC' });
  };
  const fs: LocalFileSystem = {
    ...nodeFs,
    open: async (path, flags, mode) => {
      const file = await nodeFs.open(path, flags, mode);
      return String(path).endsWith('.upload') ? Object.assign(file, { sync: full }) : file;
    },
  };
  const journal = await openUploadJournal({ dir, fs });
  const code = (error: unknown) => (ObjectStoreError.is(error) ? error.code : error);
  expect(await journal.note(target).catch(code)).toBe('NO_SPACE');
  expect(await readdir(dir)).toEqual([]);
  expect(await openUploadJournal({ dir: 'relative' }).catch(code)).toBe('INVALID_ARGUMENT');
  expect(await openUploadJournal({ dir, directory: dir } as never).catch(code)).toBe('INVALID_ARGUMENT');
});
