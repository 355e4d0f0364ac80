import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

/** An exception in a judge: `name` is its class there, such as `ValidationException`. */
export class JudgeError extends Error {
  /** The stack there; may be empty. */
  readonly trace: string;

  constructor({ type, message, trace }: { type: string; message: string; trace: string }) {
    super(message);
    this.name = type;
    this.trace = trace;
  }
}

/**
 * A program that answers requests, one line of JSON for each, in order. Requests may be made at once; they wait for
 * each other. Close it, or the process stays.
 */
export interface JudgeProcess {
  request<T>(op: string, request?: object): Promise<T>;
  close(): Promise<void>;
}

type Child = ChildProcessByStdio<Writable, Readable, null>;

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export function startJudgeProcess(command: string, args: readonly string[]): JudgeProcess {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting: Waiting[] = [];
  answer(child, waiting);
  return {
    request: <T>(op: string, request: object = {}) =>
      new Promise<T>((resolve, reject) => {
        waiting.push({ resolve: (value) => resolve(value as T), reject });
        child.stdin.write(`${JSON.stringify({ op, ...request })}\n`);
      }),
    close: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve();
        child.once('close', () => resolve());
        child.stdin.end();
      }),
  };
}

function answer(child: Child, waiting: Waiting[]): void {
  createInterface({ input: child.stdout }).on('line', (line) => {
    const next = waiting.shift();
    const { result, error } = JSON.parse(line);
    if (error) next?.reject(new JudgeError(error));
    else next?.resolve(result);
  });
  let ended: Error | undefined;
  const fail = (error: Error) => {
    ended ??= error;
    for (const { reject } of waiting.splice(0)) reject(ended);
  };
  child.on('error', fail);
  child.stdin.on('error', fail);
  child.on('close', (code, signal) => fail(new Error(`the judge ended with ${code ?? signal}`)));
}
