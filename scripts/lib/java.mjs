// The class paths of the jvm tier: programs of Iceberg Java that judge us, each a folder with a pom.xml and sources.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cacheFolderOf, fill } from './cache-folder.mjs';
import { say } from './stages.mjs';
import { ROOT } from './toolchain.mjs';

/** By name: where the program is, what it is, and how much is fetched for it. */
const PROGRAMS = {
  judge: { project: 'packages/iceberg/test/interop/java', what: 'Iceberg Java', size: '100 MB' },
  rest: {
    project: 'packages/iceberg-catalog-rest/test/interop/java',
    what: 'the REST catalog server of Iceberg Java',
    size: '150 MB',
  },
};

function sourcesIn(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.java'))
    .sort()
    .map((name) => join(folder, name));
}

/** A sentence saying what is missing, or undefined. */
function whyNoJava() {
  const { status, stdout } = spawnSync('javac', ['--version'], { encoding: 'utf8' });
  if (status !== 0) return 'no JDK was found (on Debian: apt-get install default-jdk-headless)';
  const [, major] = /javac (\d+)/.exec(stdout) ?? [];
  return Number(major) >= 17 ? undefined : `a JDK of version 17 or later is needed, not ${stdout.trim()}`;
}

/** Returns the class path of a program (`judge` or `rest`), or a sentence saying why there is none. */
export async function javaClasspath(program = 'judge') {
  const missing = whyNoJava();
  if (missing) return { reason: missing };
  const { project, what, size } = PROGRAMS[program];
  const pom = join(ROOT, project, 'pom.xml');
  const jars = cacheFolderOf('java-jars', [pom]);
  if (!existsSync(jars)) {
    if (spawnSync('mvn', ['--version'], { stdio: 'ignore' }).status !== 0)
      return { reason: 'Maven was not found (on Debian: apt-get install maven)' };
    say(`Fetching ${what} into ${jars} (about ${size}, kept for later runs)`);
  }
  const copy = ['dependency:copy-dependencies', '-DincludeScope=runtime'];
  const fetched = await fill(jars, (folder) => [
    { command: 'mvn', args: ['-q', '-B', '-f', pom, ...copy, `-DoutputDirectory=${folder}`], attempts: 3 },
  ]);
  if (fetched) return { reason: fetched };
  const files = sourcesIn(join(ROOT, project, 'src'));
  const classes = cacheFolderOf('java-judge', [pom, ...files]);
  const classpath = join(jars, '*');
  const compiled = await fill(classes, (folder) => [
    { command: 'javac', args: ['-nowarn', '-d', folder, '-cp', classpath, ...files] },
  ]);
  return compiled ? { reason: compiled } : { classpath: [classes, classpath].join(delimiter) };
}

/** All that tests of the jvm tier need in their environment, or a sentence saying what is missing. */
export async function javaEnvironment() {
  const judge = await javaClasspath('judge');
  if (judge.reason) return { reason: judge.reason };
  const rest = await javaClasspath('rest');
  if (rest.reason) return { reason: rest.reason };
  return { env: { DANUBE_JAVA_CLASSPATH: judge.classpath, DANUBE_REST_CLASSPATH: rest.classpath } };
}
