// The Python environment of the interop and s3 tiers: independent readers, clients and servers that judge us.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolderOf } from './cache-folder.mjs';
import { say } from './stages.mjs';
import { ROOT, run } from './toolchain.mjs';

const REQUIREMENTS = join(ROOT, 'test', 'interop', 'requirements.txt');

/** The first Python >= 3.11 that can make a virtual environment. */
function systemPython() {
  const probe = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))';
  return ['python3', 'python3.13', 'python3.12', 'python3.11'].find(
    (name) => spawnSync(name, ['-c', probe], { stdio: 'ignore' }).status === 0,
  );
}

/** Returns the interpreter of a complete environment, or a sentence saying why there is none. */
export async function interopPython() {
  const folder = cacheFolderOf('interop', [REQUIREMENTS]);
  const python = join(folder, 'bin', 'python');
  const complete = join(folder, 'complete');
  if (existsSync(complete)) return { python };
  const base = systemPython();
  if (base === undefined)
    return {
      reason: 'no Python 3.11 or later with venv was found (on Debian: apt-get install python3-venv)',
    };
  say(
    `Installing PyIceberg, DuckDB, moto and the Danube Python client into ${folder} (about 1.1 GB, kept for later runs)`,
  );
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [command, args] of [
    [base, ['-m', 'venv', folder]],
    [python, ['-m', 'pip', 'install', '--quiet', '--retries', '5', '-r', REQUIREMENTS]],
  ]) {
    // A network that fails once should not cost the run.
    let code = await run(command, args, { stdio: ['ignore', 2, 2] });
    if (code !== 0) code = await run(command, args, { stdio: ['ignore', 2, 2] });
    if (code !== 0) return { reason: `${command} ${args.slice(0, 3).join(' ')} … ended with ${code}` };
  }
  mkdirSync(complete);
  return { python };
}
