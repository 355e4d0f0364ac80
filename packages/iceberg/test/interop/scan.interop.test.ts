import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Expression,
  findFieldByName,
  loadTableMetadata,
  type PrimitiveType,
  parseJson,
  planFiles,
  type Schema,
  scanRows,
  scanSchema,
} from '../../src/index.ts';
import { parsePrinted, printRow } from '../support/printed.ts';
import { createLocalFileIO } from './judge.ts';

/** What `scan_tables.py` prints of a table. */
interface JudgedTable {
  readonly name: string;
  readonly metadata: string;
  readonly scans: readonly JudgedScan[];
}

interface JudgedScan {
  readonly filter?: JudgedFilter;
  readonly snapshotId?: string;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** How many files PyIceberg planned to read. */
  readonly files: number;
}

/** An expression whose values are in the printed form. */
interface JudgedFilter {
  readonly type: string;
  readonly term?: string;
  readonly value?: string;
  readonly values?: readonly string[];
  readonly operands?: readonly JudgedFilter[];
  readonly child?: JudgedFilter;
}

const io = createLocalFileIO();
let folder: string;
let tables: readonly JudgedTable[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iceberg-scan-'));
  const python = process.env.DANUBE_PYTHON ?? 'python3';
  const script = join(import.meta.dirname, 'scan_tables.py');
  const { stdout } = await promisify(execFile)(python, [script, folder], { maxBuffer: 256 * 2 ** 20 });
  ({ tables } = parseJson(stdout) as unknown as { tables: JudgedTable[] });
}, 300_000);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

function filterOf(schema: Schema, filter: JudgedFilter): Expression {
  const { operands, child, term = '', value, values, ...rest } = filter;
  const type = findFieldByName(schema, term)?.type as PrimitiveType;
  return {
    ...rest,
    ...(term === '' ? {} : { term }),
    ...(operands ? { operands: operands.map((operand) => filterOf(schema, operand)) } : {}),
    ...(child ? { child: filterOf(schema, child) } : {}),
    ...(value === undefined ? {} : { value: parsePrinted(type, value) }),
    ...(values === undefined ? {} : { values: values.map((printed) => parsePrinted(type, printed)) }),
  } as Expression;
}

const sorted = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row)).sort();

test('we read every table shape PyIceberg writes as PyIceberg reads it, filtered and at every snapshot', {
  timeout: 300_000,
}, async () => {
  let scans = 0;
  for (const { name, metadata: location, scans: judged } of tables) {
    const metadata = await loadTableMetadata(io, location);
    for (const { filter, snapshotId, rows, files } of judged) {
      const at = snapshotId === undefined ? {} : { snapshotId: BigInt(snapshotId) };
      const schema = scanSchema(metadata, at.snapshotId);
      const options = filter ? { ...at, filter: filterOf(schema, filter) } : at;
      const what = `${name} ${JSON.stringify(filter ?? snapshotId ?? 'all')}`;
      const read: unknown[] = [];
      for await (const row of scanRows(metadata, io, options)) {
        read.push(printRow(schema, row));
      }
      expect(sorted(read), what).toEqual(sorted(rows));
      let planned = 0;
      for await (const _task of planFiles(metadata, io, options)) planned += 1;
      // Never more files than PyIceberg needs, so no pruning of theirs is missing here.
      expect(planned, what).toBeLessThanOrEqual(files);
      scans += 1;
    }
  }
  expect(tables.length).toBeGreaterThanOrEqual(18);
  expect(scans).toBeGreaterThan(250);
});

test('the example program prints rows of a table PyIceberg wrote', { timeout: 60_000 }, async () => {
  const table = tables.find(({ name }) => name === 'shapes.all_types');
  const program = join(import.meta.dirname, '../../examples/scan.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--conditions=@danube/source',
    program,
    table?.metadata ?? '',
    ...['id', '10', '15'],
  ]);
  expect(stdout).toContain("s: 'row 14'");
  expect(stdout.trimEnd().split('\n').at(-1)).toBe('5 rows');
});
