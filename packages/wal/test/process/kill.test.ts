import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openWal, WalError } from '../../src/index.ts';
import { Random } from '../../src/testing/index.ts';
import { payloadText } from './payload.ts';

let dir = '';
const children: ChildProcess[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'wal-kill-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) if (child.exitCode === null) child.kill('SIGKILL');
  await rm(dir, { recursive: true, force: true });
});

/** Starts the appender; `lines` grows as it prints. */
function startAppender(...args: string[]) {
  const script = fileURLToPath(new URL('./appender.ts', import.meta.url));
  const child = spawn(process.execPath, [script, dir, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
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
    async until(enough: () => boolean): Promise<void> {
      while (!enough()) {
        const line = new Promise<void>((resolve) => {
          printed = resolve;
        });
        await Promise.race([line, ended]);
      }
    },
    async kill(): Promise<void> {
      child.kill('SIGKILL');
      await ended.catch(() => undefined);
    },
  };
}

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'opened',
    (error: unknown) => (WalError.is(error) ? error.code : String(error)),
  );

test.each(['always', 'periodic', 'none'])(
  'in mode %s a killed process loses nothing it acknowledged, splits no batch, repeats no offset',
  async (mode) => {
    const seed = Date.now() % 100_000;
    const random = new Random(seed);
    const acked = new Map<number, string>();
    let epoch = 0;
    let next = 0;
    for (let round = 0; round < 4; round++) {
      const child = startAppender(mode);
      const wanted = random.integer(1, 400);
      await child.until(() => child.lines.length > wanted);
      await child.kill();
      const [opened, ...acks] = child.lines;
      const [, childEpoch, childNext] = opened!.split(' ');
      expect(Number(childEpoch), `seed ${seed}`).toBeGreaterThan(epoch);
      expect(Number(childNext), `seed ${seed}`).toBeGreaterThanOrEqual(next);
      epoch = Number(childEpoch);
      for (const ack of acks) {
        const [first, last, ackEpoch, number] = ack.split(' ').slice(1).map(Number) as [
          number,
          number,
          number,
          number,
        ];
        for (let offset = first; offset <= last; offset++) {
          expect(acked.has(offset), `offset ${offset} was acknowledged twice, seed ${seed}`).toBe(false);
          acked.set(offset, payloadText(ackEpoch, number));
        }
      }
      next = Math.max(next, ...acked.keys()) + 1;
    }

    const wal = await openWal({ dir });
    const found: { offset: number; type: number; text: string }[] = [];
    for await (const batch of wal.read({ from: 0 })) {
      for (const { offset, type, payload } of batch)
        found.push({ offset, type, text: Buffer.from(payload).toString() });
    }
    await wal.close();
    expect(found.map((r) => r.offset)).toEqual(found.map((_, i) => i));
    expect(found.length).toBeGreaterThanOrEqual(next);
    for (const [offset, text] of acked)
      expect(found[offset]?.text, `offset ${offset}, seed ${seed}`).toBe(text);
    // The second record of a batch (type 2) follows the first, and the first has its second.
    for (const [i, record] of found.entries()) {
      const number = Number(record.text.split(' ')[1]);
      if (record.type === 2) expect(found[i - 1]).toMatchObject({ type: 1, text: record.text });
      else if (number % 5 === 0) expect(found[i + 1]).toMatchObject({ type: 2, text: record.text });
    }
  },
);

test('the lock holds against other processes and threads, and a kill -9 frees it', async () => {
  const child = startAppender('always', 'hold');
  await child.until(() => child.lines.length > 0);
  expect(await code(openWal({ dir }))).toBe('WAL_LOCKED');
  await child.kill();

  const wal = await openWal({ dir }); // at once: no stale lock
  expect(await tryInThread()).toBe('WAL_LOCKED');
  expect(await code(openWal({ dir }))).toBe('WAL_LOCKED');
  // The failed tries above must not have dropped our lock for other processes either.
  const late = startAppender('always', 'hold');
  await expect(late.until(() => late.lines.length > 0)).rejects.toThrow('WAL_LOCKED');
  await wal.append({ type: 1, payload: Buffer.from('still ours') });
  await wal.close();
  expect(await tryInThread()).toBe('opened');
}, 60_000);

test('the trap is real: opening and closing the lock file in the owner drops its lock', async () => {
  // Goal: should this ever start to fail, the platform changed and the rule "never touch lock.db" can go.
  const wal = await openWal({ dir });
  closeSync(openSync(join(dir, 'lock.db'), 'r'));
  const child = startAppender('always', 'hold');
  await child.until(() => child.lines.length > 0);
  await child.kill();
  await wal.close();
});

async function tryInThread(): Promise<string> {
  const worker = new Worker(new URL('./lock-worker.ts', import.meta.url), { workerData: dir, execArgv: [] });
  const [answer] = (await once(worker, 'message')) as [string];
  await worker.terminate();
  return answer;
}
