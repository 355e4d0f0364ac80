// One catalog.db, two writers: Iceberg Java, with deletes of rows, and this project. As pairs.interop.test.ts, but Java,
// PyIceberg (which reads no equality deletes) and we look. DANUBE_SEED chooses other steps than those of every run.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expireSnapshotsAndFiles, upgradeFormatVersion } from '../../packages/iceberg/src/index.ts';
import { javaTable } from '../../packages/iceberg/test/interop/java-table.ts';
import { createLocalFileIO } from '../../packages/iceberg/test/interop/judge.ts';
import { startJavaJudge } from '../../packages/iceberg/test/interop/judge-java.ts';
import type { JudgeProcess } from '../../packages/iceberg/test/interop/judge-process.ts';
import { startReaderJudge } from '../../packages/iceberg/test/interop/judge-readers.ts';
import { javaPartner, javaReader, pairSchema } from '../../packages/iceberg/test/interop/pairs-java.ts';
import { pairReaders } from '../../packages/iceberg/test/interop/pairs-pyiceberg.ts';
import { Random } from '../../packages/iceberg/test/interop/pairs-random.ts';
import { PairTable } from '../../packages/iceberg/test/interop/pairs-table.ts';
import { takeTurns } from '../../packages/iceberg/test/interop/pairs-turns.ts';
import { openSqlCatalog, type SqlCatalog } from '../../packages/iceberg-catalog-sql/src/index.ts';

const seed = Number(process.env['DANUBE_SEED'] ?? 1);
const io = createLocalFileIO();
let folder: string;
let where: { file: string; warehouse: string; name: string };
let catalog: SqlCatalog;
let java: JudgeProcess;
let python: JudgeProcess;

beforeAll(async () => {
  console.log(`DANUBE_SEED=${seed}`);
  folder = await mkdtemp(join(tmpdir(), 'pairs-'));
  const warehouse = pathToFileURL(join(folder, 'warehouse')).href;
  where = { file: join(folder, 'catalog.db'), warehouse, name: 'pairs' };
  catalog = await openSqlCatalog({ ...where, io });
  java = startJavaJudge();
  python = startReaderJudge();
  await java.request('versions');
}, 60_000);

afterAll(async () => {
  await Promise.all([java.close(), python.close(), catalog.close()]);
  await rm(folder, { recursive: true, force: true });
});

const field = (sourceId: number, name: string, transform: string, fieldId: number) => ({
  'source-id': sourceId,
  'field-id': fieldId,
  name,
  transform,
});
const specs = {
  unpartitioned: [],
  'by day': [field(2, 'p_day', 'day', 1000)],
  'by bucket and identity': [field(1, 'p_bucket', 'bucket[3]', 1000), field(3, 'region', 'identity', 1001)],
};

/** A table that Java made, in the hands of both. */
async function newPair(name: string, fields: readonly object[], formatVersion = '2') {
  const identifier = { namespace: ['pairs'], name: name.replaceAll(' ', '_') };
  const theirs = javaTable(java, { catalog: where, table: `pairs.${identifier.name}` });
  await theirs.create({
    schema: pairSchema,
    spec: { 'spec-id': 0, fields },
    properties: { 'format-version': formatVersion, 'commit.manifest.min-count-to-merge': '3' },
  });
  const random = new Random(seed + fields.length);
  return { theirs, table: new PairTable({ catalog, identifier, io, random, writer: python }) };
}

async function takeTurnsWithJava({ theirs, table }: Awaited<ReturnType<typeof newPair>>, turns: number) {
  const pyiceberg = pairReaders(python, ['pyiceberg']).map((reader) => ({
    ...reader,
    refusesEqualityDeletes: /equality/,
  }));
  await takeTurns({
    table,
    partner: javaPartner(theirs),
    readers: [javaReader(java), ...pyiceberg],
    turns,
    seed,
    async expireOurs() {
      const { cleanup } = await expireSnapshotsAndFiles(table.target, { olderThanMs: 0, retainLast: 3 });
      expect(cleanup).toMatchObject({ kind: 'done', files: { failures: [] } });
    },
  });
}

test.each(Object.entries(specs))(
  'Java and we write in turns, and late: a table %s',
  {
    timeout: 180_000,
  },
  async (name, fields) => takeTurnsWithJava(await newPair(name, fields), 40),
);

test('a v1 table of Java, which we made v2, is written by both', { timeout: 180_000 }, async () => {
  const pair = await newPair('first version', specs['by bucket and identity'], '1');
  const { model, random } = pair.table;
  for (let i = 0; i < 3; i += 1) {
    const rows = model.newRows(random, 4);
    await pair.theirs.append(model.printed(rows), 'append');
    model.put(rows);
  }
  await pair.theirs.commit({ type: 'spec', changes: [{ do: 'remove', name: 'p_bucket' }] });
  await pair.table.commit([upgradeFormatVersion(2)]);
  await pair.table.note('three appends to v1, a partition field void, upgraded');
  await takeTurnsWithJava(pair, 20);
});
