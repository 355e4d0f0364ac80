import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A run of a loop in `crash/` in a process of its own. */
export interface CommitLoop {
  readonly child: ChildProcess;
  /** Resolves when it has opened the catalog and waits for `go`. */
  readonly ready: Promise<void>;
  go(): void;
  /** Resolves when it has ended, with the whole lines it printed after `ready` and its exit code. */
  readonly ended: Promise<{ lines: string[]; code: number | null }>;
}

/** Starts one. */
export function startCommitLoop(
  dir: string,
  table: string,
  who: string,
  count: number,
  loop: 'commit-loop.ts' | 'transaction-loop.ts' = 'commit-loop.ts',
): CommitLoop {
  const script = fileURLToPath(new URL(`../crash/${loop}`, import.meta.url));
  const args = ['--conditions=@danube/source', script, dir, table, who, String(count)];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  let printed = '';
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      printed += chunk;
      if (printed.startsWith('ready\n')) resolve();
    });
    child.once('close', () => reject(new Error('the process ended before it was ready')));
  });
  const ended = (async () => {
    const [code] = (await once(child, 'close')) as [number | null];
    // The last line may have been cut by a kill.
    return { lines: printed.split('\n').slice(1, -1), code };
  })();
  const go = () => void child.stdin?.write('go\n');
  return { child, ready, go, ended };
}
