import { mkdtemp, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach } from 'vitest';
import { ObjectStoreError, type ObjectStoreErrorCode } from '../../src/index.ts';

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

export { basename, dirname, join };
