// @danube/wal next to its peers: every contender is a process of its own (peers/driver.ts), every cell a fresh
// directory, and the contenders of a comparison run one directly after the other, round after round.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ContenderName, prepareContenders } from '../peers/contenders.ts';
import { type Driver, runDriver } from '../peers/driver.ts';
import { resultsDir, writeResult } from '../results.ts';
import { type PlannedGroup, planWalBench, resolveWalBenchOptions, type WalBenchFlags } from './wal-plan.ts';
import { type Cell, formatReport, judge, perSecond, summarize } from './wal-report.ts';

const exec = promisify(execFile);

async function fileSystemOf(dir: string): Promise<string> {
  const { stdout } = await exec('df', ['--output=fstype', dir]);
  return stdout.trim().split('\n').at(-1) ?? 'unknown';
}

async function runCell(
  group: PlannedGroup,
  contender: ContenderName,
  driver: Driver | undefined,
  ms: number,
  workDir: string,
  signal: AbortSignal,
): Promise<Cell> {
  const { round, medium, bytes, outstanding } = group;
  const cell = { round, medium, bytes, outstanding, contender };
  const dir = join(workDir, 'cell');
  await mkdir(dir);
  try {
    if (driver === undefined) throw new Error('has no driver');
    return {
      ...cell,
      result: await runDriver(driver, { dir, outstanding, bytes, milliseconds: ms }, signal),
    };
  } catch (error) {
    if (signal.aborted) throw error;
    return { ...cell, error: String(error) };
  } finally {
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    // The next contender must not pay for what this one left to be written back.
    if (medium === 'disk') await exec('sync', ['-f', workDir]);
  }
}

/** Runs until done; an interrupt stops the driver, cleans up and leaves the last result as it was. */
export async function wal(flags: WalBenchFlags): Promise<void> {
  const options = resolveWalBenchOptions(flags);
  const plan = planWalBench(options);
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => interrupt.abort(new Error(`Stopped by ${signal}`)));
  await mkdir(resultsDir, { recursive: true });
  // Beside the results, so that it is the disk of the checkout.
  const workDirs = new Map([['disk', await mkdtemp(join(resultsDir, '.work-'))]]);
  const cells: Cell[] = [];
  const started = performance.now();
  const loadAverageBefore = loadavg();
  try {
    if (options.media.includes('tmpfs')) workDirs.set('tmpfs', await mkdtemp('/dev/shm/danube-bench-'));
    const at = (medium: string) => workDirs.get(medium) as string;
    const { drivers, versions } = await prepareContenders(options.contenders, at('disk'));
    const fileSystems = Object.fromEntries(
      await Promise.all(options.media.map(async (medium) => [medium, await fileSystemOf(at(medium))])),
    );
    for (const [index, group] of plan.entries()) {
      const { round, medium, bytes, outstanding } = group;
      for (const contender of group.contenders)
        cells.push(
          await runCell(group, contender, drivers[contender], options.ms, at(medium), interrupt.signal),
        );
      const rates = cells
        .slice(-group.contenders.length)
        .map(({ contender, result }) => `${contender} ${result ? Math.round(perSecond(result)) : 'FAILED'}`);
      const minutes = ((performance.now() - started) / 60_000).toFixed(1);
      console.error(
        `${minutes} min, ${index + 1} of ${plan.length}: round ${round + 1}, ${medium}, ${bytes} B, ` +
          `${outstanding} outstanding: ${rates.join(', ')}`,
      );
    }
    const summary = summarize(cells, options.contenders);
    const targets = judge(cells);
    const failed = cells.filter(({ error }) => error !== undefined);
    const file = await writeResult('wal', {
      ...options,
      fileSystems,
      versions,
      loadAverage: { before: loadAverageBefore, after: loadavg() },
      minutes: Math.round((performance.now() - started) / 60_000),
      targets,
      summary,
      cells,
    });
    console.log(formatReport(summary, targets, cells));
    console.log(`\nRaw figures: ${file}`);
    for (const { contender, medium, bytes, outstanding, error } of failed)
      console.error(`FAILED ${contender}, ${medium}, ${bytes} B, ${outstanding} outstanding: ${error}`);
    if (failed.length > 0) process.exitCode = 1;
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    console.error(`${interrupt.signal.reason.message}; no result is written.`);
    process.exitCode = 130;
  } finally {
    for (const dir of workDirs.values()) await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  }
}
