// versitygw, the S3 server of the tests (scripts/lib/s3-judges.mjs), for benchmarks: connections are kept open, as S3 does.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { S3Target } from './s3-cell.ts';

const READY_WITHIN_MS = 30_000;
const finder = new URL('../../../scripts/lib/s3-judges.mjs', import.meta.url);
const keys = { accessKeyId: 'bench', secretAccessKey: 'bench-secret', region: 'us-east-1' };
const bucket = 'bench';

/** A server with one empty bucket. */
export interface BenchServer extends S3Target {
  /** With its version, which versitygw itself does not know: the name of the folder it was built into. */
  readonly name: string;
  stop(): Promise<void>;
}

/** The binary that `DANUBE_VERSITYGW` names, or the tests' own, built on first use. */
async function versitygwPath(): Promise<string> {
  const named = process.env.DANUBE_VERSITYGW;
  if (named !== undefined) return named;
  const { s3Judges } = (await import(finder.href)) as {
    s3Judges(): Promise<{ env?: { DANUBE_VERSITYGW: string }; reason?: string }>;
  };
  const { env, reason } = await s3Judges();
  if (env === undefined) throw new Error(`This scenario needs versitygw: ${reason}.`);
  return env.DANUBE_VERSITYGW;
}

/** @param dir an empty directory, on a file system with user attributes */
export async function startVersitygw(dir: string): Promise<BenchServer> {
  const binary = await versitygwPath();
  const buckets = join(dir, 'buckets');
  await mkdir(buckets);
  const port = await freePort();
  const server = spawn(
    binary,
    ['--port', `127.0.0.1:${port}`, '--quiet', '--keep-alive', '--health', '/health', 'posix', buckets],
    { env: { ...process.env, ROOT_ACCESS_KEY: keys.accessKeyId, ROOT_SECRET_KEY: keys.secretAccessKey } },
  );
  const ended = once(server, 'close');
  const said = outputOf(server);
  const stop = async () => {
    server.kill('SIGKILL');
    await ended;
  };
  const endpoint = `http://127.0.0.1:${port}`;
  if (!(await answers(server, `${endpoint}/health`))) {
    await stop();
    throw new Error(`versitygw does not answer. It said:\n${await said}`);
  }
  await createBucket(endpoint);
  return { ...keys, endpoint, bucket, name: basename(dirname(binary)), stop };
}

async function createBucket(endpoint: string): Promise<void> {
  // Only now: those that do not use S3 need not wait for the SDK.
  const { CreateBucketCommand, S3Client } = await import('@aws-sdk/client-s3');
  const { region, ...credentials } = keys;
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
}

async function answers(server: ChildProcess, url: string): Promise<boolean> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (server.exitCode === null && Date.now() < deadline) {
    const isUp = await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isUp) return true;
    await sleep(25);
  }
  return false;
}

/** All that a process prints, once it has ended. */
async function outputOf(child: ChildProcess): Promise<string> {
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      printed = (printed + text).slice(-16_384);
    });
  await once(child, 'close');
  return printed;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
