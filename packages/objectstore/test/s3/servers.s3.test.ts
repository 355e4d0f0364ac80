import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, writeFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { GetObjectCommand, PutObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { tempDir } from '../local/helpers.ts';
import { startGuarded } from '../support/guarded-process.ts';
import { createBucket, s3Client } from '../support/s3-client.ts';
import { type S3Server, startMoto, startVersitygw } from '../support/s3-servers.ts';

async function started(server: Promise<S3Server>): Promise<S3Server> {
  const running = await server;
  onTestFinished(() => running.stop());
  return running;
}

function clientOf(...args: Parameters<typeof s3Client>): S3Client {
  const client = s3Client(...args);
  onTestFinished(() => client.destroy());
  return client;
}

/** The status and code that the server refused a request with; `done` if it did not. */
async function refusal(request: Promise<unknown>): Promise<string> {
  try {
    await request;
    return 'done';
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error;
    return `${error.$metadata.httpStatusCode} ${error.name}`;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // ESRCH: there is no such process.
  }
}

async function untilGone(pid: number): Promise<void> {
  while (isRunning(pid)) await sleep(20);
}

const put = (body: string) =>
  new PutObjectCommand({ Bucket: 'judged', Key: 'a/b c', Body: body, IfNoneMatch: '*' });
const get = new GetObjectCommand({ Bucket: 'judged', Key: 'a/b c' });

describe.each([
  ['versitygw', () => startVersitygw()],
  ['versitygw with its metadata in files', () => startVersitygw({ metadata: 'sidecar' })],
  ['moto', () => startMoto()],
])('%s', (_, start) => {
  test('refuses a second conditional put with 412 and keeps the first; of 8 at once one is accepted', async () => {
    const server = await started(start());
    await createBucket(server, 'judged');
    const client = clientOf(server);
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, (_, n) => refusal(client.send(put(`body ${n}`)))),
    );
    const winner = outcomes.indexOf('done');
    expect(outcomes.toSorted()).toEqual([...Array(7).fill('412 PreconditionFailed'), 'done']);
    expect(await refusal(client.send(put('late')))).toBe('412 PreconditionFailed');
    expect(await (await client.send(get)).Body?.transformToString()).toBe(`body ${winner}`);
  });
});

test('versitygw refuses a wrong secret, a body that is not the signed one, and an unknown key', async () => {
  const server = await started(startVersitygw());
  await createBucket(server, 'judged');
  const stranger = clientOf({ ...server, secretAccessKey: 'wrong' });
  expect(await refusal(stranger.send(put('x')))).toBe('403 SignatureDoesNotMatch');
  const unknown = clientOf({ ...server, accessKeyId: 'nobody' });
  expect(await refusal(unknown.send(put('x')))).toBe('404 XAdminUserNotFound');
  const damaged = new PutObjectCommand({ Bucket: 'judged', Key: 'k', Body: 'x', ChecksumCRC32: 'AAAAAA==' });
  expect(await refusal(clientOf(server).send(damaged))).toBe('400 BadDigest');
  expect(await refusal(clientOf(server).send(get))).toBe('404 NoSuchKey');
});

test('versitygw answers in virtual-host style when given a domain', async () => {
  const server = await started(startVersitygw({ virtualDomain: 'localhost' }));
  await createBucket(server, 'judged');
  const hosts: string[] = [];
  const httpAgent = new Agent({
    // Not every machine resolves names below localhost.
    lookup: (host, options, callback) => {
      hosts.push(host);
      if (options.all) callback(null, [{ address: '127.0.0.1', family: 4 }]);
      else callback(null, '127.0.0.1', 4);
    },
  });
  const endpoint = server.endpoint.replace('127.0.0.1', 'localhost');
  const client = clientOf({ ...server, endpoint }, { forcePathStyle: false, requestHandler: { httpAgent } });
  await client.send(put('body'));
  expect(await (await client.send(get)).Body?.transformToString()).toBe('body');
  expect(hosts).toContain('judged.localhost');
});

test.each([
  [undefined, 3],
  [true, 1],
])(
  'versitygw with keepAlive %s serves three requests over %i connections',
  async (keepAlive, connections) => {
    const server = await started(startVersitygw(keepAlive === undefined ? {} : { keepAlive }));
    await createBucket(server, 'judged');
    const httpAgent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set<number | undefined>();
    const createConnection = httpAgent.createConnection.bind(httpAgent);
    httpAgent.createConnection = (options, callback) => {
      const socket = createConnection(options, callback) as Socket;
      socket.once('connect', () => ports.add(socket.localPort));
      return socket;
    };
    const client = clientOf(server, { requestHandler: { httpAgent } });
    await client.send(put('body'));
    for (let n = 0; n < 2; n += 1) await (await client.send(get)).Body?.transformToString();
    expect(ports.size).toBe(connections);
  },
);

test('a directory given to versitygw outlives it with its buckets; one of its own does not', async () => {
  const dir = await tempDir();
  const first = await started(startVersitygw({ dir }));
  await createBucket(first, 'judged');
  await clientOf(first).send(put('body'));
  await first.stop();
  expect(isRunning(first.pid)).toBe(false);
  const second = await started(startVersitygw({ dir }));
  expect(await (await clientOf(second).send(get)).Body?.transformToString()).toBe('body');
});

/** Until the end of the test, the path of versitygw is that of a shell script. */
async function insteadOfVersitygw(script: string): Promise<void> {
  const before = process.env['DANUBE_VERSITYGW'];
  onTestFinished(() => {
    process.env['DANUBE_VERSITYGW'] = before;
  });
  const file = join(await tempDir(), 'versitygw');
  await writeFile(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  process.env['DANUBE_VERSITYGW'] = file;
}

const versitygw = process.env['DANUBE_VERSITYGW'];

test('a server that cannot start rejects with what it said', async () => {
  // It is told to speak TLS with a certificate that is none.
  await insteadOfVersitygw(`exec '${versitygw}' --cert "$0" --key "$0" "$@"`);
  await expect(startVersitygw()).rejects.toThrow(/ended before it answered\. It said:\n.*tls: /s);
});

test('a server whose port was taken meanwhile is started on another one', async () => {
  const ran = join(await tempDir(), 'ran');
  // The first run is given its port twice, and fails as it does when another process has the port.
  const firstRun = `touch '${ran}'; exec '${versitygw}' --port "$2" "$@"`;
  await insteadOfVersitygw(`[ -e '${ran}' ] || { ${firstRun}; }\nexec '${versitygw}' "$@"`);
  const server = await started(startVersitygw());
  await access(ran);
  await createBucket(server, 'judged');
});

// Goal: no server is left behind, whatever ends the process that started it.
test('servers are gone soon after the process that started them was killed with SIGKILL', async () => {
  const script = fileURLToPath(new URL('./server-holder.ts', import.meta.url));
  const holder = spawn(process.execPath, [script, await tempDir()], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(holder.stdout, 'data')) as [Buffer];
  const pids = line.toString().trim().split(' ').map(Number);
  expect(pids).toHaveLength(2);
  expect(pids.every(isRunning)).toBe(true);
  holder.kill('SIGKILL');
  await Promise.all(pids.map(untilGone));
});

test('a guarded process that ends by itself leaves no guard behind', async () => {
  const guarded = await startGuarded('sh', ['-c', 'echo out; echo err >&2; exit 3']);
  await guarded.whenEnded;
  expect(guarded.ended()).toBe(true);
  expect(guarded.output().split('\n').toSorted()).toEqual(['', 'err', 'out']);
  await guarded.stop();
});
