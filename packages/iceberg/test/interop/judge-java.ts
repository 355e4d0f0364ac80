import { type JudgeProcess, startJudgeProcess } from './judge-process.ts';

/**
 * Starts Iceberg Java as a judge, with the class path in DANUBE_JAVA_CLASSPATH as `scripts/java-judge.mjs` prints it.
 * `java/src/danube/judge/Main.java` has its operations, `javaTable` is the comfortable way to them.
 */
export function startJavaJudge(): JudgeProcess {
  const classpath = process.env.DANUBE_JAVA_CLASSPATH;
  if (!classpath) {
    throw new Error('set DANUBE_JAVA_CLASSPATH to what `npm run -s x -- node scripts/java-judge.mjs` prints');
  }
  // A short life: what pays is a quick start. Two cores are shared with the test itself.
  const options = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx512m', '-cp', classpath];
  return startJudgeProcess('java', [...options, 'danube.judge.Main']);
}
