// One catalog.db, two writers: PyIceberg and this project. Random steps of both, each on what the other left, some of
// them decided before the other's commit and landed after it; every few steps PyIceberg, DuckDB, iceberg-rust and we
// must see the rows of a simple model, and totals and sequence numbers must be true. DANUBE_SEED chooses other steps
// than those of every run.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CreateTableOptions, expireSnapshotsAndFiles } from '../../packages/iceberg/src/index.ts';
import { createLocalFileIO } from '../../packages/iceberg/test/interop/judge.ts';
import { type JudgeProcess, startJudgeProcess } from '../../packages/iceberg/test/interop/judge-process.ts';
import { pairReaders, pyicebergPartner } from '../../packages/iceberg/test/interop/pairs-pyiceberg.ts';
import { Random } from '../../packages/iceberg/test/interop/pairs-random.ts';
import { PairTable } from '../../packages/iceberg/test/interop/pairs-table.ts';
import { takeTurns } from '../../packages/iceberg/test/interop/pairs-turns.ts';
import { openSqlCatalog, type SqlCatalog } from '../../packages/iceberg-catalog-sql/src/index.ts';

const seed = Number(process.env['DANUBE_SEED'] ?? 1);
const io = createLocalFileIO();
const script = join(import.meta.dirname, '../../packages/iceberg/test/interop/pairs_judge.py');
let folder: string;
let where: { file: string; warehouse: string };
let catalog: SqlCatalog;
let python: JudgeProcess;

beforeAll(async () => {
  console.log(`DANUBE_SEED=${seed}`);
  folder = await mkdtemp(join(tmpdir(), 'pairs-'));
  where = { file: join(folder, 'catalog.db'), warehouse: pathToFileURL(join(folder, 'warehouse')).href };
  catalog = await openSqlCatalog({ ...where, name: 'pairs', io });
  await catalog.createNamespace(['pairs']);
  python = startJudgeProcess(process.env['DANUBE_PYTHON'] ?? 'python3', [script]);
});

afterAll(async () => {
  await python.close();
  await catalog.close();
  await rm(folder, { recursive: true, force: true });
});

const schema: CreateTableOptions['schema'] = {
  fields: [
    { id: 1, name: 'id', required: true, type: 'long' },
    { id: 2, name: 'ts', required: true, type: 'timestamptz' },
    { id: 3, name: 'region', required: false, type: 'string' },
    { id: 4, name: 'n', required: false, type: 'int' },
    { id: 5, name: 'f', required: false, type: 'float' },
  ],
};

test.each([
  ['unpartitioned', []],
  ['by day', [{ sourceId: 2, name: 'p_day', transform: 'day' }]],
  [
    'by bucket and identity',
    [
      { sourceId: 1, name: 'p_bucket', transform: 'bucket[3]' },
      { sourceId: 3, name: 'region', transform: 'identity' },
    ],
  ],
] as const)(
  'PyIceberg and we write in turns, and late: a table %s',
  { timeout: 180_000 },
  async (name, fields) => {
    const identifier = { namespace: ['pairs'], name: name.replaceAll(' ', '_') };
    await catalog.createTable(identifier, {
      schema,
      partitionSpec: { fields },
      properties: { 'commit.manifest.min-count-to-merge': '3' },
    });
    const random = new Random(seed + fields.length);
    const table = new PairTable({ catalog, identifier, io, random, writer: python });
    await takeTurns({
      table,
      partner: pyicebergPartner(python, where),
      readers: pairReaders(python, ['pyiceberg', 'duckdb', 'rust']),
      turns: 30,
      seed,
      async expireOurs() {
        const { cleanup } = await expireSnapshotsAndFiles(table.target, { olderThanMs: 0, retainLast: 3 });
        expect(cleanup).toMatchObject({ kind: 'done', files: { failures: [] } });
      },
    });
  },
);
