import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** Compiles `peers/NAME.c` into `workDir`, which exists; returns the program's path. Needs a C compiler (`cc`) on PATH. */
export async function compile(name: string, workDir: string): Promise<string> {
  // The C source is read from src also when the bench runs from dist.
  const source = fileURLToPath(new URL(`../src/peers/${name}.c`, import.meta.url));
  const binary = join(workDir, name);
  try {
    await exec('cc', ['-O2', '-o', binary, source]);
  } catch (cause) {
    throw new Error('This scenario compiles a C program and needs a C compiler (cc) on PATH.', { cause });
  }
  return binary;
}
