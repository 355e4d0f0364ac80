// What is fetched or compiled once and kept: each in a folder of its own, outside the checkout, so that a fresh clone
// finds it again.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { run } from './toolchain.mjs';

/** The folder called `name`, in `$DANUBE_CACHE` or else in `danube-iceberg` among the user's caches. */
export function cacheFolder(name) {
  const cache =
    process.env.DANUBE_CACHE ??
    join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'danube-iceberg');
  return join(cache, name);
}

/** A folder named for what is in it: another content of `files` gives another folder. */
export function cacheFolderOf(kind, files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file));
  return cacheFolder(`${kind}-${hash.digest('hex').slice(0, 12)}`);
}

async function runStep({ command, args, attempts = 1, env = {} }) {
  let code = 1;
  for (let attempt = 1; attempt <= attempts && code !== 0; attempt += 1) {
    // What a tool says goes to stderr: stdout is for results.
    code = await run(command, args, { stdio: ['ignore', 2, 2], env: { ...process.env, ...env } });
  }
  return code;
}

/**
 * Makes the folder whole or not at all: it is filled under another name by the commands of `steps(draft)`, each tried
 * `attempts` times, since a network that fails once should not cost the run. What a step names as `leftovers` is removed
 * when all have run. Resolves with why it failed, or undefined.
 */
export async function fill(folder, steps) {
  if (existsSync(folder)) return undefined;
  const draft = `${folder}.draft-${process.pid}`;
  mkdirSync(draft, { recursive: true });
  try {
    const all = steps(draft);
    for (const step of all) {
      const code = await runStep(step);
      if (code !== 0) return `${step.command} ended with ${code}`;
    }
    for (const leftover of all.flatMap(({ leftovers = [] }) => leftovers))
      rmSync(leftover, { recursive: true, force: true });
    // Another process may have been faster, with the same result.
    if (!existsSync(folder)) renameSync(draft, folder);
    return undefined;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}
