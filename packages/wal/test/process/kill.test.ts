import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openWal, WalError } from '../../src/index.ts';
import { Random } from '../../src/testing/index.ts';
import { payloadText } from './payload.ts';

/** Most of a child's time would go into compiling: the first one leaves the result here. */
const cache = mkdtempSync(join(tmpdir(), 'wal-kill-cache-'));
beforeAll(async () => {
  const child = startAppender(join(cache, 'log'), 'always', 'once');
  await expect(child.until(() => false)).rejects.toThrow(/^child ended: $/);
});
afterAll(() => rmSync(cache, { recursive: true, force: true }));

let root = '';
let dir = '';
const children: ChildProcess[] = [];
const workers: Worker[] = [];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'wal-kill-'));
  dir = join(root, 'log');
});
afterEach(async () => {
  for (const child of children.splice(0)) if (child.exitCode === null) child.kill('SIGKILL');
  for (const worker of workers.splice(0)) await worker.terminate();
  await rm(root, { recursive: true, force: true });
});

/** Starts the appender; `lines` grows as it prints. */
function startAppender(path: string, ...args: string[]) {
  const script = fileURLToPath(new URL('./appender.ts', import.meta.url));
  const child = spawn(process.execPath, [script, path, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, NODE_COMPILE_CACHE: cache },
  });
  children.push(child);
  const lines: string[] = [];
  let complaints = '';
  child.stderr.on('data', (data) => {
    complaints += data;
  });
  const reader = createInterface({ input: child.stdout });
  // `close` comes after all output has been read.
  const ended = once(child, 'close').then(() => {
    throw new Error(`child ended: ${complaints}`);
  });
  ended.catch(() => undefined); // expected after a kill
  let printed = () => {};
  reader.on('line', (line) => {
    lines.push(line);
    printed();
  });
  return {
    lines,
    go: () => child.stdin.write('go\n'),
    async until(enough: () => boolean): Promise<void> {
      while (!enough()) {
        const line = new Promise<void>((resolve) => {
          printed = resolve;
        });
        await Promise.race([line, ended]);
      }
    },
    /** Resolves when all it printed has been read; rejects if it had ended by itself. */
    async kill(): Promise<void> {
      if (child.exitCode !== null) await ended;
      child.kill('SIGKILL');
      await ended.catch(() => undefined);
      if (complaints) throw new Error(`child complained: ${complaints}`);
    },
  };
}

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'opened',
    (error: unknown) => (WalError.is(error) ? error.code : String(error)),
  );

/** What one log must hold, from what its killed owners printed. */
class Ledger {
  readonly #acked = new Map<number, string>();
  #epoch = 0;
  #next = 0;
  /** The log begins here or later, and at `#mayBegin` at the latest. */
  #begins = 0;
  #mayBegin = 0;

  read(lines: readonly string[]): void {
    for (const line of lines) {
      const [kind, ...words] = line.split(' ');
      const numbers = words.map(Number);
      if (kind === 'open') {
        const [epoch, first, next] = numbers as [number, number, number];
        expect(epoch, 'an epoch is never given twice').toBeGreaterThan(this.#epoch);
        this.#epoch = epoch;
        expect(next, 'nothing acknowledged is gone').toBeGreaterThanOrEqual(this.#next);
        this.#checkFirst(first);
      } else if (kind === 'ack') {
        const [first, last, epoch, number] = numbers as [number, number, number, number];
        for (let offset = first; offset <= last; offset++) {
          expect(this.#acked.has(offset), `offset ${offset} was acknowledged twice`).toBe(false);
          this.#acked.set(offset, payloadText(epoch, number));
        }
        this.#next = Math.max(this.#next, last + 1);
      } else if (kind === 'truncating') this.#mayBegin = Math.max(this.#mayBegin, numbers[0]!);
      else if (kind === 'truncated') this.#checkFirst(numbers[0]!);
    }
  }

  #checkFirst(first: number): void {
    expect(first, 'a truncation that resolved does not come undone').toBeGreaterThanOrEqual(this.#begins);
    expect(first, 'nothing is truncated that was not asked for').toBeLessThanOrEqual(this.#mayBegin);
    this.#begins = first;
  }

  /** Opens the log and reads all of it. */
  async verify(path: string): Promise<void> {
    const wal = await openWal({ dir: path });
    this.read([`open ${wal.epoch} ${wal.firstOffset} ${wal.nextOffset}`]);
    const found: { offset: number; type: number; text: string }[] = [];
    for await (const batch of wal.read({ from: wal.firstOffset })) {
      for (const { offset, type, payload } of batch)
        found.push({ offset, type, text: Buffer.from(payload).toString() });
    }
    await wal.close();
    expect(found.map((r) => r.offset)).toEqual(found.map((_, i) => wal.firstOffset + i));
    expect(wal.firstOffset + found.length).toBe(wal.nextOffset);
    this.#next = wal.nextOffset;
    for (const [offset, text] of this.#acked)
      if (offset >= wal.firstOffset)
        expect(found[offset - wal.firstOffset]?.text, `offset ${offset}`).toBe(text);
    for (const [i, record] of found.entries()) {
      const [epoch, number] = record.text.split(' ').map(Number) as [number, number];
      expect(record.text, 'no phantom').toBe(payloadText(epoch, number));
      // The second record of a batch (type 2) follows the first, and the first has its second. Segments hold whole batches.
      if (record.type === 2) expect(found[i - 1]).toMatchObject({ type: 1, text: record.text });
      else if (number % 5 === 0) expect(found[i + 1]).toMatchObject({ type: 2, text: record.text });
    }
  }
}

test.each(['always', 'periodic', 'none'])(
  'in mode %s a killed process loses nothing it acknowledged, splits no batch, repeats no offset, undoes no truncation',
  async (mode) => {
    const seed = Date.now() % 100_000;
    const random = new Random(seed);
    const ledger = new Ledger();
    try {
      for (let round = 0; round < 3; round++) {
        // Anywhere in the stream of appends, with the rotations that come along.
        let child = startAppender(dir, mode);
        const wanted = random.integer(1, 600);
        await child.until(() => child.lines.length > wanted);
        await child.kill();
        ledger.read(child.lines);
        // While it opens what the kill left.
        child = startAppender(dir, mode);
        await child.until(() => child.lines.length > 0);
        await sleep(random.integer(0, 12));
        await child.kill();
        ledger.read(child.lines);
        // While it truncates.
        child = startAppender(dir, mode);
        await child.until(() => child.lines.some((line) => line.startsWith('truncating')));
        await sleep(random.integer(0, 3));
        await child.kill();
        ledger.read(child.lines);
        // Not every time: what a kill left is to be met by a process that will be killed as well.
        if (round % 2 === 0) await ledger.verify(dir);
      }
    } catch (error) {
      throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
    }
  },
  60_000,
);

test('the lock holds against other processes and threads, and a kill -9 frees it', async () => {
  const child = startAppender(dir, 'always', 'hold');
  await child.until(() => isOpen(child));
  expect(await code(openWal({ dir }))).toBe('WAL_LOCKED');
  await child.kill();

  const wal = await openWal({ dir }); // at once: no stale lock
  expect(await tryInThread()).toBe('WAL_LOCKED');
  expect(await code(openWal({ dir }))).toBe('WAL_LOCKED');
  // The failed tries above must not have dropped our lock for other processes either.
  const late = startAppender(dir, 'always', 'hold');
  await expect(late.until(() => isOpen(late))).rejects.toThrow('WAL_LOCKED');
  await wal.append({ type: 1, payload: Buffer.from('still ours') });
  await wal.close();
  expect(await tryInThread()).toBe('opened');
}, 60_000);

test('the trap is real: opening and closing the lock file in the owner drops its lock', async () => {
  // Goal: should this ever start to fail, the platform changed and the rule "never touch lock.db" can go.
  const wal = await openWal({ dir });
  closeSync(openSync(join(dir, 'lock.db'), 'r'));
  const child = startAppender(dir, 'always', 'hold');
  await child.until(() => isOpen(child));
  await child.kill();
  await wal.close();
});

test('of several processes that open at the same moment one succeeds', async () => {
  for (let round = 0; round < 3; round++) {
    const racers = ['always', 'periodic', 'none'].map((mode) => startAppender(dir, mode, 'race'));
    for (const racer of racers) await racer.until(() => racer.lines.includes('ready'));
    for (const racer of racers) racer.go();
    const answers = await Promise.all(
      racers.map((racer) =>
        racer
          .until(() => isOpen(racer))
          .then(
            () => 'open',
            (error: Error) => /WAL_\w+/.exec(error.message)?.[0] ?? error.message,
          ),
      ),
    );
    expect(answers.sort()).toEqual(['WAL_LOCKED', 'WAL_LOCKED', 'open']);
    for (const child of children.splice(0)) child.kill('SIGKILL');
  }
}, 60_000);

test('of several threads, and of several calls of one, that open at the same moment one succeeds', async () => {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const threads = [startThread(dir, gate), startThread(dir, gate)];
  await Promise.all(threads.map((thread) => once(thread, 'online')));
  const answered = threads.map(answer);
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
  const here = [openWal({ dir }), openWal({ dir })];
  const answers = [...(await Promise.all(here.map(code))), ...(await Promise.all(answered))];
  expect(answers.sort()).toEqual(['WAL_LOCKED', 'WAL_LOCKED', 'WAL_LOCKED', 'opened']);
  for (const result of await Promise.allSettled(here))
    if (result.status === 'fulfilled') await result.value.close();
});

test('a thread that is terminated frees the lock at once', async () => {
  const thread = startThread(dir);
  expect(await answer(thread)).toBe('opened');
  expect(await code(openWal({ dir }))).toBe('WAL_LOCKED');
  await thread.terminate();
  const wal = await openWal({ dir });
  await wal.close();
});

test('a directory reached by another name is locked as well', async () => {
  const alias = join(root, 'alias');
  await symlink(dir, alias);
  const wal = await openWal({ dir });
  expect(await code(openWal({ dir: alias }))).toBe('WAL_LOCKED');
  expect(await tryInThread(alias)).toBe('WAL_LOCKED');
  const child = startAppender(alias, 'always', 'hold');
  await expect(child.until(() => isOpen(child))).rejects.toThrow('WAL_LOCKED');
  await wal.close();

  const owner = startAppender(alias, 'always', 'hold');
  await owner.until(() => isOpen(owner));
  expect(await code(openWal({ dir }))).toBe('WAL_LOCKED');
  expect(await code(openWal({ dir: `${alias}/../log` }))).toBe('WAL_LOCKED');
  await owner.kill();
});

const isOpen = (child: { readonly lines: readonly string[] }) =>
  child.lines.some((line) => line.startsWith('open '));

function startThread(path: string, gate?: Int32Array): Worker {
  const worker = new Worker(new URL('./lock-worker.ts', import.meta.url), {
    workerData: { dir: path, gate },
    execArgv: [],
  });
  workers.push(worker);
  return worker;
}

const answer = async (worker: Worker): Promise<string> => ((await once(worker, 'message')) as [string])[0];

/** Opens the log in another thread, and closes it again if that worked. */
async function tryInThread(path = dir): Promise<string> {
  const worker = startThread(path);
  const first = await answer(worker);
  if (first === 'opened') {
    worker.postMessage('close');
    await answer(worker);
  }
  await worker.terminate();
  return first;
}
