/**
 * A manifest of 100,000 entries with bounds is written and read entry by entry: in a heap too small to hold them
 * together. The planted bug, which keeps them, dies in that heap, so the limit is a real one.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const heapMiB = 40;

function child(...options: string[]): Promise<{ stdout: string }> {
  const script = join(import.meta.dirname, 'manifest-100k-child.ts');
  const node = [`--max-old-space-size=${heapMiB}`, '--conditions=@danube/source', '--no-warnings'];
  return promisify(execFile)(process.execPath, [...node, script, ...options]);
}

test(`100,000 entries are written and read in a heap of ${heapMiB} MiB`, { timeout: 60_000 }, async () => {
  const { stdout } = await child();
  expect(JSON.parse(stdout)).toMatchObject({ count: 100_000, sizes: 5_099_950_000, kept: 0 });
});

test('a reader that keeps all entries does not fit that heap', { timeout: 60_000 }, async () => {
  await expect(child('--keep-all')).rejects.toThrow(/heap|memory/i);
});
