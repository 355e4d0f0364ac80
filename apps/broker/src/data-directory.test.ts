import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { onCleanUp, temporaryDirectory } from '../test/support/clean-up.ts';
import { openDataDirectory } from './data-directory.ts';

function open(path: string) {
  const directory = openDataDirectory(path);
  onCleanUp(() => directory.release());
  return directory;
}

test('a new directory gets a VERSION; a second holder is refused until the first lets go', () => {
  const path = join(temporaryDirectory(), 'a', 'b');
  const first = open(path);
  expect(readFileSync(join(path, 'VERSION'), 'utf8')).toBe('1\n');
  expect(() => openDataDirectory(path)).toThrow(
    `DATA_DIR_HELD: Another broker runs on the data directory ${path}.`,
  );
  first.release();
  open(path);
});

test('another process is kept out, also after a garbage collection, and a kill -9 lets go', async () => {
  const path = join(temporaryDirectory(), 'data');
  const module = fileURLToPath(new URL('./data-directory.ts', import.meta.url));
  const script = `import { openDataDirectory } from ${JSON.stringify(module)}; openDataDirectory(${JSON.stringify(path)}); gc(); console.log('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onCleanUp(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  expect(() => openDataDirectory(path)).toThrow(/DATA_DIR_HELD/);
  child.kill('SIGKILL');
  await once(child, 'close');
  open(path);
});

test.each([
  ['2', /written by a newer broker/],
  ['one', /does not hold a number/],
])('VERSION %s is refused and nothing is touched', (text, message) => {
  const path = temporaryDirectory();
  writeFileSync(join(path, 'VERSION'), text);
  expect(() => openDataDirectory(path)).toThrow(message);
  expect(readFileSync(join(path, 'VERSION'), 'utf8')).toBe(text);
  expect(existsSync(join(path, 'lock.db'))).toBe(false);
});

test('a directory with other content is refused; hidden files and lost+found do not count', () => {
  const path = temporaryDirectory();
  writeFileSync(join(path, '.hidden'), '');
  mkdirSync(join(path, 'lost+found'));
  open(path).release();
  const foreign = temporaryDirectory();
  writeFileSync(join(foreign, 'thesis.tex'), '');
  expect(() => openDataDirectory(foreign)).toThrow(/DATA_DIR_UNUSABLE: .*not a Danube data directory/);
});

test('a path that is a file, or lies where nothing can be created, is refused', () => {
  const file = join(temporaryDirectory(), 'file');
  writeFileSync(file, '');
  expect(() => openDataDirectory(file)).toThrow('it is not a directory');
  expect(() => openDataDirectory(join(file, 'below'))).toThrow('it cannot be created (ENOTDIR)');
});

// Node's recursive mkdir spins for ever here.
test.runIf(process.platform === 'linux')('a directory below /proc is refused, and soon', () => {
  expect(() => openDataDirectory('/proc/danube/data')).toThrow('it cannot be created (ENOENT)');
});
