import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** A process that ends with the one that started it, however that ends. */
export interface GuardedProcess {
  readonly pid: number;
  /** The last of what it wrote to stdout and stderr, at most 64 KiB. */
  output(): string;
  /** Whether it has ended. */
  ended(): boolean;
  /** Resolves when it has ended and its output is complete. */
  readonly whenEnded: Promise<void>;
  /** Kills it with SIGKILL and resolves when it is gone. More than once is fine. */
  stop(): Promise<void>;
}

/**
 * The shell waits for the process; beside it a guard reads from a pipe that only we hold the other end of. The kernel
 * closes our end when we die, even of SIGKILL: the guard's read ends, and it kills the process.
 */
const GUARD = `
exec 4<&0
"$@" </dev/null 3>&- 4<&- &
process=$!
echo $process >&3
exec 3>&-
(read -r _ <&4; kill -KILL $process) >/dev/null 2>&1 &
guard=$!
exec 4<&-
wait $process
kill $guard 2>/dev/null
`;

const OUTPUT_KEPT = 64 * 1024;

/** Starts `command` with `args`, and `env` on top of our environment. Resolves when it has a process id. */
export async function startGuarded(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<GuardedProcess> {
  const shell = spawn('sh', ['-c', GUARD, 'guard', command, ...args], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  let printed = '';
  let gone = false;
  const keep = (chunk: string): void => {
    printed = (printed + chunk).slice(-OUTPUT_KEPT);
  };
  const [stdin, stdout, stderr, pidPipe] = shell.stdio;
  for (const stream of [stdout, stderr]) stream?.setEncoding('utf8').on('data', keep);
  // The guard ends together with the process, which may be while we tell it to.
  stdin?.on('error', () => {});
  const whenEnded = once(shell, 'close').then(() => {
    gone = true;
  });
  const [line] = (await once(pidPipe as NodeJS.ReadableStream, 'data')) as [Buffer];
  return {
    pid: Number(line.toString()),
    output: () => printed,
    ended: () => gone,
    whenEnded,
    stop: async () => {
      stdin?.end();
      await whenEnded;
    },
  };
}
