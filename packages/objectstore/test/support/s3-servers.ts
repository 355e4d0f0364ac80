import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type GuardedProcess, startGuarded } from './guarded-process.ts';

/** An S3 server of other people, in a process of its own on a loopback port. It keeps no bucket from a former start. */
export interface S3Server {
  /** `http://127.0.0.1:PORT`, for path-style requests. */
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  readonly pid: number;
  /** What the server has printed lately. */
  output(): string;
  /** Kills the server and removes the directory that was made for it. */
  stop(): Promise<void>;
}

/** What versitygw is started with. */
export interface VersitygwOptions {
  /**
   * Where buckets and their metadata are kept: one that a former server used brings its buckets back. Default: a new
   * temporary directory, removed by `stop`.
   */
  readonly dir?: string;
  /**
   * A host name, such as `localhost`: `http://BUCKET.HOST:PORT` is answered, too. Default: path style alone.
   */
  readonly virtualDomain?: string;
  /**
   * Where versitygw keeps what an object has beside its bytes (ETag, content type): in extended attributes of the file,
   * which change together with it, or in files beside it, where a reader during an overwrite may meet the new ETag with
   * the old bytes. Default: `xattr` where the file system has user attributes, else `sidecar`.
   */
  readonly metadata?: 'xattr' | 'sidecar';
  /**
   * Whether a connection serves more than one request, as those to S3 do. With it versitygw 1.8.0 answers a request
   * that follows an upload of the C++ SDK (pyarrow, and so PyIceberg) with 400 BadRequest. Default false.
   */
  readonly keepAlive?: boolean;
  /** Default: a free one. */
  readonly port?: number;
}

const STARTS = 5;
const READY_WITHIN_MS = 60_000;
const credentials = { accessKeyId: 'judge', secretAccessKey: 'judge-secret', region: 'us-east-1' };

function required(variable: string): string {
  const value = process.env[variable];
  if (value) return value;
  throw new Error(`${variable} is not set. \`npm test -- --s3\` builds the S3 servers and sets it.`);
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Resolves when the process answers with 200 on `url` and has printed `line`; false if it ends before. */
async function answers(server: GuardedProcess, url: string, line = ''): Promise<boolean> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (!server.ended() && Date.now() < deadline) {
    const status = server.output().includes(line)
      ? await fetch(url).then(
          ({ status }) => status,
          () => 0,
        )
      : 0;
    if (status === 200) return true;
    await sleep(25);
  }
  return false;
}

interface Start {
  readonly command: string;
  readonly port?: number | undefined;
  args(port: number): readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** A path that only this very process answers, or that is asked only after `line`: ports may be reused. */
  readonly path: string;
  readonly line?: string;
}

/** Starts a server that answers. Another process may take the free port first: then another one is tried. */
async function start({
  command,
  port: wanted,
  args,
  env,
  path,
  line,
}: Start): Promise<Omit<S3Server, keyof typeof credentials>> {
  for (let attempt = 1; ; attempt += 1) {
    const port = wanted ?? (await freePort());
    const endpoint = `http://127.0.0.1:${port}`;
    const server = await startGuarded(command, args(port), env);
    if (await answers(server, endpoint + path, line))
      return { endpoint, pid: server.pid, output: server.output, stop: server.stop };
    const ended = server.ended();
    await server.stop();
    if (ended && /address already in use/i.test(server.output()) && attempt < STARTS) continue;
    const what = ended ? 'ended before it answered' : `did not answer within ${READY_WITHIN_MS} ms`;
    throw new Error(`${command} ${what}. It said:\n${server.output()}`);
  }
}

/**
 * Starts versitygw, which checks signatures, checksums and conditions as S3 does. Rejects with what the server said if
 * it does not come up.
 */
export async function startVersitygw(options: VersitygwOptions = {}): Promise<S3Server> {
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'versitygw-')));
  const cleanUp = async () => {
    if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
  };
  const [buckets, sidecar] = [join(dir, 'buckets'), join(dir, 'sidecar')];
  for (const folder of [buckets, sidecar]) await mkdir(folder, { recursive: true });
  const health = `/health-${randomBytes(8).toString('hex')}`;
  const { virtualDomain, metadata, keepAlive, port } = options;
  const startWith = (kind: 'xattr' | 'sidecar') =>
    start({
      command: required('DANUBE_VERSITYGW'),
      port,
      args: (port) => [
        ...['--port', `127.0.0.1:${port}`, '--quiet', '--health', health],
        ...(keepAlive ? ['--keep-alive'] : []),
        ...(virtualDomain ? ['--virtual-domain', `${virtualDomain}:${port}`] : []),
        ...['posix', ...(kind === 'sidecar' ? ['--sidecar', sidecar] : []), buckets],
      ],
      env: { ROOT_ACCESS_KEY: credentials.accessKeyId, ROOT_SECRET_KEY: credentials.secretAccessKey },
      path: health,
    });
  try {
    const server = await startWith(metadata ?? 'xattr').catch((error: Error) => {
      if (metadata === undefined && error.message.includes('xattr check failed')) return startWith('sidecar');
      throw error;
    });
    const stop = async () => {
      await server.stop();
      await cleanUp();
    };
    return { ...credentials, ...server, stop };
  } catch (error) {
    await cleanUp();
    throw error;
  }
}

/** Starts moto, which keeps buckets in memory and accepts any credentials: a second reading of the API. */
export async function startMoto(): Promise<S3Server> {
  const server = await start({
    command: required('DANUBE_PYTHON'),
    args: (port) => ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)],
    env: { PYTHONUNBUFFERED: '1' },
    path: '/moto-api/',
    line: 'Running on',
  });
  return { ...credentials, ...server };
}
