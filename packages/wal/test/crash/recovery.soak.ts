// Opening logs of 64 MiB, 256 MiB and 1 GiB on the real disk, whose writer was killed: time, and peak memory of a fresh
// process, first with nothing of it in the page cache where that can be arranged, then from the cache. Fails when peak
// memory grows with the log. The argument is the size of the largest log in MiB.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FoundByRecovery } from './recovery-process.ts';
import { SoakResult, soakSize } from './soak-result.ts';

const LARGEST_MIB = 1024;
/** What the largest log may cost more than the smallest: room for the sparse index and for the collector's mood. */
const MAX_GROWTH_BYTES = 16 * 2 ** 20;
const WARM_RUNS = 5;

interface Opening extends FoundByRecovery {
  readonly mibPerSecond: number;
}

interface Piece {
  readonly mebibytes: number;
  readonly fileSystem: string;
  /** Absent where the page cache cannot be emptied: that needs root on Linux. */
  readonly cold?: Opening;
  /** The process that opens first after the kill also writes the unproven end again. */
  readonly warm: readonly Opening[];
}

const largest = soakSize(LARGEST_MIB);
const sizes = [largest / 16, largest / 4, largest].map((size) => Math.max(1, Math.round(size)));
const result = new SoakResult<Piece>('wal-recovery', largest, LARGEST_MIB);
const scratch = mkdtempSync(join(tmpdir(), 'wal-recovery-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
const program = plainProgram();

/**
 * The program and the package as plain JavaScript: stripping types takes a child tens of megabytes, in which what opening
 * needs would not show.
 */
function plainProgram(): string {
  const here = fileURLToPath(new URL('.', import.meta.url));
  const source = fileURLToPath(new URL('../../src/', import.meta.url));
  const target = join(scratch, 'program');
  mkdirSync(join(target, 'src'), { recursive: true });
  const copy = (from: string, to: string) => {
    const code = stripTypeScriptTypes(readFileSync(from, 'utf8'));
    writeFileSync(
      to,
      code.replaceAll(/((?:from |import\()'[^']+)\.ts'/g, "$1.mjs'").replaceAll('../../src/', './src/'),
    );
  };
  for (const name of readdirSync(source).filter((file) => /^[^.]+\.ts$/.test(file)))
    copy(join(source, name), join(target, 'src', name.replace(/ts$/, 'mjs')));
  copy(join(here, 'recovery-process.ts'), join(target, 'recovery-process.mjs'));
  return join(target, 'recovery-process.mjs');
}

function inChild(...args: string[]): string {
  const child = spawnSync(process.execPath, [program, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.signal !== 'SIGKILL') throw new Error(`${args.join(' ')} ended with ${child.status}`);
  return child.stdout;
}

function openOnce(dir: string, mebibytes: number): Opening {
  const found = JSON.parse(inChild('open', dir)) as FoundByRecovery;
  if (found.records * 1024 < mebibytes * 2 ** 20 * 0.9) throw new Error(`only ${found.records} records`);
  const mibPerSecond = Math.round(found.bytesScanned / 2 ** 20 / (found.openMs / 1000));
  return { ...found, openMs: Math.round(found.openMs), mibPerSecond };
}

function emptyPageCache(): boolean {
  try {
    execFileSync('sync');
    writeFileSync('/proc/sys/vm/drop_caches', '3');
    return true;
  } catch {
    return false; // not root, or not Linux: there is no cold figure then
  }
}

const fileSystems: Readonly<Record<number, string>> = { 61267: 'ext4', 1481003842: 'xfs', 16914836: 'tmpfs' };

function measure(mebibytes: number): Piece {
  const dir = mkdtempSync(join(scratch, 'log-'));
  try {
    inChild('write', dir, String(mebibytes));
    const cold = emptyPageCache() ? openOnce(dir, mebibytes) : undefined;
    const warm = Array.from({ length: WARM_RUNS }, () => openOnce(dir, mebibytes));
    const { type } = statfsSync(dir);
    const fileSystem = fileSystems[type] ?? `0x${type.toString(16)}`;
    return { mebibytes, fileSystem, ...(cold && { cold }), warm };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;
const mib = (bytes: number) => Math.round(bytes / 2 ** 20);

function summarize(pieces: readonly Piece[]) {
  return pieces.map(({ mebibytes, cold, warm }) => ({
    mebibytes,
    coldMs: cold?.openMs ?? 'not measured: emptying the page cache needs root on Linux',
    coldMibPerSecond: cold?.mibPerSecond,
    warmMs: median(warm.map(({ openMs }) => openMs)),
    warmMibPerSecond: median(warm.map(({ mibPerSecond }) => mibPerSecond)),
    peakMib: mib(median(warm.map(({ peakBytes }) => peakBytes))),
    peakMibOfFirst: mib((cold ?? warm[0]!).peakBytes),
    peakMibBeforeOpening: mib(median(warm.map(({ peakBytesBefore }) => peakBytesBefore))),
  }));
}

for (const size of sizes) {
  if (result.pieces.some(({ mebibytes }) => mebibytes === size)) continue;
  result.add(measure(size), summarize);
  console.error(JSON.stringify(summarize(result.pieces).at(-1)));
}
// The first opening also rewrites; each kind is compared with its like.
const first = ({ cold, warm }: Piece) => (cold ?? warm[0]!).peakBytes;
const later = ({ warm }: Piece) => median(warm.map(({ peakBytes }) => peakBytes));
const smallest = result.pieces[0]!;
const grew = [first, later].map((peak) =>
  Math.max(...result.pieces.map((piece) => peak(piece) - peak(smallest))),
);
const flat = grew.every((bytes) => bytes <= MAX_GROWTH_BYTES);
console.log(
  `peak memory grew by ${grew.map(mib).join(' and ')} MiB from ${sizes[0]} MiB to ${sizes.at(-1)} MiB of log ` +
    `(at most ${mib(MAX_GROWTH_BYTES)} allowed); ${result.file}`,
);
process.exit(flat ? 0 : 1);
