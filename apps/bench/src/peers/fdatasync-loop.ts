import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const exec = promisify(execFile);
// The C source is read from src also when the bench runs from dist.
const source = fileURLToPath(new URL('../src/peers/fdatasync-loop.c', import.meta.url));

/** Compiles the C loop into `workDir`, which exists; needs a C compiler (`cc`) on PATH. */
export async function compileFdatasyncLoop(workDir: string): Promise<string> {
  const binary = join(workDir, 'fdatasync-loop');
  try {
    await exec('cc', ['-O2', '-o', binary, source]);
  } catch (cause) {
    throw new Error('This scenario compares with a C loop and needs a C compiler (cc) on PATH.', { cause });
  }
  return binary;
}

/** Latencies in milliseconds of `count` write+fdatasync pairs of `bytes` each, on the disk of `workDir`. */
export async function runFdatasyncLoop(
  binary: string,
  workDir: string,
  count: number,
  bytes: number,
): Promise<number[]> {
  const file = join(workDir, 'fdatasync-loop.data');
  const { stdout } = await exec(binary, [file, String(count), String(bytes)], { maxBuffer: 64 << 20 });
  await rm(file, { force: true });
  return stdout
    .trim()
    .split('\n')
    .map((line) => Number(line) / 1e6);
}
