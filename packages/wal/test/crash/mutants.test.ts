import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { MODEL_RUNS, MODEL_SEED } from '../model/log-property.ts';
import { SEEDS } from './crash-driver.ts';
import { type Edit, mutants, type Suite } from './mutants.ts';
import { runApart } from './suites.ts';

/**
 * The tests can fail: each mutant is a copy of the source with one bug, given to the same suites and seeds as the
 * real package, and must be caught.
 */
const source = new URL('../../src/', import.meta.url);
const root = mkdtempSync(join(tmpdir(), 'wal-mutants-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function plant(...edits: readonly Edit[]): string {
  const dir = mkdtempSync(join(root, 'm-'));
  cpSync(source, dir, { recursive: true });
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
  for (const { file, find, replace } of edits) {
    const path = join(dir, file);
    const pieces = readFileSync(path, 'utf8').split(find);
    expect(pieces.length, `"${find}" occurs once in ${file}`).toBe(2);
    writeFileSync(path, pieces.join(replace));
  }
  return pathToFileURL(join(dir, 'index.ts')).href;
}

/** Resolves when no promise was broken, rejects with the first that was. */
async function run(suite: Suite, url: string, stallMs: number | undefined): Promise<void> {
  const how = { url, ...(stallMs !== undefined && { stallMs }) };
  const specimen = { closed: false, maxBytes: 2048 };
  if (suite === 'crash') await runApart('crash', { firstSeed: 1, seeds: SEEDS }, how);
  else if (suite === 'hazard') await runApart('hazards', null, how);
  else if (suite === 'model') {
    // As it was found: the smallest form is for people.
    await runApart('model', { seed: MODEL_SEED, numRuns: MODEL_RUNS, endOnFailure: true }, how);
  } else {
    for (const sync of ['always', 'none'] as const)
      await runApart('flips', { ...specimen, sync, bits: 'every bit' }, how);
    await runApart('cuts', { ...specimen, sync: 'always' }, how);
  }
}

test('a copy without a bug passes every suite: it is the bugs that are caught', {
  timeout: 120_000,
}, async () => {
  const how = { url: plant() };
  await runApart('crash', { firstSeed: 1, seeds: 100 }, how);
  await runApart('hazards', null, how);
  await runApart('model', { seed: MODEL_SEED, numRuns: 100 }, how);
  const specimen = { closed: false, maxBytes: 2048, sync: 'always' } as const;
  await runApart('flips', { ...specimen, bits: 'one bit of a byte' }, how);
  await runApart('cuts', specimen, how);
});

const cases = mutants.flatMap((mutant) =>
  [mutant.caughtBy].flat().map((suite) => [suite, mutant.name, mutant] as const),
);

test.each(cases)('suite %s catches a log that %s', { timeout: 120_000 }, async (suite, name, mutant) => {
  const caught = await run(suite, plant(mutant, ...(mutant.also ?? [])), mutant.stallMs).then(
    () => undefined,
    (error: unknown) => String(error),
  );
  expect(caught, 'nothing noticed').toBeDefined();
  expect(caught, 'a copy that does not even load shows nothing').not.toMatch(
    /SyntaxError|is not a function|is not defined/,
  );
  const lines = caught!.replace(/^(Error: )+/, '').split('\n');
  // fast-check says last what went wrong, after how to replay it.
  console.log(`${name}: ${suite === 'model' ? `${lines[0]}: ${lines.at(-1)}` : lines[0]}`);
});
