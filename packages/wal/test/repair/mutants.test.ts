import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, expect, test } from 'vitest';

/** The tests of the repair can fail: each mutant is a copy of the source with one bug, and must be caught. */
const mutants: readonly { name: string; file: string; find: string; replace: string }[] = [
  {
    name: 'makes gaps one offset short',
    file: 'repair-plan.ts',
    find: 'gap: { firstOffset: offset, nextOffset }, epoch',
    replace: 'gap: { firstOffset: offset, nextOffset: nextOffset - 1 }, epoch',
  },
  {
    name: 'does not keep the originals',
    file: 'repair.ts',
    find: 'if (exists) await this.#copyAside(name, plan.asideNumber);',
    replace: '',
  },
  {
    name: 'does not sync the copies of the originals',
    file: 'put-file.ts',
    find: 'await file.sync();',
    replace: "if (!name.includes('.damaged-')) await file.sync();",
  },
  {
    name: 'does not sync what it writes',
    file: 'put-file.ts',
    find: 'await file.sync();',
    replace: "if (!name.endsWith('.wal')) await file.sync();",
  },
  {
    name: 'reads over a gap in silence',
    file: 'log-reader.ts',
    find: 'if (!options.onGap) throw gapMet(gap);\n      options.onGap(gap);',
    replace: 'options.onGap?.(gap);',
  },
  {
    name: 'gives the epoch of a lost state file again',
    file: 'repair-plan.ts',
    find: 'epoch: epochSeen + EPOCH_LEAP',
    replace: 'epoch: epochSeen - 1',
  },
  {
    name: 'writes from the front',
    file: 'repair.ts',
    find: 'plan.outputs.toReversed()',
    replace: 'plan.outputs',
  },
  {
    name: 'drops the frames behind the damage',
    file: 'frame-scanner.ts',
    find: 'if (good && this.#ofThisLife(header, state)) {',
    replace: 'if (good && header.epoch < 0) {',
  },
  {
    name: 'takes an old copy for all of the last segment',
    file: 'repair-plan.ts',
    find: '!ownFile || proven',
    replace: 'proven',
  },
  {
    name: 'believes a state file that is older than the segments',
    file: 'log-check.ts',
    find: 'if (highestEpoch > options.epochLimit % 2 ** 32)',
    replace: 'if (highestEpoch < 0)',
  },
  {
    name: 'reads a misplaced segment from where it has just been replaced',
    file: 'repair.ts',
    find: 'this.#kept.get(output.source) ?? output.source',
    replace: 'output.source',
  },
];

const source = new URL('../../src/', import.meta.url);
const root = mkdtempSync(join(tmpdir(), 'wal-repair-mutants-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function plant(mutant: (typeof mutants)[number]): string {
  const dir = mkdtempSync(join(root, 'm-'));
  cpSync(source, dir, { recursive: true });
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
  const path = join(dir, mutant.file);
  const pieces = readFileSync(path, 'utf8').split(mutant.find);
  expect(pieces.length, `"${mutant.find}" occurs once in ${mutant.file}`).toBe(2);
  writeFileSync(path, pieces.join(mutant.replace));
  return pathToFileURL(join(dir, 'index.ts')).href;
}

function judge(url: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./mutant-worker.ts', import.meta.url), {
      workerData: url,
      execArgv: [],
    });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => resolve('a call never settled'));
  });
}

test.each(mutants)('caught: a repair that $name', { timeout: 120_000 }, async (mutant) => {
  const caught = await judge(plant(mutant));
  expect(caught, 'nothing noticed').toBeDefined();
  console.log(`${mutant.name}: ${caught!.split('\n')[0]}`);
});
