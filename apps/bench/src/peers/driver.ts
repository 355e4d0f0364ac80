// The contract of every contender of the scenario `wal`: a program of its own, started as
// DRIVER DIR OUTSTANDING BYTES MILLISECONDS, that keeps OUTSTANDING appends of BYTES in flight in DIR, first for half
// of MILLISECONDS uncounted, then for MILLISECONDS, and prints one line of JSON.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const exec = promisify(execFile);

export interface DriverResult {
  /** Acknowledged within `seconds`. */
  readonly messages: number;
  readonly seconds: number;
  /** User and system time of the process that stores, all its threads; for NATS that is the server. */
  readonly cpuSeconds: number;
  /** From the append to its acknowledgement; for contenders handed whole batches, of a batch. */
  readonly latencyUs: { readonly p10: number; readonly p50: number; readonly p99: number };
  /**
   * Node.js drivers only. A utilization near 1 at one append in flight would mean that the event loop waits for the
   * disk. Delays include the 10 ms at which they are sampled.
   */
  readonly eventLoop?: {
    readonly utilization: number;
    readonly p99DelayMs: number;
    readonly maxDelayMs: number;
  };
}

/** How a contender is started; the four arguments of a cell are appended. */
export interface Driver {
  readonly command: string;
  readonly args?: readonly string[];
  readonly cwd?: string;
}

export interface DriverCell {
  readonly dir: string;
  readonly outstanding: number;
  readonly bytes: number;
  readonly milliseconds: number;
}

/** Far beyond what a cell takes: NATS syncing each of 4096 messages needs seconds for the first answer. */
const GRACE_MS = 60_000;

/** Runs one cell; rejects when the driver fails, hangs, or `signal` aborts. */
export async function runDriver(
  driver: Driver,
  cell: DriverCell,
  signal?: AbortSignal,
): Promise<DriverResult> {
  const cellArguments = [cell.dir, cell.outstanding, cell.bytes, cell.milliseconds].map(String);
  const { stdout } = await exec(driver.command, [...(driver.args ?? []), ...cellArguments], {
    timeout: GRACE_MS + 2 * cell.milliseconds,
    ...(driver.cwd && { cwd: driver.cwd }),
    ...(signal && { signal }),
  });
  return JSON.parse(stdout) as DriverResult;
}
