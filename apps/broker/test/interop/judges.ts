// Runs the interop tier's Python programs and reads a topic's table with them.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const scripts = fileURLToPath(new URL('../../../../test/interop/', import.meta.url));

/** Runs one program of `test/interop` and parses the JSON it prints. */
export async function python<T>(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<T> {
  const interpreter = process.env['DANUBE_PYTHON'];
  if (interpreter === undefined)
    throw new Error('DANUBE_PYTHON is not set: run npm test, which installs the judges');
  const { stdout } = await run(interpreter, [join(scripts, program), ...args], {
    maxBuffer: 256 << 20,
    env: { ...process.env, ...environment },
  });
  return JSON.parse(stdout) as T;
}

export interface ReaderSummary {
  readonly count: number;
  readonly distinct: number;
  readonly first: number | null;
  readonly last: number | null;
  /** Over offset, payload, publish time, attributes, topic and producer of every row. */
  readonly digest: string;
}

export interface TableRow {
  readonly offset: number;
  readonly payload: string;
  readonly publishTimeMicros: number;
  readonly attributes: Record<string, string>;
  readonly topic: string;
  readonly producerName: string;
}

/** A table as every reader of the tier saw it, and its rows as PyIceberg did. */
export interface TableReading {
  readonly readers: Readonly<Record<string, ReaderSummary>>;
  readonly rows: readonly TableRow[];
}

/** An S3 server that holds the tables; the environment (`AWS_ACCESS_KEY_ID` and so on) says who reads. */
export interface S3Judge {
  readonly endpoint: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** The metadata file that a catalog names, as its own table says. */
function metadataOfSql(file: string, namespace: string, name: string): string {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const row = database
      .prepare('SELECT metadata_location FROM iceberg_tables WHERE table_namespace = ? AND table_name = ?')
      .get(namespace, name);
    if (typeof row?.['metadata_location'] !== 'string') throw new Error(`no table ${namespace}.${name}`);
    return row['metadata_location'];
  } finally {
    database.close();
  }
}

/** The metadata file that a REST catalog without authentication names, asked in its plainest way. */
async function metadataOfRest(uri: string, namespace: string, name: string): Promise<string> {
  const reply = await fetch(`${uri}/v1/namespaces/${namespace}/tables/${name}`);
  if (!reply.ok) throw new Error(`no table ${namespace}.${name}: ${reply.status} ${await reply.text()}`);
  return ((await reply.json()) as { 'metadata-location': string })['metadata-location'];
}

/**
 * Reads a topic's table with every reader of the tier. `catalog` is the data directory of a broker with the embedded
 * catalog, which is stopped, or the `http:` URI of a REST catalog.
 */
export async function readTable(catalog: string, topic: string, s3?: S3Judge): Promise<TableReading> {
  const [, namespace, name] = topic.split('/');
  if (namespace === undefined || name === undefined) throw new Error(`not a topic: ${topic}`);
  const isRest = /^https?:/.test(catalog);
  const file = join(catalog, 'catalog.db');
  const metadataLocation = isRest
    ? await metadataOfRest(catalog, namespace, name)
    : metadataOfSql(file, namespace, name);
  const scratch = await mkdtemp(join(tmpdir(), 'danube-rows-'));
  const rowsFile = join(scratch, 'rows.jsonl');
  const readers = await python<Record<string, ReaderSummary>>(
    'read_table.py',
    [
      ...[
        isRest ? catalog : `sqlite:///${file}`,
        'danube',
        namespace,
        name,
        metadataLocation,
        '--rows',
        rowsFile,
      ],
      ...(s3 === undefined ? [] : ['--s3', s3.endpoint]),
    ],
    s3?.environment,
  );
  const rows = (await readFile(rowsFile, 'utf8'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as TableRow);
  await rm(scratch, { recursive: true });
  return { readers, rows };
}
