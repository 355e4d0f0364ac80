import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

/** An exception of Iceberg Java: `name` is its class, such as `ValidationException`. */
export class JavaError extends Error {
  readonly trace: string;

  constructor({ type, message, trace }: { type: string; message: string; trace: string }) {
    super(message);
    this.name = type;
    this.trace = trace;
  }
}

/**
 * A process that runs Iceberg Java; see `java/src/danube/judge/Main.java` for its operations. Requests are answered one
 * after the other. Close it, or the process stays.
 */
export interface JavaJudge {
  request<T>(op: string, request?: object): Promise<T>;
  close(): Promise<void>;
}

type Child = ChildProcessByStdio<Writable, Readable, null>;
interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Starts the judge with the class path in DANUBE_JAVA_CLASSPATH, as `scripts/java-judge.mjs` prints it. */
export function startJavaJudge(): JavaJudge {
  const classpath = process.env.DANUBE_JAVA_CLASSPATH;
  if (!classpath)
    throw new Error('set DANUBE_JAVA_CLASSPATH to what `npm run -s x -- node scripts/java-judge.mjs` prints');
  // A short life: what pays is a quick start. Two cores are shared with the test itself.
  const options = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx512m', '-cp', classpath];
  const child = spawn('java', [...options, 'danube.judge.Main'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting: Waiting[] = [];
  answer(child, waiting);
  return {
    request: <T>(op: string, request: object = {}) =>
      new Promise<T>((resolve, reject) => {
        waiting.push({ resolve: (value) => resolve(value as T), reject });
        child.stdin.write(`${JSON.stringify({ op, ...request })}\n`);
      }),
    close: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null) return resolve();
        child.once('close', () => resolve());
        child.stdin.end();
      }),
  };
}

function answer(child: Child, waiting: Waiting[]): void {
  createInterface({ input: child.stdout }).on('line', (line) => {
    const next = waiting.shift();
    const { result, error } = JSON.parse(line);
    if (error) next?.reject(new JavaError(error));
    else next?.resolve(result);
  });
  const fail = (error: Error) => {
    for (const { reject } of waiting.splice(0)) reject(error);
  };
  child.on('error', fail);
  child.stdin.on('error', fail);
  child.on('close', (code) => fail(new Error(`the Java judge ended with ${code}`)));
}
