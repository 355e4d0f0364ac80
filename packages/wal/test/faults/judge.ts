import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { openWal } from '../../src/index.ts';
import { payloadText } from './payload.ts';
import {
  isFill,
  isNewSegment,
  isRename,
  isSegment,
  isSync,
  isWrite,
  type SystemCall,
  type TracedRun,
  unescaped,
} from './strace.ts';

/** Where a fault struck: what the process was doing, and to what. */
export interface Hit {
  readonly phase: 'opening' | 'running' | 'closing';
  readonly target: 'segment' | 'new segment' | 'state' | 'version' | 'lock' | 'directory';
  readonly call: SystemCall;
}

/**
 * Holds every promise against what the process was told, what it asked of the kernel, and what is on disk now.
 * Throws an error that names the broken one. Opens the directory and appends to it.
 */
export async function judge(run: TracedRun): Promise<Hit[]> {
  try {
    const ended = run.exitCode === 0 && run.lines.at(-1) === 'end';
    assert(ended || (run.killed && !run.complaints), `the process ended with ${run.exitCode}`);
    const hits = locate(run);
    judgeAnswers(run, hits);
    judgeSystemCalls(run);
    await judgeDisk(run);
    return hits;
  } catch (error) {
    const faults = run.injected.map((call) => `${call.name}(${call.args.slice(0, 200)}) = ${call.result}`);
    throw new Error(
      [String(error), 'faults:', ...faults, 'said:', ...run.lines, run.complaints].join('\n  '),
      { cause: error },
    );
  }
}

function assert(condition: boolean, broken: string): asserts condition {
  if (!condition) throw new Error(broken);
}

function locate(run: TracedRun): Hit[] {
  const hits: Hit[] = [];
  let phase: Hit['phase'] = 'opening';
  for (const call of run.calls) {
    if (call.line === 'opening') phase = 'opening';
    else if (call.line?.startsWith('open ')) phase = 'running';
    else if (call.line === 'closing') phase = 'closing';
    // Directories above the log's are synced too, in case they are new.
    if (call.injected && (call.path.startsWith(dirname(run.dir)) || isAbove(call.path, run.dir)))
      hits.push({ phase, target: targetOf(call.path, run.dir), call });
  }
  return hits;
}

function isAbove(path: string, dir: string): boolean {
  return dir.startsWith(path === '/' ? path : `${path}/`);
}

function targetOf(path: string, dir: string): Hit['target'] {
  if (path === dir || isAbove(path, dir)) return 'directory';
  if (isSegment(path)) return 'segment';
  if (isNewSegment(path)) return 'new segment';
  const name = basename(path);
  if (name.startsWith('state')) return 'state';
  if (name.startsWith('VERSION')) return 'version';
  assert(name.startsWith('lock.db'), `a fault struck ${path}`);
  return 'lock';
}

/** Must the log stop? */
function consequence({ target, call }: Hit): 'stops' | 'goes on' {
  if (call.error === undefined) return 'goes on'; // a short write
  if (call.name.startsWith('unlink')) return 'goes on'; // what should go was durably given up before
  if (call.name === 'openat' && call.path.endsWith('.next.tmp')) return 'goes on'; // tried again when it is needed
  const asksForRoom = isWrite(call) || call.name === 'openat';
  if (call.error !== 'ENOSPC' || !asksForRoom) return 'stops';
  return target === 'segment' || target === 'new segment' ? 'goes on' : 'stops';
}

/** What the callers were told fits the fault. */
function judgeAnswers(run: TracedRun, hits: readonly Hit[]): void {
  const met = hits.filter((hit) => hit.phase !== 'opening');
  // After a failure in the background that was the last thing to happen there was nobody to tell.
  const tellable = ({ call }: Hit) =>
    run.calls.slice(run.calls.indexOf(call)).some(({ line }) => line && line !== 'end');
  const fatal = met.find((hit) => consequence(hit) === 'stops' && tellable(hit));
  const errors = run.lines.filter((line) => line.startsWith('error ')).map((line) => line.split(' '));
  const failures = errors.filter(([, , , code]) => code === 'WAL_FAILED');
  if (fatal) {
    assert(failures.length > 0, `${fatal.call.name} failed on the ${fatal.target} and nobody was told`);
    const causes = failures.map(([, , , , cause]) => cause);
    assert(
      causes.every((cause) => cause === fatal.call.error),
      `WAL_FAILED because of ${causes}, not of ${fatal.call.error}`,
    );
  } else assert(failures.length === 0, 'the log stopped though it need not');
  const undeleted = met.some(({ call }) => call.name.startsWith('unlink'));
  for (const [, what, , code] of errors) {
    const known =
      code === 'WAL_FAILED' ||
      (code === 'WAL_NO_SPACE' && what !== 'close') ||
      (code === 'WAL_IO_ERROR' && what === 'truncate' && undeleted);
    assert(known, `${what} was told ${code}`);
  }
  assert(
    errors.filter(([, , , code]) => code === 'WAL_NO_SPACE').length <= hits.length,
    'a full disk was reported again when there was room',
  );

  const failedAt = run.lines.findIndex((line) => / WAL_FAILED /.test(line));
  const closingAt = run.lines.indexOf('closing');
  if (failedAt >= 0 && (closingAt < 0 || failedAt < closingAt)) {
    const probes = run.lines.filter((line) => line.startsWith('probe '));
    assert(probes.length > 0, 'the failed log was not probed');
    for (const probe of probes) assert(probe.endsWith(' WAL_FAILED'), `after the failure: ${probe}`);
    const rest = run.lines.slice(failedAt, closingAt < 0 ? undefined : closingAt);
    assert(!rest.some((line) => line.startsWith('ack ')), 'a failed log acknowledged');
  }

  // Opening: the error fits, and the next try works.
  const openFaults = hits.filter((hit) => hit.phase === 'opening' && hit.call.error !== undefined);
  const refusals = run.lines.filter((line) => line.startsWith('open-failed ')).map((line) => line.split(' '));
  assert(refusals.length <= openFaults.length, 'opening failed without a fault');
  for (const [i, [, code]] of refusals.entries()) {
    const { call } = openFaults[i]!;
    const wanted = call.error === 'ENOSPC' ? 'WAL_NO_SPACE' : 'WAL_IO_ERROR';
    assert(code === wanted, `opening met ${call.error} in ${call.name} of ${call.path} and said ${code}`);
  }
}

/** Order of the system calls: nothing is called durable before it is, and nothing is tried again. */
function judgeSystemCalls(run: TracedRun): void {
  /** Files with bytes written and not synced since. */
  let dirty = new Set<string>();
  let unsyncedNames = new Set<string>();
  /** Files whose last sync, or synchronous write, failed. */
  let poisoned = new Map<string, SystemCall>();
  /** Where a write failed or stopped short, until it is made up for. */
  let unwritten = new Map<string, { from: number; call: SystemCall }>();
  let unrenamed: SystemCall | undefined;
  /** A segment was written since the process last asked for that. */
  let written = false;
  let toldOfFailure = false;
  let lateWrites = 0;
  let lateSyncs = 0;
  let lateCuts = 0;
  let lateCommits = 0;
  for (const call of run.calls) {
    const { line, path } = call;
    if (line !== undefined) {
      // Closing a log that has failed promises nothing.
      const closed = line === 'closed' && !toldOfFailure;
      if (closed || /^(ack .* true|synced .*|rotated)$/.test(line))
        assert(dirty.size === 0, `"${line}" while ${[...dirty]} was written and not synced`);
      if (closed || /^(ack .* true|synced .*|rotated|truncated .*)$/.test(line))
        assert(unsyncedNames.size === 0, `"${line}" while the name of ${[...unsyncedNames]} was not synced`);
      if (line.startsWith('try ')) written = false;
      if (line.startsWith('ack ')) {
        const [[path, { call: failed }] = ['', {}]] = unwritten;
        assert(
          failed === undefined,
          `"${line}" after ${failed?.name} on ${path} had failed, followed by no other`,
        );
        assert(written, `"${line}" before anything was written`);
        assert(unrenamed === undefined, `"${line}" after ${unrenamed?.name}${unrenamed?.args} had failed`);
      }
      if (/ WAL_FAILED /.test(line)) toldOfFailure = true;
      if (line === 'opening') {
        toldOfFailure = false;
        lateWrites = 0;
        lateSyncs = 0;
        lateCuts = 0;
        lateCommits = 0;
        poisoned = new Map();
        dirty = new Set();
        unsyncedNames = new Set();
        unwritten = new Map();
        unrenamed = undefined;
      }
      continue;
    }
    if (!path.startsWith(run.dir) || basename(path).startsWith('lock.db')) continue;
    if (call.name.startsWith('unlink') && isSegment(path) && call.result === 0) unsyncedNames.add(path);
    const changes = isWrite(call) || isSync(call) || isRename(call) || call.name === 'ftruncate';
    if (!changes) continue;
    // A file being prepared to become a segment concerns nobody as long as it does not become one.
    // One commit, one sync and one cut may have been handed to the kernel when something in the background failed.
    const late =
      toldOfFailure &&
      isSegment(path) &&
      ((isWrite(call) && lateWrites++ === 0) ||
        (isSync(call) && lateSyncs++ === 0) ||
        (call.name === 'ftruncate' && lateCuts++ === 0));
    assert(
      !toldOfFailure || late || (isNewSegment(path) && !isRename(call)),
      `the failed log did ${call.name} on ${path}`,
    );
    // Nobody waits for filler to be anywhere, as long as what follows takes its failure for the log's.
    if (isFill(call) && call.result >= 0) continue;
    const syncs = isSync(call) || (isWrite(call) && call.dsync);
    const before = poisoned.get(path);
    // The sync of filler failed while a commit was on its way through a descriptor of its own.
    const beside = before?.name === 'fdatasync' && isWrite(call) && lateCommits++ === 0;
    assert(
      before === undefined || !syncs || beside,
      `${call.name} on ${path} after ${before?.name} on it had failed with ${before?.error}`,
    );
    if (call.result < 0) {
      const harmless = isWrite(call) && call.error === 'ENOSPC';
      if (syncs && !harmless) poisoned.set(path, call);
    } else if (isWrite(call)) {
      if (!call.dsync) dirty.add(path);
    } else if (call.name === 'fdatasync' || path !== run.dir) dirty.delete(path);
    if (call.result >= 0) {
      if (isRename(call)) {
        const [from, to] = renamed(call);
        if (dirty.delete(from)) dirty.add(to);
        unsyncedNames.add(to);
      } else if (isSync(call) && path === run.dir) unsyncedNames.clear();
    }
    if (isRename(call)) unrenamed = call.result < 0 ? call : undefined;
    if (isSegment(path)) {
      if (call.name === 'ftruncate') unwritten.delete(path);
      else if (isWrite(call) && !isFill(call)) {
        const { position, length } = extent(call);
        const done = position + Math.max(0, call.result);
        const missing = unwritten.get(path);
        assert(
          missing === undefined || position <= missing.from,
          `${call.name} at ${position} though ${missing?.call.name} had ended at ${missing?.from}`,
        );
        if (done < position + length) unwritten.set(path, { from: done, call });
        else unwritten.delete(path);
        written ||= call.result > 0;
      }
    }
  }
}

/** Where and how much a call was asked to write. */
export function extent(call: SystemCall): { position: number; length: number } {
  if (!isWrite(call)) return { position: -1, length: -1 };
  const [, count, position] = /, (\d+), (\d+)(?:, \w+)?$/.exec(call.args)!.map(Number) as [
    number,
    number,
    number,
  ];
  if (call.name === 'pwrite64') return { position, length: count };
  const parts = [...call.args.matchAll(/iov_len=(\d+)/g)].map(([, length]) => Number(length));
  return { position, length: parts.reduce((sum, length) => sum + length, 0) };
}

function renamed(call: SystemCall): [string, string] {
  const paths = [...call.args.matchAll(/"([^"]*)"/g)].map(([, path]) => path!);
  return [paths[0]!, paths[1]!];
}

/** What the disk holds now: everything acknowledged, whole, in order, once, and nothing that was refused. */
async function judgeDisk(run: TracedRun): Promise<void> {
  keepTheWordOfShortWrites(run);
  /** Appends that were acknowledged, and those whose outcome nobody was told. */
  const acked = new Map<number, { first: number; count: number }>();
  const open = new Set<number>();
  const allowedFirst = new Set([0]);
  let epoch = 0;
  for (const [kind, ...words] of run.lines.map((line) => line.split(' '))) {
    if (kind === 'try') open.add(Number(words[0]));
    else if (kind === 'ack') {
      open.delete(Number(words[0]));
      const [number, first, count] = words.map(Number) as [number, number, number];
      acked.set(number, { first, count });
    } else if (kind === 'error' && words[2] !== 'WAL_FAILED') open.delete(Number(words[1]));
    else if (kind === 'truncating') allowedFirst.add(Number(words[0]));
    else if (kind === 'truncated') {
      allowedFirst.clear();
      allowedFirst.add(Number(words[0]));
    } else if (kind === 'open') {
      assert(Number(words[0]) > epoch, `epoch ${words[0]} came after ${epoch}`);
      epoch = Number(words[0]);
    }
  }
  let wal = await openWal({ dir: run.dir });
  try {
    assert(wal.epoch > epoch, `epoch ${wal.epoch} was given twice`);
    assert(
      allowedFirst.has(wal.firstOffset),
      `the log begins at ${wal.firstOffset}, not at ${[...allowedFirst]}`,
    );
    const found: { number: number; index: number }[] = [];
    for await (const batch of wal.read({ from: wal.firstOffset })) {
      for (const { offset, payload } of batch) {
        const text = Buffer.from(payload).toString('latin1');
        const [number, index] = text.split(' ', 2).map(Number) as [number, number];
        assert(text === payloadText(number, index, text.length), `offset ${offset} holds other bytes`);
        assert(offset === wal.firstOffset + found.length, `offset ${offset} comes after a gap`);
        assert(
          acked.has(number) || open.has(number),
          `phantom: append ${number} at ${offset} had been refused`,
        );
        found.push({ number, index });
      }
    }
    for (const [number, { first, count }] of acked) {
      for (let index = 0; index < count; index++) {
        const at = first + index - wal.firstOffset;
        if (at < 0) continue;
        const same = found[at]?.number === number && found[at]?.index === index;
        assert(same, `append ${number}, acknowledged at ${first + index}, is not there`);
      }
    }
    for (const [i, { number, index }] of found.entries()) {
      const previous = found[i - 1];
      const follows =
        index === 0 ? previous === undefined || number > previous.number : previous?.number === number;
      assert(
        follows,
        `offset ${wal.firstOffset + i} holds append ${number}.${index} after ${previous?.number}`,
      );
    }
    const next = wal.nextOffset;
    assert(
      (await wal.append({ type: 1, payload: Buffer.from('1 0 14 1.0;1.0') })).offset === next,
      'wrong offset',
    );
    await wal.close();
    wal = await openWal({ dir: run.dir });
    assert(
      wal.recovery.cleanShutdown && wal.nextOffset === next + 1,
      'reopening after the fault is not clean',
    );
  } finally {
    await wal.close();
  }
}

/** An injected short write took nothing at all. Here the disk is made to hold what it had said it took. */
function keepTheWordOfShortWrites(run: TracedRun): void {
  for (const [at, call] of run.calls.entries()) {
    if (!call.injected || call.error !== undefined || !isWrite(call)) continue;
    const { position } = extent(call);
    let path = call.path;
    let overwritten = false;
    for (const later of run.calls.slice(at + 1)) {
      if (isRename(later) && later.result === 0 && renamed(later)[0] === path) path = renamed(later)[1];
      if (!isWrite(later) || later.path !== path) continue;
      const other = extent(later);
      if (other.position < position + call.result && position < other.position + later.result)
        overwritten = true;
    }
    if (overwritten || !existsSync(path)) continue;
    const printed = [...call.args.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text]) => unescaped(text!));
    const bytes = Buffer.concat(printed).subarray(0, call.result);
    const file = openSync(path, 'r+');
    writeSync(file, bytes, 0, bytes.length, position);
    closeSync(file);
  }
}
