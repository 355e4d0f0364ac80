import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One system call of the traced process, in the order in which they ended. */
export interface SystemCall {
  readonly thread: string;
  readonly name: string;
  /** As strace printed them. */
  readonly args: string;
  /** Of the first descriptor or path among the arguments. */
  readonly path: string;
  /** Made through a descriptor that syncs as it writes. */
  readonly dsync: boolean;
  readonly result: number;
  readonly error: string | undefined;
  readonly injected: boolean;
  /** What the process printed, if this call printed it. */
  readonly line: string | undefined;
}

/** How the workload ends: without closing, after closing, or after opening once more. */
export type Ending = 'abandon' | 'close' | 'reopen';

export interface TracedRun {
  readonly dir: string;
  readonly calls: readonly SystemCall[];
  readonly lines: readonly string[];
  readonly exitCode: number | null;
  readonly killed: boolean;
  readonly complaints: string;
  readonly injected: readonly SystemCall[];
}

const TRACED = [
  ...['openat', 'pwrite64', 'pwritev', 'pwritev2', 'fdatasync', 'fsync', 'ftruncate'],
  ...['rename', 'renameat', 'renameat2', 'unlink', 'unlinkat', 'write'],
].join(',');

export const packageSource = new URL('../../src/index.ts', import.meta.url).href;

const workload = fileURLToPath(new URL('./workload.ts', import.meta.url));
const cache = mkdtempSync(join(tmpdir(), 'wal-faults-cache-'));
process.once('exit', () => rmSync(cache, { recursive: true, force: true }));

/** Most of a child's time would go into compiling the same files: done once a source, before anything is traced. */
const compiled = new Map<string, Promise<unknown>>();
function compile(source: string, env: NodeJS.ProcessEnv): Promise<unknown> {
  let known = compiled.get(source);
  if (!known) {
    const dir = mkdtempSync(join(cache, 'log-'));
    known = runChild(
      process.execPath,
      nodeArguments(source, dir, 'always', 'reopen'),
      join(dir, 'said'),
      env,
    );
    compiled.set(source, known);
  }
  return known;
}

const nodeArguments = (...args: readonly string[]) => ['--conditions=@danube/source', workload, ...args];

/**
 * Runs the workload over `dir` under strace. `injections` as in `strace -e inject=`; strace counts `when=` per thread,
 * hence the single worker thread, and sees nothing that goes through io_uring, hence the environment.
 */
export async function traced(options: {
  readonly dir: string;
  readonly mode: string;
  readonly injections: readonly string[];
  /** Trace and fault only what touches these; everything without it. */
  readonly paths?: readonly string[];
  readonly ending?: Ending;
  /** How many bytes of filler the log keeps ahead of its end; none by default, so that every write is one of records. */
  readonly preallocateBytes?: number;
  readonly source?: string;
}): Promise<TracedRun> {
  const { dir, mode, injections, paths = [], ending = 'abandon', source = packageSource } = options;
  const ahead = String(options.preallocateBytes ?? 0);
  const folder = mkdtempSync(join(tmpdir(), 'wal-trace-'));
  const log = join(folder, 'log');
  // A file, because strace can be told its name.
  const said = join(folder, 'said');
  const { UV_USE_IO_URING: _, ...inherited } = process.env;
  const env = { ...inherited, UV_THREADPOOL_SIZE: '1', NODE_COMPILE_CACHE: cache };
  try {
    await compile(source, env);
    const { exitCode, signal, complaints } = await inTurn(() =>
      runChild(
        'strace',
        [
          ...['-f', '-y', '-s', '1000', '-o', log, '-e', `trace=${TRACED}`, '-e', 'signal=none'],
          ...(paths.length > 0 ? [said, ...paths] : []).flatMap((path) => ['-P', path]),
          ...injections.flatMap((injection) => ['-e', `inject=${injection}`]),
          ...[process.execPath, ...nodeArguments(source, dir, mode, ending, ahead)],
        ],
        said,
        env,
      ),
    );
    const calls = parseTrace(readFileSync(log, 'latin1'));
    return {
      ...{
        dir,
        calls,
        exitCode,
        complaints,
        killed: signal === 'SIGKILL',
        lines: readFileSync(said, 'utf8').split('\n').slice(0, -1),
      },
      injected: calls.filter((call) => call.injected),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runChild(
  command: string,
  args: readonly string[],
  output: string,
  env: NodeJS.ProcessEnv,
): Promise<{ exitCode: number | null; signal: NodeJS.Signals | null; complaints: string }> {
  return new Promise((resolve, reject) => {
    const stdout = openSync(output, 'w');
    const child = spawn(command, args, { stdio: ['ignore', stdout, 'pipe'], env, timeout: 30_000 });
    closeSync(stdout);
    let complaints = '';
    child.stderr!.on('data', (data) => {
      complaints += data;
    });
    child.on('error', reject);
    child.on('close', (exitCode, signal) => resolve({ exitCode, signal, complaints }));
  });
}

/** More children than cores would only make all of them slow. */
const AT_ONCE = 2;
let running = 0;
const waiting: (() => void)[] = [];
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  else running += 1;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}

export function parseTrace(text: string): SystemCall[] {
  const calls: SystemCall[] = [];
  const unfinished = new Map<string, string>();
  const dsync = new Set<string>();
  for (const row of text.split('\n')) {
    const [, thread, rest] = /^(\d+)\s+(.*)$/.exec(row) ?? [];
    if (thread === undefined || rest === undefined) continue;
    if (rest.endsWith(' <unfinished ...>')) {
      unfinished.set(thread, rest.slice(0, -' <unfinished ...>'.length));
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)?.[1];
    const whole = resumed === undefined ? rest : (unfinished.get(thread) ?? '') + resumed;
    const [, name, args, result, error, note] =
      /^(\w+)\((.*)\)\s+= (-?\d+)(?:<[^>]*>)?(?: (E[A-Z]+) \([^)]*\))?( \(INJECTED\))?/.exec(whole) ?? [];
    if (name === undefined || args === undefined) continue;
    const descriptor = /^(\d+)</.exec(args)?.[1];
    if (name === 'openat') {
      if (/\bO_D?SYNC\b/.test(args)) dsync.add(result!);
      else dsync.delete(result!);
    }
    calls.push({
      ...{ thread, name, args },
      path: /^\d+<([^>]*)>/.exec(args)?.[1] ?? /"([^"]*)"/.exec(args)?.[1] ?? '',
      dsync: descriptor !== undefined && dsync.has(descriptor),
      result: Number(result),
      error,
      injected: note !== undefined,
      line: name === 'write' ? /^1<[^>]*>, "(.*)\\n", \d+$/.exec(args)?.[1] : undefined,
    });
  }
  return calls;
}

/** The bytes of a buffer as strace printed them: C escapes, the first `-s` of them. */
export function unescaped(text: string): Buffer {
  const named: Record<string, number> = { n: 10, t: 9, v: 11, f: 12, r: 13, '\\': 92, '"': 34 };
  const bytes: number[] = [];
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== '\\') {
      bytes.push(text.charCodeAt(i));
      continue;
    }
    const octal = /^[0-7]{1,3}/.exec(text.slice(i + 1))?.[0];
    bytes.push(octal === undefined ? named[text[i + 1]!]! : Number.parseInt(octal, 8));
    i += octal?.length ?? 1;
  }
  return Buffer.from(bytes);
}

export const isWrite = (call: SystemCall) => call.name.startsWith('pwrite');
/** Filler ahead of the records. */
export const isFill = (call: SystemCall) =>
  call.name === 'pwrite64' && isSegment(call.path) && /^\d+<[^>]*>, "~filler~/.test(call.args);
export const isSync = (call: SystemCall) => call.name === 'fdatasync' || call.name === 'fsync';
export const isRename = (call: SystemCall) => call.name.startsWith('rename');
/** A segment under its own name: what records go to. */
export const isSegment = (path: string) => /^\d{20}\.wal$/.test(basename(path));
/** A segment that has no records yet. */
export const isNewSegment = (path: string) => /^\d{20}\.wal\..*tmp$/.test(basename(path));
