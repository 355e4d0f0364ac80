import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach } from 'vitest';
import { ObjectStoreError, type ObjectStoreErrorCode } from '../../src/errors.ts';

export const bytes = (text: string) => new TextEncoder().encode(text);
export const text = (body: Uint8Array) => new TextDecoder().decode(body);

const made: string[] = [];
afterEach(async () => {
  for (const path of made.splice(0)) await rm(path, { recursive: true, force: true });
});

/** A new directory that goes away after the test. */
export async function tempDir(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'objectstore-'));
  made.push(path);
  return path;
}

/** Settles a call into its error code, or `'done'`. */
export async function outcome(call: Promise<unknown>): Promise<ObjectStoreErrorCode | 'done'> {
  try {
    await call;
    return 'done';
  } catch (error) {
    if (ObjectStoreError.is(error)) return error.code;
    throw error;
  }
}

/** The names of the temporary files in a root. */
export async function tempFiles(root: string): Promise<string[]> {
  return readdir(join(root, '.objectstore-tmp'));
}

const handles: unknown[] = [];
afterEach(() => {
  handles.length = 0;
});

/** Keeps a handle until the end of the test: one that nobody closes would else be closed as garbage, unseen. */
export function pinned<T>(handle: T): T {
  handles.push(handle);
  return handle;
}

/** How many files of a root this process has open (Linux). */
export async function openBelow(root: string): Promise<number> {
  const names = await readdir('/proc/self/fd');
  const paths = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')));
  return paths.filter((path) => path.startsWith(root)).length;
}

/** The plain path behind `/proc/self/fd/N/name`, so that tests can say which file a call was about. */
export async function plainPath(path: string): Promise<string> {
  const parts = /^(\/proc\/self\/fd\/\d+)(?:\/(.*))?$/.exec(path);
  if (parts === null) return path;
  return join(await readlink(parts[1] ?? ''), parts[2] ?? '');
}

/** A system error as Node throws them. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: planted`), { code });
}

export { keys, listAll, pages } from '../../src/conformance/listings.ts';
export { basename, dirname, join };
