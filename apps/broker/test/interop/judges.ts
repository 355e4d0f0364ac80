// Runs the interop tier's Python programs and reads a topic's table with them.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openSqlCatalog } from '@danube/iceberg-catalog-sql';
import { createFileIO, localBaseUri, openLocalObjectStore } from '@danube/objectstore';

const run = promisify(execFile);
const scripts = fileURLToPath(new URL('../../../../test/interop/', import.meta.url));

/** Runs one program of `test/interop` and parses the JSON it prints. */
export async function python<T>(program: string, ...args: string[]): Promise<T> {
  const interpreter = process.env['DANUBE_PYTHON'];
  if (interpreter === undefined)
    throw new Error('DANUBE_PYTHON is not set: run npm test, which installs the judges');
  const { stdout } = await run(interpreter, [join(scripts, program), ...args], { maxBuffer: 256 << 20 });
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

/** Reads a topic of the embedded catalog under `dataDir` with every reader of the tier. The broker is stopped. */
export async function readTable(
  dataDir: string,
  topic: string,
): Promise<{ readers: Record<string, ReaderSummary>; rows: TableRow[] }> {
  const [, namespace, name] = topic.split('/');
  if (namespace === undefined || name === undefined) throw new Error(`not a topic: ${topic}`);
  const file = join(dataDir, 'catalog.db');
  const root = join(dataDir, 'warehouse');
  const warehouse = localBaseUri(root);
  const io = createFileIO({ store: await openLocalObjectStore({ root }), baseUri: warehouse });
  const catalog = await openSqlCatalog({ file, name: 'danube', warehouse, io });
  const { metadataLocation } = await catalog.loadTable({ namespace: [namespace], name });
  await catalog.close();
  const scratch = await mkdtemp(join(tmpdir(), 'danube-rows-'));
  const rowsFile = join(scratch, 'rows.jsonl');
  const readers = await python<Record<string, ReaderSummary>>(
    'read_table.py',
    file,
    'danube',
    namespace,
    name,
    metadataLocation,
    '--rows',
    rowsFile,
  );
  const rows = (await readFile(rowsFile, 'utf8'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as TableRow);
  await rm(scratch, { recursive: true });
  return { readers, rows };
}
