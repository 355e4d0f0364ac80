import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const example = fileURLToPath(new URL('../examples/smallest.ts', import.meta.url));

test('the smallest example runs twice and remembers', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'wal-example-'));
  const run = () =>
    promisify(execFile)(process.execPath, ['--conditions=@danube/source', example, join(dir, 'log')]);
  try {
    expect((await run()).stdout).toBe('record 0 is on disk\n0 hello\n');
    expect((await run()).stdout).toBe('record 1 is on disk\n0 hello\n1 hello\n');
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});

test('the README shows it as it is', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(await readFile(example, 'utf8'));
});
