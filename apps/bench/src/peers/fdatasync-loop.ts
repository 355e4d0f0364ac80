import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const exec = promisify(execFile);
// The C source is read from src also when the bench runs from dist.
const source = fileURLToPath(new URL('../src/peers/fdatasync-loop.c', import.meta.url));

/** Compiles the C loop, a driver, into `workDir`, which exists; needs a C compiler (`cc`) on PATH. */
export async function compileFdatasyncLoop(workDir: string): Promise<string> {
  const binary = join(workDir, 'fdatasync-loop');
  try {
    await exec('cc', ['-O2', '-o', binary, source]);
  } catch (cause) {
    throw new Error('This scenario compares with a C loop and needs a C compiler (cc) on PATH.', { cause });
  }
  return binary;
}
