// The classpath of the jvm tier: Iceberg Java and the small program that drives it as a judge.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { say } from './stages.mjs';
import { ROOT, run } from './toolchain.mjs';

const PROJECT = join(ROOT, 'packages', 'iceberg', 'test', 'interop', 'java');
const POM = join(PROJECT, 'pom.xml');
const SOURCES = join(PROJECT, 'src');

/** Kept outside the checkout, so that a fresh clone finds it again; named for what is in it. */
function cacheFolder(kind, files) {
  const cache =
    process.env.DANUBE_CACHE ??
    join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'danube-iceberg');
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file));
  return join(cache, `${kind}-${hash.digest('hex').slice(0, 12)}`);
}

function sources() {
  return readdirSync(SOURCES, { recursive: true })
    .filter((name) => name.endsWith('.java'))
    .sort()
    .map((name) => join(SOURCES, name));
}

/** A sentence saying what is missing, or undefined. */
function whyNoJava() {
  const { status, stdout } = spawnSync('javac', ['--version'], { encoding: 'utf8' });
  if (status !== 0) return 'no JDK was found (on Debian: apt-get install default-jdk-headless)';
  const [, major] = /javac (\d+)/.exec(stdout) ?? [];
  return Number(major) >= 17 ? undefined : `a JDK of version 17 or later is needed, not ${stdout.trim()}`;
}

/** Makes the folder whole or not at all: it is filled under another name. Resolves with why that failed, or undefined. */
async function fill(folder, steps) {
  if (existsSync(folder)) return undefined;
  const draft = `${folder}.draft-${process.pid}`;
  mkdirSync(draft, { recursive: true });
  try {
    for (const { command, args, attempts } of steps(draft)) {
      let code = 1;
      for (let attempt = 1; attempt <= attempts && code !== 0; attempt += 1) {
        code = await run(command, args, { stdio: ['ignore', 2, 2] });
      }
      if (code !== 0) return `${command} ended with ${code}`;
    }
    // Another process may have been faster, with the same result.
    if (!existsSync(folder)) renameSync(draft, folder);
    return undefined;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Returns the class path of the judge, or a sentence saying why there is none. */
export async function javaClasspath() {
  const missing = whyNoJava();
  if (missing) return { reason: missing };
  const jars = cacheFolder('java-jars', [POM]);
  if (!existsSync(jars)) {
    if (spawnSync('mvn', ['--version'], { stdio: 'ignore' }).status !== 0)
      return { reason: 'Maven was not found (on Debian: apt-get install maven)' };
    say(`Fetching Iceberg Java into ${jars} (about 100 MB, kept for later runs)`);
  }
  const copy = ['dependency:copy-dependencies', '-DincludeScope=runtime'];
  const fetched = await fill(jars, (folder) => [
    // A network that fails once should not cost the run.
    { command: 'mvn', args: ['-q', '-B', '-f', POM, ...copy, `-DoutputDirectory=${folder}`], attempts: 3 },
  ]);
  if (fetched) return { reason: fetched };
  const files = sources();
  const classes = cacheFolder('java-judge', [POM, ...files]);
  const classpath = join(jars, '*');
  const compiled = await fill(classes, (folder) => [
    { command: 'javac', args: ['-nowarn', '-d', folder, '-cp', classpath, ...files], attempts: 1 },
  ]);
  return compiled ? { reason: compiled } : { classpath: [classes, classpath].join(delimiter) };
}
