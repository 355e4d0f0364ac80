import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const example = fileURLToPath(new URL('./examples/smallest.ts', import.meta.url));

test('the smallest example runs twice and remembers', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'storage-example-'));
  const run = async () =>
    (await promisify(execFile)(process.execPath, ['--conditions=@danube/source', example, dir])).stdout;
  try {
    expect(await run()).toBe('offset 0, on the disk\nrows up to 0 are in the table\n1 messages\n');
    expect(await run()).toBe('offset 1, on the disk\nrows up to 1 are in the table\n2 messages\n');
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});

test('the README shows it as it is', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(await readFile(example, 'utf8'));
});
