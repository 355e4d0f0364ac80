import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Hit, judge } from './judge.ts';
import { callsToOpen, callsUntil, healthyRun, type Mode, modes, newDirectory, run } from './runs.ts';
import { type Ending, isFill, isSync, isWrite, type SystemCall, traced } from './strace.ts';

/**
 * Goal: the first error of any system call that the log's safety rests on stops it, and a full disk does not as long as
 * nothing acknowledged is at risk. Method: `strace` makes the kernel's answer an error. For every mode and every system
 * call, the first, second, third … one fails until there are none left; after each run the judge compares what the
 * process was told, what it asked of the kernel, and what the disk holds.
 */
/** Fails call number `from`, `from + 1`, … of its kind until there are no more. */
async function sweep(
  mode: Mode,
  name: string,
  effect: string,
  from = 1,
  endings = endingsOf,
  preallocateBytes = 0,
): Promise<Hit[]> {
  const hits: Hit[] = [];
  for (let n = from; ; n++) {
    const injections = [`${name}:${effect}:when=${n}`];
    const outcome = await run({ mode, injections, ending: endings(n), preallocateBytes });
    hits.push(...(await judge(outcome)));
    if (outcome.injected.length === 0) return hits;
    expect(n, 'the workload has an end').toBeLessThan(60);
  }
}
const endingsOf = (n: number): Ending => (n % 2 === 0 ? 'abandon' : 'reopen');

const places = (hits: readonly Hit[]) => new Set(hits.map(({ phase, target }) => `${phase}: ${target}`));

describe.concurrent('without a fault', () => {
  test.each(modes)('in mode %s everything called durable had been synced before', async (mode) => {
    const outcome = await healthyRun(mode);
    await judge(outcome);
    // strace is blind to io_uring: here are the calls that it must not have replaced.
    const segments = outcome.calls.filter((call) => /\d\.wal$/.test(call.path));
    expect(segments.filter(isWrite).length).toBeGreaterThanOrEqual(6);
    expect(segments.filter((call) => isSync(call) || call.dsync).length).toBeGreaterThanOrEqual(2);
  });
});

describe.concurrent('the first failure stops the log for good, and opening again works', () => {
  for (const mode of modes) {
    // How opening fails does not depend on the mode: once is enough.
    const first = async (name: string) => (mode === 'always' ? 1 : (await callsToOpen(mode, name)) + 1);

    test(`in mode ${mode}: EIO at any write`, async () => {
      const hits = await sweep(mode, 'pwrite64', 'error=EIO', await first('pwrite64'));
      for (const place of ['running: segment', 'running: new segment', 'running: state'])
        expect(places(hits)).toContain(place);
      const parts = await sweep(mode, 'pwritev', 'error=EIO');
      expect(places(parts)).toContain('running: segment');
    }, 120_000);

    test(`in mode ${mode}: EIO and ENOSPC at any sync`, async () => {
      for (const error of ['EIO', 'ENOSPC']) {
        const hits = await sweep(mode, 'fdatasync', `error=${error}`, await first('fdatasync'));
        // In mode `always` a commit is one synchronous write, judged as both.
        if (mode !== 'always') expect(places(hits)).toContain('running: segment');
        expect(hits.length).toBeGreaterThan(0);
      }
    }, 120_000);

    test(`in mode ${mode}: EIO at any rename and any sync of the directory`, async () => {
      const renames = await sweep(mode, 'rename', 'error=EIO', await first('rename'));
      expect(places(renames)).toContain('running: new segment');
      const syncs = await sweep(mode, 'fsync', 'error=EIO', await first('fsync'));
      expect(places(syncs)).toContain('running: directory');
    }, 120_000);
  }
});

describe.concurrent('a full disk is survived', () => {
  for (const mode of modes) {
    test(`in mode ${mode}: ENOSPC at any write is told to whom it concerns, and the next append succeeds`, async () => {
      const from = mode === 'always' ? 1 : (await callsToOpen(mode, 'pwrite64')) + 1;
      const hits = await sweep(mode, 'pwrite64', 'error=ENOSPC', from);
      for (const place of ['running: segment', 'running: new segment']) expect(places(hits)).toContain(place);
      const parts = await sweep(mode, 'pwritev', 'error=ENOSPC');
      expect(places(parts)).toContain('running: segment');
    }, 120_000);
  }
});

describe.concurrent('a failure while another is dealt with', () => {
  test('the log stops when a full disk cannot be undone', async () => {
    const mode = 'always';
    const from = (await callsToOpen(mode, 'pwrite64')) + 1;
    for (const second of [
      'ftruncate:error=EIO:when=1',
      `fdatasync:error=ENOSPC:when=${(await callsToOpen(mode, 'fdatasync')) + 1}`,
    ]) {
      const outcome = await run({ mode, injections: [`pwrite64:error=ENOSPC:when=${from}`, second] });
      const hits = await judge(outcome);
      expect(hits.length).toBe(2);
    }
  }, 60_000);
});

describe.concurrent('filler ahead of the records', () => {
  const ahead = (name: string, effect: string, from: number) =>
    sweep('always', name, effect, from, endingsOf, 8192);
  const fills = (hits: readonly Hit[]) => hits.filter(({ call }) => isFill(call)).length;

  test('EIO at any of its writes and syncs stops the log like any other', async () => {
    const writes = await ahead('pwrite64', 'error=EIO', (await callsToOpen('always', 'pwrite64')) + 1);
    expect(fills(writes)).toBeGreaterThan(0);
    const syncs = await ahead('fdatasync', 'error=EIO', (await callsToOpen('always', 'fdatasync')) + 1);
    expect(places(syncs)).toContain('running: segment');
  }, 120_000);

  test("no room for it is nobody's concern", async () => {
    const hits = await ahead('pwrite64', 'error=ENOSPC', (await callsToOpen('always', 'pwrite64')) + 1);
    expect(fills(hits)).toBeGreaterThan(0);
  }, 120_000);
});

describe.concurrent('files that cannot be opened or deleted', () => {
  const segment = (dir: string, first: number) => join(dir, `${String(first).padStart(20, '0')}.wal`);

  test.each(['EIO', 'ENOSPC'])(
    '%s while a new segment or the directory is opened',
    async (error) => {
      const hits: Hit[] = [];
      for (let n = 1; ; n++) {
        const dir = newDirectory();
        // Prepared beforehand or not; salts are fixed by the workload.
        const names = [
          '',
          '.tmp',
          '.next.tmp',
          ...[1, 2, 3, 4].map((byte) => `.${(byte * 0x01010101).toString(16)}.tmp`),
        ];
        const paths = [dir, ...names.flatMap((name) => [segment(dir, 0) + name, segment(dir, 5) + name])];
        const outcome = await traced({
          dir,
          mode: 'always',
          paths,
          injections: [`openat:error=${error}:when=${n}`],
        });
        hits.push(...(await judge(outcome)));
        if (outcome.injected.length === 0) break;
      }
      expect(places(hits)).toContain('running: directory');
      expect(places(hits)).toContain('running: new segment');
    },
    60_000,
  );

  test('EIO at any unlink: the truncation says so, and the next opening finishes it', async () => {
    const hits = await sweep('always', 'unlink', 'error=EIO');
    expect(places(hits)).toContain('running: segment');
  }, 60_000);
});

test('a directory whose making a kill cut short is made durable by whoever opens it next', async () => {
  const dir = newDirectory();
  const cut = await traced({ dir, mode: 'always', injections: ['fsync:signal=KILL:when=1'] });
  expect([cut.killed, cut.lines]).toEqual([true, ['opening']]);
  const { calls } = await traced({ dir, mode: 'always', injections: [] });
  const acknowledged = calls.findIndex(({ line }) => line?.startsWith('ack '));
  const synced = calls.findIndex(({ name, path, result }) => {
    return name === 'fsync' && path === dirname(dir) && result === 0;
  });
  expect(synced).toBeGreaterThanOrEqual(0);
  expect(synced).toBeLessThan(acknowledged);
});

describe.concurrent('a kill -9 at any system call', () => {
  // A durable write and a plain one.
  for (const mode of ['always', 'none'] as const) {
    test(`in mode ${mode} loses nothing acknowledged and undoes no truncation`, async () => {
      const everywhere = mode === 'always';
      const names = everywhere
        ? ['pwrite64', 'pwritev', 'fdatasync', 'fsync', 'rename', 'unlink']
        : ['pwrite64', 'fdatasync'];
      for (const name of names) {
        let kills = 0;
        for (let n = everywhere ? 1 : (await callsToOpen(mode, name)) + 1; ; n++, kills++) {
          const outcome = await run({
            mode,
            injections: [`${name}:signal=KILL:when=${n}`],
            ending: 'reopen',
          });
          await judge(outcome);
          if (!outcome.killed) break;
        }
        expect(kills, name).toBeGreaterThan(0);
      }
    }, 120_000);
  }
});

describe.concurrent('a short write is continued where it stopped', () => {
  // A durable write and a plain one.
  for (const mode of ['always', 'none'] as const) {
    test(`in mode ${mode}`, async () => {
      const from = mode === 'always' ? 1 : (await callsToOpen(mode, 'pwrite64')) + 1;
      const ending = (n: number): Ending => (n % 2 === 0 ? 'abandon' : 'close');
      const hits = await sweep(mode, 'pwrite64', 'retval=7', from, ending);
      for (const place of ['running: segment', 'running: new segment', 'running: state'])
        expect(places(hits)).toContain(place);
      // Inside the first of two buffers, at its end, inside the second.
      for (const taken of [7, 416, 600]) {
        const parts = await sweep(mode, 'pwritev', `retval=${taken}`, 1, ending);
        expect(places(parts)).toContain('running: segment');
      }
      // libuv asks for the rest by itself. Only when that fails is the short count left to us.
      let seen = 0;
      const second = (call: SystemCall) => call.name === 'pwritev' && ++seen === 2;
      const whenNext = (await callsUntil(mode, 'pwrite64', second)) + 1;
      for (const taken of [416, 600]) {
        const outcome = await run({
          mode,
          injections: [`pwritev:retval=${taken}:when=2`, `pwrite64:error=ENOSPC:when=${whenNext}`],
          ending: 'close',
        });
        expect((await judge(outcome)).map(({ target }) => target)).toEqual(['segment', 'segment']);
        expect(outcome.lines.filter((line) => line.startsWith('error'))).toEqual([]);
      }
    }, 120_000);
  }
});
