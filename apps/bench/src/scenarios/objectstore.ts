// Our S3 store next to the bare AWS SDK on one server of other people's: each in a process of its own for the whole run,
// cell by cell in turn, so that a noisy minute hits both alike.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import {
  type S3Answer,
  type S3Cell,
  type S3Contender,
  type S3Target,
  s3Contenders,
} from '../peers/s3-cell.ts';
import { startVersitygw } from '../peers/versitygw.ts';
import { writeResult } from '../results.ts';
import { planS3Bench, resolveS3BenchOptions, type S3BenchFlags } from './objectstore-plan.ts';
import { compareS3, formatS3, LEAST_OF_SDK, type S3BenchCell, summarizeS3 } from './objectstore-report.ts';

/** In memory: the server's disk is not what is compared. */
const SERVER_DIR = '/dev/shm';

function startDriver(contender: S3Contender, { endpoint, region, bucket, ...keys }: S3Target): ChildProcess {
  const { accessKeyId, secretAccessKey } = keys;
  const target: S3Target = { endpoint, region, bucket, accessKeyId, secretAccessKey };
  const file = fileURLToPath(new URL('./s3-driver.js', import.meta.url));
  return fork(file, [contender, JSON.stringify(target)]);
}

/** Rejects when the driver has ended. */
async function runCell(driver: ChildProcess, cell: S3Cell): Promise<S3Answer> {
  const exit = new AbortController();
  const ended = once(driver, 'exit', { signal: exit.signal }).then(() => {
    throw new Error('the driver has ended');
  });
  ended.catch(() => {});
  const answer = once(driver, 'message', { signal: exit.signal });
  answer.catch(() => {});
  try {
    driver.send(cell);
    const [message] = await Promise.race([answer, ended]);
    return message as S3Answer;
  } finally {
    exit.abort();
  }
}

/** Runs until done; an interrupt stops server and drivers and leaves the last result as it was. */
export async function objectstore(flags: S3BenchFlags): Promise<void> {
  const options = resolveS3BenchOptions(flags);
  const plan = planS3Bench(options);
  const interrupted = new Promise<never>((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(signal, () => reject(new Error(`Stopped by ${signal}; no result is written.`)));
  });
  interrupted.catch(() => {});
  const dir = await mkdtemp(`${SERVER_DIR}/danube-bench-`);
  const cells: S3BenchCell[] = [];
  const loadAverageBefore = loadavg();
  const stops: (() => unknown)[] = [() => rm(dir, { recursive: true, force: true })];
  try {
    const server = await startVersitygw(dir);
    stops.push(() => server.stop());
    const drivers = new Map(s3Contenders.map((contender) => [contender, startDriver(contender, server)]));
    stops.push(() => {
      for (const driver of drivers.values()) driver.kill('SIGKILL');
    });
    for (const [index, { contenders, ...group }] of plan.entries()) {
      const { round, operation, bytes, outstanding } = group;
      for (const contender of contenders) {
        const ran = await Promise.race([runCell(drivers.get(contender)!, group), interrupted]);
        cells.push({ round, operation, bytes, outstanding, contender, ...ran });
      }
      const times = cells
        .slice(-contenders.length)
        .map(({ contender, result }) => `${contender} ${result ? `${result.seconds} s` : 'FAILED'}`);
      console.error(
        `${index + 1} of ${plan.length}: round ${round + 1}, ${operation} of ${bytes} B, ${outstanding} outstanding: ${times.join(', ')}`,
      );
    }
    const [summary, comparisons] = [summarizeS3(cells), compareS3(cells)];
    const file = await writeResult('objectstore', {
      ...options,
      ...{ target: `≥ ${LEAST_OF_SDK}`, server: server.name, versions: versions() },
      ...{ loadAverage: { before: loadAverageBefore, after: loadavg() }, comparisons, summary, cells },
    });
    console.log(`${formatS3(summary, comparisons)}\n\nRaw figures: ${file}`);
    const failed = cells.filter(({ error }) => error !== undefined);
    for (const { contender, operation, bytes, outstanding, error } of failed)
      console.error(`FAILED ${contender}, ${operation} of ${bytes} B, ${outstanding} outstanding: ${error}`);
    if (failed.length > 0) process.exitCode = 1;
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

function versions(): Record<string, string> {
  const require = createRequire(import.meta.url);
  return Object.fromEntries(
    ['@aws-sdk/client-s3', '@aws-sdk/lib-storage'].map((name) => [
      name,
      (require(`${name}/package.json`) as { version: string }).version,
    ]),
  );
}
