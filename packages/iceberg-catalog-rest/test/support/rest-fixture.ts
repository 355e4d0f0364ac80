import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Apache's REST catalog server, in a process of its own on a loopback port. */
export interface RestFixture {
  /** `http://127.0.0.1:PORT`. As a `uri` it is that of one more catalog, whose tables are right in the warehouse. */
  readonly endpoint: string;
  readonly pid: number;
  /**
   * The `uri` of a catalog of this name, `ENDPOINT/NAME`: empty when it is first asked for, and made then. Default: a name
   * that nobody had yet.
   */
  catalog(name?: string): string;
  /** Ends the process and removes what it wrote, a warehouse of its own included. */
  stop(): Promise<void>;
}

export interface RestFixtureOptions {
  /** Below it each catalog has a folder. Default: a new temporary directory, removed by `stop`. */
  readonly warehouse?: string;
  /**
   * Catalog properties of Iceberg Java, such as `io-impl`, `s3.endpoint` or `include-credentials`; and
   * `idempotency-key-lifetime`, an ISO-8601 duration, with which the server advertises what it always understands.
   */
  readonly properties?: Readonly<Record<string, string>>;
  /** Default: a free one. */
  readonly port?: number;
}

/** A warehouse on S3, and its keys in what `loadTable` answers if `vended`. */
export function s3Properties(
  server: {
    readonly endpoint: string;
    readonly region: string;
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
  },
  { vended = false } = {},
): Readonly<Record<string, string>> {
  return {
    'io-impl': 'org.apache.iceberg.aws.s3.S3FileIO',
    's3.endpoint': server.endpoint,
    's3.path-style-access': 'true',
    's3.access-key-id': server.accessKeyId,
    's3.secret-access-key': server.secretAccessKey,
    'client.region': server.region,
    'include-credentials': String(vended),
  };
}

/** Starts one, with the class path in DANUBE_REST_CLASSPATH. It ends with this process, however that ends. */
export async function startRestFixture(options: RestFixtureOptions = {}): Promise<RestFixture> {
  const classpath = process.env['DANUBE_REST_CLASSPATH'];
  if (!classpath) {
    throw new Error(
      'set DANUBE_REST_CLASSPATH to what `npm run -s x -- node scripts/java-judge.mjs rest` prints',
    );
  }
  const folder = await mkdtemp(join(tmpdir(), 'rest-fixture-'));
  // What pays is a quick start; two cores are shared with the test itself.
  const jvm = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx512m', '-cp', classpath];
  const args = [...jvm, 'danube.rest.Main', folder, String(options.port ?? 0)];
  const child = spawn('java', args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  child.stdin.on('error', () => {}); // shows as its end
  // As Hadoop writes locations, so that those of metadata files begin with those of their tables.
  const warehouse = options.warehouse ?? `file:${join(folder, 'warehouse')}`;
  const lines = Object.entries({ ...options.properties, warehouse }).map((entry) => `${entry.join('=')}\n`);
  child.stdin.write(`${lines.join('')}\n`);
  const printed = once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>;
  const first = await Promise.race([printed, ended.then(() => undefined)]);
  if (first === undefined) throw new Error('the REST fixture ended before it listened');
  const endpoint = `http://127.0.0.1:${first[0]}`;
  let made = 0;
  return {
    endpoint,
    pid: child.pid!,
    catalog: (name) => {
      made += 1;
      return `${endpoint}/${name ?? `catalog-${made}`}`;
    },
    stop: async () => {
      child.stdin.end();
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
