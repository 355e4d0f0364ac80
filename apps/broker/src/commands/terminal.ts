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

/**
 * How this program is called, ready to be typed where it was called before: directly, by `npm start` through
 * the launcher, or by npm from outside the checkout.
 *
 * @param checkout where the launcher starts programs
 */
export function programName(
  environment: Readonly<Record<string, string | undefined>>,
  checkout = process.cwd(),
): string {
  if (environment['DANUBE_LAUNCHED'] === undefined) return 'danube-broker';
  const calledFrom = environment['INIT_CWD'] || checkout;
  return relative(checkout, calledFrom) === ''
    ? 'npm start --'
    : `npm --prefix ${shellWord(checkout)} start --`;
}

/** One word of a shell command: quoted when it would not be one as it is. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Where relative paths start: the directory a person called npm from, else the current one. */
export function baseDirectory(environment: Readonly<Record<string, string | undefined>>): string {
  return environment['INIT_CWD'] || process.cwd();
}

/** A path as short as it can be said, for a shell command too: relative below `base`, else as it is. */
export function shortPath(path: string, base: string): string {
  const inside = relative(base, path);
  const outside = inside === '..' || inside.startsWith('../') || inside.startsWith('/');
  return shellWord(outside ? path : `./${inside}`);
}
