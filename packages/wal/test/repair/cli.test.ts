import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import * as wal from '../../src/index.ts';
import { type Files, makeSpecimen } from './repair-driver.ts';

const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));
const appender = fileURLToPath(new URL('../process/appender.ts', import.meta.url));
let root = '';
let dir = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'wal-cli-'));
  dir = join(root, 'log');
  await mkdir(dir);
});
afterEach(() => rm(root, { recursive: true, force: true }));

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(...args: string[]): Promise<Result> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--conditions=@danube/source', cli, ...args], (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

async function put(files: Files): Promise<void> {
  for (const [path, bytes] of files) await writeFile(join(dir, basename(path)), bytes);
}

async function contents(): Promise<Record<string, string>> {
  const names = (await readdir(dir)).sort();
  return Object.fromEntries(
    await Promise.all(
      names.map(async (name) => [name, (await readFile(join(dir, name))).toString('base64')]),
    ),
  );
}

test('inspect and verify of a sound log: exit 0, nothing on disk changes', async () => {
  await put((await makeSpecimen(wal, true)).files);
  const before = await contents();
  const inspected = await run('inspect', dir);
  expect(inspected).toMatchObject({ code: 0, stderr: '' });
  expect(inspected.stdout).toMatch(/^state +closed properly$/m);
  expect(inspected.stdout).toMatch(/^00000000000000000000\.wal +0 to \d+ /m);
  expect(inspected.stdout).toMatch(/records of type 1: \d+/);
  expect(await run('verify', dir)).toEqual({ code: 0, stdout: 'sound\n', stderr: '' });
  const json = JSON.parse((await run('inspect', dir, '--json')).stdout);
  expect(json).toMatchObject({ verdict: 'sound', epoch: 2, closedProperly: true, firstOffset: 0 });
  expect(await contents()).toEqual(before);
});

test('damage: verify names it, repair asks, repair --apply mends and keeps, verify is content again', async () => {
  const specimen = await makeSpecimen(wal, true);
  await put(specimen.files);
  const name = basename(specimen.segments[1]!);
  const bytes = Buffer.from(specimen.files.get(specimen.segments[1]!)!);
  bytes[150]! ^= 4;
  await writeFile(join(dir, name), bytes);
  const before = await contents();
  const found = await run('verify', dir);
  expect(found.code).toBe(1);
  expect(found.stdout).toMatch(new RegExp(`^ {2}${name} bytes 80 to \\d+, from offset \\d+`, 'm'));
  expect(JSON.parse((await run('verify', dir, '--json')).stdout).damage).toMatchObject([
    { file: name, startByte: 80 },
  ]);
  const asked = await run('repair', dir);
  expect(asked.code).toBe(1);
  expect(asked.stdout).toContain('nothing was changed; --apply does it');
  expect(await contents()).toEqual(before);
  const applied = await run('repair', dir, '--apply');
  expect(applied).toMatchObject({ code: 0, stderr: '' });
  expect((await readFile(join(dir, `${name}.damaged-3`))).equals(bytes)).toBe(true);
  const verified = await run('verify', dir);
  expect(verified.code).toBe(0);
  expect(verified.stdout).toMatch(/^gap: offset.* lost, given up by an earlier repair\nsound\n$/);
  expect(await run('repair', dir, '--apply')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('nothing to repair'),
  });
});

test('a torn tail is told apart: exit 0, and nothing to repair', async () => {
  const specimen = await makeSpecimen(wal, false);
  await put(specimen.files);
  const last = specimen.segments.at(-1)!;
  await writeFile(join(dir, basename(last)), specimen.files.get(last)!.subarray(0, -3));
  const { code, stdout } = await run('verify', dir);
  expect([code, stdout]).toEqual([0, expect.stringContaining('torn tail (would be cut at the next opening')]);
  expect((await run('repair', dir, '--apply')).code).toBe(0);
});

test('wrong usage is 2, what is no log is 3, in one line and without a stack', async () => {
  for (const args of [
    [],
    ['inspect'],
    ['mend', dir],
    ['inspect', dir, '--apply'],
    ['verify', dir, '--loud'],
  ]) {
    const { code, stdout } = await run(...args);
    expect([args, code, stdout]).toEqual([args, 2, '']);
  }
  expect((await run('--help')).code).toBe(0);
  for (const path of [dir, join(root, 'nowhere'), cli]) {
    for (const command of ['inspect', 'verify', 'repair']) {
      const { code, stderr } = await run(command, path);
      expect([path, code]).toEqual([path, 3]);
      expect(stderr).toMatch(/^danube-wal: [^\n]+\n$/);
    }
  }
  expect(await readdir(dir)).toEqual([]);
});

test('beside a process that appends, looking never reports damage, and repair is refused', async () => {
  const child = spawn(process.execPath, ['--conditions=@danube/source', appender, dir, 'always'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await new Promise<void>((resolve) =>
      child.stdout.on('data', (data: Buffer) => {
        if (/^open /m.test(data.toString())) resolve();
      }),
    );
    let meanwhile = 0;
    // However slow this machine is now: at least ten times the log must have changed while it was read.
    for (let i = 0; i < 60 || meanwhile < 10; i++) {
      const { verdict, changedMeanwhile } = await wal.inspectWal(dir);
      expect(['sound', 'torn', 'changed']).toContain(verdict);
      if (changedMeanwhile) meanwhile++;
    }
    expect((await run('verify', dir)).code).not.toBe(1);
    const refused = await run('repair', dir, '--apply');
    expect([refused.code, refused.stdout + refused.stderr]).toEqual([
      3,
      `danube-wal: ${dir} is open elsewhere: close it first\n`,
    ]);
  } finally {
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
  }
});

test('segments that come and go while a log is read are not damage', async () => {
  const log = await wal.openWal({ dir, maxFileSizeBytes: 256, sync: { kind: 'none' } });
  let over = false;
  const write = async () => {
    while (!over) {
      for (let i = 0; i < 5; i++) await log.append({ type: 1, payload: Buffer.alloc(100) });
      await log.truncateBefore(Math.max(log.firstOffset, log.nextOffset - 3));
    }
  };
  const writing = write();
  try {
    for (let i = 0; i < 40; i++) expect((await wal.inspectWal(dir)).verdict).not.toBe('damaged');
  } finally {
    over = true;
    await writing;
    await log.close();
  }
  expect((await wal.inspectWal(dir)).verdict).toBe('sound');
});

test('real damage is reported though the log is being written', async () => {
  const log = await wal.openWal({ dir, maxFileSizeBytes: 256 });
  for (let i = 0; i < 8; i++) await log.append({ type: 1, payload: Buffer.alloc(100) });
  const first = join(dir, '00000000000000000000.wal');
  const bytes = await readFile(first);
  bytes[150]! ^= 1;
  await writeFile(first, bytes);
  let over = false;
  const write = async () => {
    while (!over) await log.append({ type: 1, payload: Buffer.alloc(100) });
  };
  const writing = write();
  try {
    expect((await wal.inspectWal(dir)).damage).toMatchObject([{ file: '00000000000000000000.wal' }]);
  } finally {
    over = true;
    await writing;
    await log.close();
  }
});
