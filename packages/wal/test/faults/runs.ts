import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SystemCall, type TracedRun, traced } from './strace.ts';

export const modes = ['always', 'periodic', 'none'] as const;
export type Mode = (typeof modes)[number];

const root = mkdtempSync(join(tmpdir(), 'wal-faults-'));
process.once('exit', () => rmSync(root, { recursive: true, force: true }));

/** The path of a log that does not exist yet. */
export const newDirectory = () => join(mkdtempSync(join(root, 'run-')), 'log');

/** A traced run of the workload in a new directory. */
export const run = (options: Omit<Parameters<typeof traced>[0], 'dir'>) =>
  traced({ dir: newDirectory(), ...options });

const healthy = new Map<Mode, Promise<TracedRun>>();
export function healthyRun(mode: Mode): Promise<TracedRun> {
  let known = healthy.get(mode);
  if (!known) {
    known = run({ mode, injections: [], ending: 'close' });
    healthy.set(mode, known);
  }
  return known;
}

/** How many of these calls the worker thread of a healthy run makes before the one that is `reached`. */
export async function callsUntil(
  mode: Mode,
  name: string,
  reached: (call: SystemCall) => boolean,
): Promise<number> {
  const { calls } = await healthyRun(mode);
  const end = calls.findIndex(reached);
  const worker = calls.find((call) => call.name === 'fdatasync')!.thread;
  return calls.slice(0, end).filter((call) => call.thread === worker && call.name === name).length;
}

/** How many of these calls the worker thread makes before the log is open. */
export const callsToOpen = (mode: Mode, name: string) =>
  callsUntil(mode, name, (call) => call.line?.startsWith('open ') === true);
