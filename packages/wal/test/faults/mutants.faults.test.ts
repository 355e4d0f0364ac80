import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { judge } from './judge.ts';
import { callsToOpen, type Mode, run } from './runs.ts';

/** The fault tests can fail: each of these bugs, planted in a copy of the source, is noticed by one run of the workload. */
interface Mutant {
  readonly name: string;
  readonly file: string;
  /** Occurs once in the file. */
  readonly find: string;
  readonly replace: string;
  readonly mode: Mode;
  /** Faults, each at the first such call after the log was opened, or later or earlier by `plus`. */
  readonly faults: readonly { readonly call: string; readonly effect: string; readonly plus?: number }[];
  readonly ending?: 'reopen';
  readonly notices: RegExp;
}

const mutants: readonly Mutant[] = [
  {
    name: 'tries a failed sync again',
    file: 'node-fs.ts',
    find: 'fs.fdatasync(fd, (error) => (error ? fail(error) : done()));',
    replace:
      'fs.fdatasync(fd, (error) => { if (!error) done(); else fs.fdatasync(fd, (again) => (again ? fail(again) : done())); });',
    mode: 'none',
    faults: [{ call: 'fdatasync', effect: 'error=EIO' }],
    notices: /nobody was told/,
  },
  {
    name: 'takes a short write for a whole one',
    file: 'wal-fs.ts',
    find: 'let written = await write(slice, at);',
    replace:
      'await write(slice, at);\n    let written = slice.reduce((sum, buffer) => sum + buffer.length, 0);',
    mode: 'always',
    // Two buffers; libuv itself asks for the rest and hands the short count on only when that fails.
    faults: [
      { call: 'pwritev', effect: 'retval=600' },
      { call: 'pwrite64', effect: 'error=ENOSPC', plus: 1 },
    ],
    notices: /followed by no other/,
  },
  {
    name: 'ignores a failed rename',
    file: 'node-fs.ts',
    find: 'rename: (from, to) => fs.promises.rename(from, to),',
    replace: 'rename: (from, to) => fs.promises.rename(from, to).catch(() => undefined),',
    mode: 'always',
    faults: [{ call: 'rename', effect: 'error=EIO' }],
    notices: /nobody was told/,
  },
  {
    name: 'takes a full disk for success',
    file: 'node-fs.ts',
    find: 'const settle = (error: Error | null, count: number) => (error ? fail(error) : done(count));',
    replace:
      'const settle = (error: Error | null, count: number) => (isNoSpace(error) ? done(buffers.reduce((sum, buffer) => sum + buffer.length, 0)) : error ? fail(error) : done(count));',
    mode: 'periodic',
    faults: [{ call: 'pwrite64', effect: 'error=ENOSPC' }],
    notices: /had failed/,
  },
  {
    name: 'keeps the lock when opening fails',
    file: 'wal.ts',
    find: 'await lock.release();\n    throw error;',
    replace: 'throw error;',
    mode: 'always',
    faults: [{ call: 'fdatasync', effect: 'error=EIO', plus: -99 }],
    notices: /WAL_LOCKED/,
  },
  {
    name: 'keeps the lock when it is closed',
    file: 'directory-lock.ts',
    find: 'release: async () => database.close(),',
    replace: 'release: async () => void database,', // still referred to, or the garbage collector would close it
    mode: 'always',
    faults: [],
    ending: 'reopen',
    notices: /WAL_LOCKED/,
  },
];

const source = new URL('../../src/', import.meta.url);
const root = mkdtempSync(join(tmpdir(), 'wal-mutants-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function plant({ file, find, replace }: Mutant): string {
  const dir = mkdtempSync(join(root, 'm-'));
  cpSync(source, dir, { recursive: true });
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
  const path = join(dir, file);
  const pieces = readFileSync(path, 'utf8').split(find);
  expect(pieces.length, `"${find}" occurs once in ${file}`).toBe(2);
  writeFileSync(path, pieces.join(replace));
  return pathToFileURL(join(dir, 'index.ts')).href;
}

describe.concurrent('caught: a log that', () => {
  test.each(mutants)('$name', async (mutant) => {
    const { mode, faults, ending = 'abandon' } = mutant;
    const injections: string[] = [];
    for (const { call, effect, plus = 0 } of faults) {
      const n = Math.max(1, (await callsToOpen(mode, call)) + 1 + plus);
      injections.push(`${call}:${effect}:when=${n}`);
    }
    const verdict = async (planted?: string) =>
      judge(await run({ mode, injections, ending, ...(planted && { source: planted }) })).then(
        () => 'nothing was noticed',
        String,
      );
    expect(await verdict(plant(mutant))).toMatch(mutant.notices);
  });
});
