import { homedir } from 'node:os';
import { relative } from 'node:path';

/** Where commands write; replaced in tests. */
export interface Terminal {
  /** Results, for people and pipes. */
  out(line: string): void;
  /** Progress and complaints. */
  err(text: string): void;
  /** Whether stderr is looked at by a person. */
  readonly interactive: boolean;
}

/** The process's own terminal. */
export function processTerminal(): Terminal {
  // A reader that has gone (`| head`, a closed terminal) must not end a broker that has something to drain.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  return {
    out: (line) => void process.stdout.write(`${line}\n`),
    err: (text) => void process.stderr.write(text),
    interactive: process.stderr.isTTY === true,
  };
}

/** How this program is called: by `npm start` through the launcher, or directly. */
export function programName(environment: Readonly<Record<string, string | undefined>>): string {
  return environment['DANUBE_LAUNCHED'] === undefined ? 'danube-broker' : 'npm start --';
}

/** Where relative paths start: the directory a person called npm from, else the current one. */
export function baseDirectory(environment: Readonly<Record<string, string | undefined>>): string {
  return environment['INIT_CWD'] || process.cwd();
}

/** A path as short as it can be said: relative below `base`, `~/…` below the home directory. */
export function shortPath(path: string, base: string): string {
  const inside = relative(base, path);
  if (!inside.startsWith('..') && !inside.startsWith('/')) return `./${inside}`;
  const home = relative(homedir(), path);
  return home.startsWith('..') || home.startsWith('/') ? path : `~/${home}`;
}
