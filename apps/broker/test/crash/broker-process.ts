// A broker as a child process: started from source, watched through its own log, stopped or killed by pid.
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { KillOrder } from './watch-and-kill.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const WATCHER = fileURLToPath(new URL('./watch-and-kill.ts', import.meta.url));

/** A loopback port nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** One line of the broker's JSON log. */
export type LogLine = Readonly<Record<string, unknown>>;

export interface BrokerProcessOptions {
  readonly dataDir: string;
  readonly port: number;
  readonly httpPort: number;
  readonly configFile?: string;
  readonly logLevel?: string;
  /** Called for each line of the log as it arrives. */
  readonly onLog?: (line: LogLine) => void;
}

export class BrokerProcess {
  readonly #child: ChildProcess;
  readonly #watcher: ChildProcess;
  readonly #exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly #tail: string[] = [];

  private constructor(options: BrokerProcessOptions) {
    const args = ['start', '--data-dir', options.dataDir, '--broker-addr', `127.0.0.1:${options.port}`];
    args.push('--prom-exporter', `127.0.0.1:${options.httpPort}`);
    if (options.configFile !== undefined) args.push('--config-file', options.configFile);
    const env = { ...process.env, DANUBE_LOG_LEVEL: options.logLevel ?? 'info' };
    this.#watcher = fork(WATCHER, { execArgv: [], stdio: ['pipe', 'pipe', 'inherit', 'ipc'] });
    const { stdin, stdout } = this.#watcher;
    if (stdin === null || stdout === null) throw new Error('no pipes');
    this.#child = spawn(process.execPath, ['--conditions=@danube/source', MAIN, ...args], {
      env,
      stdio: ['ignore', 'ignore', stdin],
    });
    stdin.destroy(); // The broker holds the writing end now; the watcher ends with it.
    const lines = createInterface({ input: stdout });
    this.#exited = Promise.all([once(this.#child, 'exit'), once(lines, 'close')]).then(() => ({
      code: this.#child.exitCode,
      signal: this.#child.signalCode,
    }));
    lines.on('line', (text) => {
      this.#tail.push(text);
      if (this.#tail.length > 50) this.#tail.shift();
      try {
        options.onLog?.(JSON.parse(text) as LogLine);
      } catch {
        // Not every line is JSON: a crash of Node.js itself prints plain text, kept in the tail.
      }
    });
  }

  /** Resolves once the broker answers on /readyz; rejects with the end of its log when it exits before. */
  static async start(options: BrokerProcessOptions): Promise<BrokerProcess> {
    const broker = new BrokerProcess(options);
    const deadline = Date.now() + 30_000;
    while (Date.now() < deadline) {
      if (broker.#child.exitCode !== null || broker.#child.signalCode !== null) break;
      const ready = await fetch(`http://127.0.0.1:${options.httpPort}/readyz`).then(
        (reply) => reply.ok,
        () => false,
      );
      if (ready) return broker;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await broker.kill();
    throw new Error(`The broker was not ready:\n${broker.#tail.join('\n')}`);
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('never started');
    return this.#child.pid;
  }

  /** kill -9; resolves when the process is gone and its log is read to the end. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  /** Nothing of a test that fails may go on beside the next one. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  /** kill -9 when `phase` begins, or after `timeoutMs` if it does not; resolves like {@link kill}. */
  async killIn(phase: string, delayMs: number, timeoutMs: number): Promise<void> {
    const order: KillOrder = { pid: this.pid, phase, delayMs };
    this.#watcher.send(order);
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), timeoutMs);
    await this.#exited;
    clearTimeout(timer);
  }

  /** SIGTERM; resolves with the exit code once the broker has drained. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    const { code } = await this.#exited;
    if (code !== 0) throw new Error(`The broker ended with ${code}:\n${this.#tail.join('\n')}`);
    return code;
  }
}
