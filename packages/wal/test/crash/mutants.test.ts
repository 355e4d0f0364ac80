import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, expect, test } from 'vitest';
import { SEEDS } from './crash-driver.ts';
import { type Mutant, mutants } from './mutants.ts';

/**
 * The tests can fail: each mutant is a copy of the source with one bug, given to the same drivers and seeds as the
 * real package, and must be caught.
 */
const source = new URL('../../src/', import.meta.url);
const root = mkdtempSync(join(tmpdir(), 'wal-mutants-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function plant(mutant: Mutant | undefined): string {
  const dir = mkdtempSync(join(root, 'm-'));
  cpSync(source, dir, { recursive: true });
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
  if (mutant) {
    const path = join(dir, mutant.file);
    const pieces = readFileSync(path, 'utf8').split(mutant.find);
    expect(pieces.length, `"${mutant.find}" occurs once in ${mutant.file}`).toBe(2);
    writeFileSync(path, pieces.join(mutant.replace));
  }
  return pathToFileURL(join(dir, 'index.ts')).href;
}

function judge(url: string, suite: Mutant['caughtBy'], seeds: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./mutant-worker.ts', import.meta.url), {
      workerData: { url, suite, seeds },
      execArgv: [],
    });
    worker.once('message', ({ caught }: { caught: string | undefined }) => resolve(caught));
    worker.once('error', reject);
    // Without an answer it ended because nothing was left to do: a promise that never settles.
    worker.once('exit', () => resolve('a call never settled'));
  });
}

test('the unchanged source passes as a worker too', async () => {
  expect(await judge(plant(undefined), 'crash', 20)).toBeUndefined();
});

test.each(mutants)('caught: a log that $name', { timeout: 120_000 }, async (mutant) => {
  const caught = await judge(plant(mutant), mutant.caughtBy, SEEDS);
  expect(caught, `no seed up to ${SEEDS} noticed`).toBeDefined();
  console.log(`${mutant.name}: ${caught!.split('\n')[0]}`);
});
