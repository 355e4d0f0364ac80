// The launcher as a person or a supervisor meets it: npm start, then Ctrl-C on a terminal, SIGINT or SIGTERM to npm alone.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const undo of cleanUp.splice(0).reverse()) undo();
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

interface Started {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | NodeJS.Signals | null>;
  readonly ready: () => Promise<boolean>;
}

/** The environment of a person's shell: nothing of the test run that npm or vitest put there. */
function shellEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(npm_|VITEST|NODE_|DANUBE_|CI$|TEST$|INIT_CWD)/.test(name),
    ),
  );
}

async function npmStart(viaTerminal: boolean): Promise<Started> {
  const dataDir = mkdtempSync(join(tmpdir(), 'danube-launch-'));
  cleanUp.push(() => rmSync(dataDir, { recursive: true, force: true }));
  const [port, httpPort] = [await freePort(), await freePort()];
  const args = ['start', '--', '--data-dir', dataDir, '--broker-addr', `127.0.0.1:${port}`];
  args.push('--prom-exporter', `127.0.0.1:${httpPort}`);
  const line = `exec npm ${args.join(' ')}`;
  const child = viaTerminal
    ? // A pseudo-terminal of its own; script(1) ends with its command's code.
      spawn('script', ['--quiet', '--return', '--command', line, '/dev/null'], {
        cwd: ROOT,
        env: shellEnvironment(),
      })
    : spawn('npm', args, { cwd: ROOT, env: shellEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, 'close').then(
    ([code, signal]) => (code ?? signal) as number | NodeJS.Signals | null,
  );
  cleanUp.push(() => child.kill('SIGKILL'));
  const ready = () =>
    fetch(`http://127.0.0.1:${httpPort}/readyz`).then(
      (reply) => reply.ok,
      () => false,
    );
  const deadline = Date.now() + 120_000;
  while (!(await ready())) {
    if (child.exitCode !== null || Date.now() > deadline)
      throw new Error(`npm start did not get ready:\n${output}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { child, output: () => output, ended, ready };
}

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s to the pid of npm alone drains the broker and ends with 0',
  async (signal) => {
    const started = await npmStart(false);
    started.child.kill(signal);
    expect(await started.ended, started.output()).toBe(0);
    expect(await started.ready()).toBe(false);
  },
  180_000,
);

test('Ctrl-C on a terminal drains the broker and ends with 0', async () => {
  const started = await npmStart(true);
  started.child.stdin?.write('\x03');
  expect(await started.ended, started.output()).toBe(0);
  expect(await started.ready()).toBe(false);
}, 180_000);

test('SIGINT to the pid of npm alone drains the broker on a terminal too', async () => {
  const started = await npmStart(true);
  const children = readFileSync(`/proc/${started.child.pid}/task/${started.child.pid}/children`, 'utf8');
  process.kill(Number(children.trim()), 'SIGINT');
  expect(await started.ended, started.output()).toBe(0);
  expect(await started.ready()).toBe(false);
}, 180_000);
