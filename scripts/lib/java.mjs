// The classpath of the jvm tier: Iceberg Java and the small program that drives it as a judge.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cacheFolderOf, fill } from './cache-folder.mjs';
import { say } from './stages.mjs';
import { ROOT } from './toolchain.mjs';

const PROJECT = join(ROOT, 'packages', 'iceberg', 'test', 'interop', 'java');
const POM = join(PROJECT, 'pom.xml');
const SOURCES = join(PROJECT, 'src');

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

/** Returns the class path of the judge, or a sentence saying why there is none. */
export async function javaClasspath() {
  const missing = whyNoJava();
  if (missing) return { reason: missing };
  const jars = cacheFolderOf('java-jars', [POM]);
  if (!existsSync(jars)) {
    if (spawnSync('mvn', ['--version'], { stdio: 'ignore' }).status !== 0)
      return { reason: 'Maven was not found (on Debian: apt-get install maven)' };
    say(`Fetching Iceberg Java into ${jars} (about 100 MB, kept for later runs)`);
  }
  const copy = ['dependency:copy-dependencies', '-DincludeScope=runtime'];
  const fetched = await fill(jars, (folder) => [
    { command: 'mvn', args: ['-q', '-B', '-f', POM, ...copy, `-DoutputDirectory=${folder}`], attempts: 3 },
  ]);
  if (fetched) return { reason: fetched };
  const files = sources();
  const classes = cacheFolderOf('java-judge', [POM, ...files]);
  const classpath = join(jars, '*');
  const compiled = await fill(classes, (folder) => [
    { command: 'javac', args: ['-nowarn', '-d', folder, '-cp', classpath, ...files] },
  ]);
  return compiled ? { reason: compiled } : { classpath: [classes, classpath].join(delimiter) };
}
