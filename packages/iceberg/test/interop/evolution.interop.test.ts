import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  applyTransform,
  type Catalog,
  createMemoryCatalog,
  currentSchema,
  type DataFile,
  defaultPartitionSpec,
  defaultSortOrder,
  encodeSingleValue,
  findField,
  gtEq,
  type LoadedTable,
  loadTableMetadata,
  type NestedField,
  type PrimitiveType,
  prepareAppend,
  type Row,
  type RowMap,
  type RowValue,
  replaceSortOrder,
  type Schema,
  type SchemaChange,
  scanRows,
  scanSchema,
  type TableMetadata,
  type TableOperation,
  type Transform,
  type Type,
  updatePartitionSpec,
  updateSchema,
} from '../../src/index.ts';
import { schemaToJson, typeToJson } from '../../src/metadata/schema-json.ts';
import { requirementsFor } from '../../src/transaction/requirements.ts';
import { evolutionContext, evolve, planOf } from '../support/evolve.ts';
import { createLocalFileIO } from './judge.ts';

// Goal: the same steps give the same ids and the same rows whoever takes them, and each side goes on where the other
// stopped. Method: a list of steps is taken by our operations and by PyIceberg's, with an append after each; metadata
// is compared after every step, rows at every snapshot, as we, PyIceberg and DuckDB read them.

type Change =
  | readonly ['addColumn', path: string[], type: Type, doc?: string]
  | readonly ['dropColumn' | 'makeOptional' | 'moveFirst', path: string[]]
  | readonly ['renameColumn' | 'setDoc', path: string[], text: string]
  | readonly ['widenColumn', path: string[], type: PrimitiveType]
  | readonly ['moveBefore' | 'moveAfter', path: string[], other: string[]]
  | readonly ['setIdentifierFields', names: string[]]
  | readonly ['unionByName', schema: Schema];

interface Step {
  readonly schema?: readonly Change[];
  readonly spec?: readonly (
    | readonly ['addField', source: string, transform: Transform, name: string | null]
    | readonly ['removeField', name: string]
    | readonly ['renameField', name: string, newName: string]
  )[];
  readonly sort?: readonly (readonly ['asc' | 'desc', column: string, transform: Transform])[];
}

interface Reading {
  readonly snapshots: readonly {
    readonly snapshotId: string;
    readonly pyiceberg: readonly object[];
    readonly duckdb: readonly object[];
  }[];
  readonly filtered: { readonly pyiceberg: readonly object[]; readonly duckdb: readonly object[] };
}

const field = (id: number, name: string, type: Type, required = false): NestedField => ({
  id,
  name,
  required,
  type,
});
const struct = (...fields: NestedField[]): Type => ({ type: 'struct', fields });
const list = (element: Type): Type => ({ type: 'list', elementId: 90, elementRequired: false, element });
const map = (value: Type): Type => ({
  type: 'map',
  keyId: 91,
  key: 'string',
  valueId: 92,
  valueRequired: false,
  value,
});

const schema: Schema = {
  schemaId: 0,
  fields: [
    field(1, 'id', 'int', true),
    field(2, 'ts', 'timestamptz', true),
    field(3, 'name', 'string'),
    field(4, 'small', 'decimal(9,2)'),
  ],
};

const steps: readonly Step[] = [
  {},
  {
    schema: [
      [
        'addColumn',
        ['place'],
        struct(
          field(50, 'city', 'string'),
          field(51, 'at', struct(field(52, 'x', 'float'), field(53, 'y', 'float'))),
        ),
        'where it was',
      ],
      ['addColumn', ['tags'], map(struct(field(54, 'n', 'int')))],
      ['addColumn', ['points'], list(struct(field(55, 'x', 'int'), field(56, 'y', 'int')))],
    ],
  },
  { spec: [['addField', 'ts', 'day', null]] },
  {
    schema: [
      ['renameColumn', ['name'], 'title'],
      ['widenColumn', ['id'], 'long'],
      ['moveFirst', ['name']],
      ['setDoc', ['small'], 'cents'],
    ],
    sort: [
      ['asc', 'id', 'identity'],
      ['desc', 'ts', 'day'],
    ],
  },
  {
    schema: [
      ['addColumn', ['place', 'zip'], 'string'],
      ['addColumn', ['place', 'at', 'z'], 'int'],
      ['addColumn', ['points', 'z'], 'int'],
      ['addColumn', ['tags', 'm'], list('int')],
      ['widenColumn', ['place', 'at', 'x'], 'double'],
      ['widenColumn', ['points', 'element', 'x'], 'long'],
      ['widenColumn', ['small'], 'decimal(18,2)'],
      ['moveAfter', ['place', 'city'], ['place', 'at']],
    ],
  },
  {
    spec: [
      ['removeField', 'ts_day'],
      ['addField', 'ts', 'hour', null],
      ['addField', 'id', 'bucket[4]', null],
    ],
  },
  // Another column of the name of a dropped one.
  {
    schema: [
      ['dropColumn', ['title']],
      ['addColumn', ['title'], 'int'],
      ['dropColumn', ['place', 'at', 'y']],
      ['setIdentifierFields', ['id']],
    ],
  },
  // A field that was there before keeps its id.
  {
    spec: [
      ['removeField', 'ts_hour'],
      ['addField', 'ts', 'day', null],
      ['renameField', 'id_bucket_4', 'by_id'],
    ],
  },
  {
    schema: [
      [
        'unionByName',
        {
          schemaId: 0,
          fields: [
            field(1, 'title', 'long'),
            field(2, 'small', 'decimal(5,2)'),
            field(3, 'place', struct(field(4, 'country', 'string'), field(5, 'zip', 'string'))),
            field(6, 'more', list(struct(field(7, 'deep', 'date')))),
          ],
        },
      ],
    ],
  },
  // Exactly the spec and the order that the table began with.
  {
    spec: [
      ['removeField', 'ts_day'],
      ['removeField', 'by_id'],
    ],
    schema: [['moveBefore', ['id'], ['small']]],
  },
];

const furtherSteps: readonly Step[] = [
  {
    schema: [
      ['addColumn', ['after'], struct(field(1, 'one', 'int'), field(2, 'two', 'int'))],
      ['renameColumn', ['title'], 'headline'],
      ['dropColumn', ['points', 'y']],
    ],
  },
  {
    schema: [['widenColumn', ['after', 'one'], 'long']],
    spec: [['addField', 'id', 'bucket[4]', null]],
  },
];

function ask(change: SchemaChange, [method, ...args]: Change): void {
  const [path, second, doc] = args as [string[], never, string | undefined];
  switch (method) {
    case 'addColumn':
      change.addColumn(path, { type: second, ...(doc !== undefined && { doc }) });
      break;
    case 'setIdentifierFields':
      change.setIdentifierFields(path.map((name) => [name]));
      break;
    case 'unionByName':
      change.unionByName(args[0] as Schema);
      break;
    default:
      change[method](path, second);
  }
}

function operationsOf(step: Step): readonly TableOperation[] {
  const { schema: changes, spec, sort } = step;
  const operations: TableOperation[] = [];
  if (changes) {
    operations.push(
      updateSchema((change) => {
        for (const one of changes) ask(change, one);
      }),
    );
  }
  if (spec) {
    operations.push(
      updatePartitionSpec((change) => {
        for (const one of spec) {
          if (one[0] === 'addField') change.addField(one[1], one[2], one[3] ?? undefined);
          else if (one[0] === 'removeField') change.removeField(one[1]);
          else change.renameField(one[1], one[2]);
        }
      }),
    );
  }
  if (sort) {
    operations.push(
      replaceSortOrder((order) => {
        for (const [direction, column, transform] of sort) order[direction](column, { transform });
      }),
    );
  }
  return operations;
}

/** The steps as `evolution_judge.py` takes them. */
function printed(all: readonly Step[]): readonly object[] {
  return all.map((step) => ({
    ...step,
    schema: step.schema?.map(([method, ...args]) => {
      if (method === 'unionByName') return [method, schemaToJson(args[0] as Schema)];
      if (method === 'addColumn') return [method, args[0], typeToJson(args[1] as Type), args[2] ?? null];
      return [method, ...args];
    }),
  }));
}

const io = createLocalFileIO();
const identifier = { namespace: ['default'], name: 'evolved' };
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iceberg-evolution-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function judge<T>(command: string, request: object): Promise<T> {
  const python = process.env.DANUBE_PYTHON ?? 'python3';
  const script = join(import.meta.dirname, 'evolution_judge.py');
  const { stdout } = await promisify(execFile)(python, [script, command, JSON.stringify(request)], {
    maxBuffer: 64 * 2 ** 20,
  });
  return JSON.parse(stdout) as T;
}

/** A value in the printed form; see `scan_tables.py`. */
function canonical(type: Type, value: RowValue): unknown {
  if (value === null) return null;
  if (typeof type === 'string') {
    if (typeof value === 'string') return `s:${value}`;
    if (type !== 'float' && type !== 'double') return String(value);
    const double = Buffer.alloc(8);
    double.writeDoubleBE(value as number);
    return `f:${double.toString('hex')}`;
  }
  switch (type.type) {
    case 'struct':
      return Object.fromEntries(
        type.fields.map((one) => [one.name, canonical(one.type, (value as Row)[one.name] as RowValue)]),
      );
    case 'list':
      return (value as readonly RowValue[]).map((item) => canonical(type.element, item));
    case 'map':
      return {
        map: [...(value as RowMap)].map(([key, item]) => [
          canonical(type.key, key),
          canonical(type.value, item),
        ]),
      };
  }
}

async function ourRows(
  metadata: TableMetadata,
  options: Parameters<typeof scanRows>[2],
): Promise<readonly unknown[]> {
  const type: Type = { type: 'struct', fields: scanSchema(metadata, options?.snapshotId).fields };
  const rows: unknown[] = [];
  for await (const row of scanRows(metadata, io, options)) rows.push(canonical(type, row));
  return rows;
}

const sorted = (rows: readonly unknown[]): readonly string[] => rows.map((row) => JSON.stringify(row)).sort();

/** All three read the same rows at every snapshot, and the same ones through a filter on the widened column. */
async function expectAllReadAlike(location: string, expectedSnapshots: number): Promise<void> {
  const metadata = await loadTableMetadata(io, location);
  const { snapshots, filtered } = await judge<Reading>('read', { metadata: location, from_id: 20 });
  expect(snapshots).toHaveLength(expectedSnapshots);
  for (const [index, { snapshotId, pyiceberg, duckdb }] of snapshots.entries()) {
    const ours = sorted(await ourRows(metadata, { snapshotId: BigInt(snapshotId) }));
    expect(ours, `snapshot ${index}`).toHaveLength(2 * (index + 1));
    expect(sorted(pyiceberg), `PyIceberg, snapshot ${index}`).toEqual(ours);
    expect(sorted(duckdb), `DuckDB, snapshot ${index}`).toEqual(ours);
  }
  const ours = sorted(await ourRows(metadata, { filter: gtEq('id', 20) }));
  expect(ours).toHaveLength(2 * (expectedSnapshots - 2));
  expect(sorted(filtered.pyiceberg)).toEqual(ours);
  expect(sorted(filtered.duckdb)).toEqual(ours);
}

async function commit(catalog: Catalog, table: LoadedTable, step: Step): Promise<LoadedTable> {
  let now = table;
  for (const operation of operationsOf(step)) {
    const { updates, requirements = [] } = planOf(operation, evolutionContext(now.metadata));
    now = await catalog.commitTable(now.identifier, {
      requirements: [...requirementsFor(now.metadata, updates), ...requirements],
      updates,
    });
  }
  return now;
}

/** Commits the steps, and after each the file that was written for its schema. */
async function takeSteps(
  catalog: Catalog,
  start: LoadedTable,
  all: readonly Step[],
  first: number,
): Promise<readonly LoadedTable[]> {
  // All files at once: what the schemas will be can be known without a commit.
  const planned: TableMetadata[] = [];
  for (const step of all) planned.push(evolve(planned.at(-1) ?? start.metadata, ...operationsOf(step)));
  const files = planned.map((metadata, index) => ({
    path: new URL(`${metadata.location}/data/step-${first + index}.parquet`).pathname,
    schema: schemaToJson(currentSchema(metadata)),
    step: first + index,
  }));
  const { sizes } = await judge<{ sizes: number[] }>('write', { files });
  const states: LoadedTable[] = [];
  for (const [index, step] of all.entries()) {
    const evolved = await commit(catalog, states.at(-1) ?? start, step);
    const dataFile = describe(evolved.metadata, files[index]!, sizes[index]!);
    const { request } = await prepareAppend({ base: evolved, io, dataFiles: [dataFile] });
    states.push(await catalog.commitTable(evolved.identifier, request));
  }
  return states;
}

/** The partition of a step's rows, and the bounds of `id` in the width that it has at the time. */
function describe(
  metadata: TableMetadata,
  { path, step }: { path: string; step: number },
  size: number,
): DataFile {
  const spec = defaultPartitionSpec(metadata);
  const typeOf = (id: number): PrimitiveType => findField(currentSchema(metadata), id)?.type as PrimitiveType;
  const id = typeOf(1) === 'int' ? step * 10 : BigInt(step * 10);
  const ts = BigInt(5 * step - 7) * 3_600_000_000n;
  const bound = new Map([[1, encodeSingleValue(typeOf(1), id)]]);
  return {
    content: 'data',
    filePath: pathToFileURL(path).href,
    fileFormat: 'PARQUET',
    partition: spec.fields.map(({ sourceId, transform }) =>
      applyTransform(transform, typeOf(sourceId), sourceId === 1 ? id : ts),
    ),
    specId: spec.specId,
    recordCount: 2,
    fileSizeInBytes: size,
    valueCounts: new Map([[1, 2]]),
    nullValueCounts: new Map([[1, 0]]),
    lowerBounds: bound,
    upperBounds: bound,
  };
}

/** What the same steps must give, whoever takes them. Defaults are compared by what they are, too. */
function shape(metadata: TableMetadata): object {
  const { lastColumnId, lastPartitionId, currentSchemaId, defaultSpecId, defaultSortOrderId } = metadata;
  return {
    ...{ lastColumnId, lastPartitionId, currentSchemaId, defaultSpecId, defaultSortOrderId },
    schema: schemaToJson(currentSchema(metadata)),
    spec: defaultPartitionSpec(metadata),
    order: defaultSortOrder(metadata),
    schemaIds: metadata.schemas.map((one) => one.schemaId),
    specIds: metadata.partitionSpecs.map((one) => one.specId),
  };
}

test('a table that we evolve has the ids PyIceberg gives, and PyIceberg, DuckDB and we read every state alike', {
  timeout: 300_000,
}, async () => {
  const warehouse = pathToFileURL(join(folder, 'ours')).href;
  const catalog = createMemoryCatalog({ io, warehouse });
  await catalog.createNamespace(['default']);
  const created = await catalog.createTable(identifier, { schema });
  const states = await takeSteps(catalog, created, steps, 0);
  const theirs = join(folder, 'theirs');
  const { locations } = await judge<{ locations: string[] }>('evolve', {
    sqlite: `${folder}/theirs.db`,
    warehouse: pathToFileURL(theirs).href,
    schema: schemaToJson(schema),
    steps: printed(steps),
  });
  for (const [index, location] of locations.entries()) {
    const metadata = await loadTableMetadata(io, location);
    expect(shape(states[index]!.metadata), `step ${index}`).toEqual(shape(metadata));
  }
  const last = states.at(-1)!;

  // PyIceberg goes on with our table, we with PyIceberg's; both hold all the snapshots from before.
  const further = await judge<{ locations: string[] }>('further', {
    sqlite: `${folder}/further.db`,
    warehouse: pathToFileURL(join(folder, 'further')).href,
    metadata: last.metadataLocation,
    steps: printed(furtherSteps),
  });
  const adopted = await catalog.registerTable({ ...identifier, name: 'adopted' }, locations.at(-1)!);
  const continued = await takeSteps(catalog, adopted, furtherSteps, 100);
  for (const [index, location] of further.locations.entries()) {
    const metadata = await loadTableMetadata(io, location);
    expect(shape(continued[index]!.metadata), `further step ${index}`).toEqual(shape(metadata));
  }
  await expectAllReadAlike(further.locations.at(-1)!, steps.length + furtherSteps.length);
  await expectAllReadAlike(continued.at(-1)!.metadataLocation, steps.length + furtherSteps.length);
});
