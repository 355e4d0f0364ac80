import {
  type CreateTableOptions,
  createBranch,
  createTag,
  type DataFile,
  deleteDataFiles,
  eq,
  expireSnapshots,
  fastAppend,
  mergeAppend,
  overwriteFiles,
  replacePartitions,
  replaceSortOrder,
  rewriteFiles,
  rewriteManifests,
  rollbackToSnapshot,
  type TableOperation,
  updatePartitionSpec,
  updateProperties,
  updateSchema,
} from '../../src/index.ts';
import type { JudgedTable } from './judged-table.ts';
import { type Printed, type PrintedRow, printDouble } from './printed.ts';
import { primitives, typedTable } from './typed-rows.ts';

/** What a reader must find in a table. */
export interface ShapeRows {
  readonly rows: readonly PrintedRow[];
  /** An older snapshot, with the columns of then. */
  readonly past?: { readonly snapshotId: bigint; readonly rows: readonly PrintedRow[] };
  /** Columns by whose every value rows are looked up: those that partitions are made of. */
  readonly lookUp?: readonly string[];
  /** A branch or tag that is not where `main` is. */
  readonly ref?: { readonly name: string; readonly rows: readonly PrintedRow[] };
}

/** A kind of table that this package writes: how to make one, and what is in it then. */
export interface Shape {
  readonly options: CreateTableOptions;
  make(table: JudgedTable): Promise<ShapeRows>;
}

const ordersSchema: CreateTableOptions['schema'] = {
  fields: [
    { id: 1, name: 'id', required: true, type: 'long' },
    { id: 2, name: 'region', required: false, type: 'string' },
  ],
};
const byRegion = { fields: [{ sourceId: 2, name: 'region', transform: 'identity' as const }] };

const text = (value: string | null): Printed => (value === null ? null : `s:${value}`);

/** Ids `from` to `toExclusive`, in the regions in turn. */
function orders(
  from: number,
  toExclusive: number,
  regions: readonly (string | null)[] = ['eu', 'us', null],
): PrintedRow[] {
  return Array.from({ length: toExclusive - from }, (_, i) => ({
    id: String(from + i),
    region: text(regions[(from + i) % regions.length] ?? null),
  }));
}

/** Appends the rows in a commit of their own, and gives the snapshot. */
async function append(
  table: JudgedTable,
  rows: readonly PrintedRow[],
  operation: (options: { dataFiles: readonly DataFile[]; branch?: string }) => TableOperation = fastAppend,
  branch = 'main',
): Promise<bigint> {
  return table.commit(operation({ dataFiles: await table.files(rows), branch }));
}

const inRegion = (region: string) => (row: PrintedRow) => row['region'] === text(region);
const files = (all: readonly DataFile[], region: string): DataFile[] =>
  all.filter(({ partition }) => partition[0] === region);

/** All v2 types, without partitions or with one transform of every type it takes. */
function typed(transformOf: (type: string) => string | undefined): Shape {
  const { schema, names, rows } = typedTable(primitives, 5);
  const fields = primitives.flatMap(([type], i) => {
    const transform = transformOf(type);
    return transform === undefined ? [] : [{ sourceId: i + 2, name: `${names[i]}_part`, transform }];
  });
  return {
    options: { schema: schema as CreateTableOptions['schema'], partitionSpec: { fields } },
    async make(table) {
      await append(table, rows);
      return { rows, lookUp: fields.map(({ sourceId }) => names[sourceId - 2]!) };
    },
  };
}

const isOneOf =
  (transform: string, ...types: readonly string[]) =>
  (type: string): string | undefined =>
    types.includes(type.replace(/[[(].*/, '')) ? transform : undefined;

const times = ['date', 'timestamp', 'timestamptz'];
const hashed = ['int', 'long', 'decimal', ...times, 'time', 'string', 'uuid', 'fixed', 'binary'];

export const shapes: Readonly<Record<string, Shape>> = {
  'no snapshot': {
    options: { schema: ordersSchema, partitionSpec: byRegion },
    make: async () => ({ rows: [] }),
  },

  'empty append at the head': {
    options: { schema: ordersSchema },
    async make(table) {
      const rows = orders(0, 4);
      const snapshotId = await append(table, rows);
      await table.commit(
        fastAppend({ dataFiles: [], tags: ['ledger'] }),
        updateProperties({ set: { k: 'v' } }),
      );
      return { rows, past: { snapshotId, rows } };
    },
  },

  'all types': typed(() => undefined),
  'identity of most types': typed(
    isOneOf('identity', 'boolean', 'int', 'long', 'decimal', ...times, 'time', 'string', 'binary'),
  ),
  'identity of a uuid': typed(isOneOf('identity', 'uuid')),
  'identity of a fixed': typed(isOneOf('identity', 'fixed')),
  'bucket of every type': typed(isOneOf('bucket[7]', ...hashed)),
  truncate: typed((type) =>
    type === 'decimal(9,2)' ? 'truncate[50]' : isOneOf('truncate[3]', 'string', 'int', 'binary')(type),
  ),
  year: typed(isOneOf('year', ...times)),
  month: typed(isOneOf('month', ...times)),
  day: typed(isOneOf('day', ...times)),
  hour: typed(isOneOf('hour', 'timestamp', 'timestamptz')),
  void: typed(isOneOf('void', 'int', 'string')),

  'nested columns': {
    options: {
      schema: {
        fields: [
          { id: 1, name: 'id', required: true, type: 'int' },
          {
            id: 2,
            name: 'attributes',
            required: false,
            type: { type: 'map', keyId: 3, key: 'string', valueId: 4, value: 'string', valueRequired: false },
          },
          {
            id: 5,
            name: 'places',
            required: false,
            type: {
              type: 'list',
              elementId: 6,
              elementRequired: false,
              element: {
                type: 'struct',
                fields: [
                  { id: 7, name: 'name', required: false, type: 'string' },
                  { id: 8, name: 'height', required: false, type: 'double' },
                ],
              },
            },
          },
        ],
      },
    },
    async make(table) {
      const rows: PrintedRow[] = [
        {
          id: '0',
          attributes: {
            map: [
              ['s:k', 's:v'],
              ['s:', null],
            ],
          },
          places: [{ name: 's:Ulm', height: printDouble(478) }, { name: null, height: null }, null],
        },
        { id: '1', attributes: null, places: null },
        { id: '2', attributes: { map: [] }, places: [] },
      ];
      await append(table, rows);
      return { rows };
    },
  },

  'evolved schema': {
    options: {
      schema: {
        fields: [
          { id: 1, name: 'id', required: true, type: 'int' },
          { id: 2, name: 'f', required: false, type: 'float' },
          { id: 3, name: 'amount', required: false, type: 'decimal(9,2)' },
          { id: 4, name: 'old', required: false, type: 'string' },
          {
            id: 5,
            name: 'place',
            required: false,
            type: {
              type: 'struct',
              fields: [
                { id: 6, name: 'city', required: false, type: 'string' },
                { id: 7, name: 'zip', required: false, type: 'string' },
              ],
            },
          },
        ],
      },
    },
    async make(table) {
      const half = printDouble(0.5);
      const first: PrintedRow[] = [
        { id: '1', f: half, amount: '1420', old: 's:a', place: { city: 's:Ulm', zip: 's:89073' } },
        { id: '2', f: null, amount: null, old: null, place: null },
      ];
      const snapshotId = await append(table, first);
      await table.commit(
        updateSchema((schema) => {
          schema.widenColumn('id', 'long').widenColumn('f', 'double').widenColumn('amount', 'decimal(18,2)');
          schema.renameColumn('place.city', 'town').dropColumn('place.zip');
          schema.addColumn('place.country', { type: 'string' }).moveFirst('amount');
          schema.dropColumn('old').addColumn('old', { type: 'long' });
        }),
      );
      const place = { town: 's:Bonn', country: 's:de' };
      const second: PrintedRow[] = [
        { amount: '99999999999', id: '9007199254740993', f: printDouble(1e300), place, old: '4' },
      ];
      await append(table, second);
      const rows = [
        { amount: '1420', id: '1', f: half, place: { town: 's:Ulm', country: null }, old: null },
        { amount: null, id: '2', f: null, place: null, old: null },
        ...second,
      ];
      return { rows, past: { snapshotId, rows: first } };
    },
  },

  'evolved spec': {
    options: { schema: ordersSchema, partitionSpec: byRegion },
    async make(table) {
      const snapshotId = await append(table, orders(0, 6));
      await table.commit(updatePartitionSpec((spec) => spec.addField('id', 'bucket[2]')));
      await append(table, orders(6, 12));
      await table.commit(
        updatePartitionSpec((spec) => spec.removeField('region').renameField('id_bucket_2', 'shard')),
      );
      await append(table, orders(12, 18));
      await table.commit(updatePartitionSpec((spec) => spec.removeField('shard')));
      await append(table, orders(18, 20));
      return { rows: orders(0, 20), past: { snapshotId, rows: orders(0, 6) } };
    },
  },

  'sort order': {
    options: { schema: ordersSchema },
    async make(table) {
      await table.commit(
        replaceSortOrder((order) => order.asc('region', { transform: 'truncate[2]' }).desc('id')),
      );
      await append(table, orders(0, 4));
      return { rows: orders(0, 4) };
    },
  },

  'many manifests': {
    options: { schema: ordersSchema, partitionSpec: byRegion },
    async make(table) {
      let half = 0n;
      for (let i = 0; i < 30; i += 1) {
        const id = await append(table, orders(i, i + 1));
        if (i === 14) half = id;
      }
      return { rows: orders(0, 30), past: { snapshotId: half, rows: orders(0, 15) } };
    },
  },

  'merged manifests': {
    options: {
      schema: ordersSchema,
      partitionSpec: byRegion,
      properties: { 'commit.manifest.min-count-to-merge': '2' },
    },
    async make(table) {
      await append(table, orders(0, 6), mergeAppend);
      const snapshotId = await append(table, orders(6, 12), mergeAppend);
      await table.commit(deleteDataFiles({ partitions: [{ specId: 0, partition: ['us'] }] }));
      await append(table, orders(12, 15), mergeAppend);
      const left = orders(0, 12).filter((row) => !inRegion('us')(row));
      return { rows: [...left, ...orders(12, 15)], past: { snapshotId, rows: orders(0, 12) } };
    },
  },

  'rewritten manifests': {
    options: { schema: ordersSchema, partitionSpec: byRegion },
    async make(table) {
      for (let i = 0; i < 4; i += 1) await append(table, orders(3 * i, 3 * i + 3));
      await table.commit(rewriteManifests({ clusterBy: ({ partition }) => String(partition[0]) }));
      return { rows: orders(0, 12) };
    },
  },

  'deleted files': {
    options: { schema: ordersSchema, partitionSpec: byRegion },
    async make(table) {
      const snapshotId = await append(table, orders(0, 9));
      await table.commit(deleteDataFiles({ filter: eq('region', 'eu') }));
      return {
        rows: orders(0, 9).filter((row) => !inRegion('eu')(row)),
        past: { snapshotId, rows: orders(0, 9) },
      };
    },
  },

  'all files deleted': {
    options: { schema: ordersSchema },
    async make(table) {
      const added = await table.files(orders(0, 3));
      const snapshotId = await table.commit(fastAppend({ dataFiles: added }));
      await table.commit(deleteDataFiles({ files: added }));
      return { rows: [], past: { snapshotId, rows: orders(0, 3) } };
    },
  },

  overwritten: {
    options: { schema: ordersSchema, partitionSpec: byRegion },
    async make(table) {
      const added = await table.files(orders(0, 9));
      const snapshotId = await table.commit(fastAppend({ dataFiles: added }));
      const kept = orders(0, 9).filter((row) => inRegion('eu')(row) && row['id'] !== '3');
      const addDataFiles = await table.files(kept);
      await table.commit(overwriteFiles({ removeDataFiles: files(added, 'eu'), addDataFiles }));
      return {
        rows: [...orders(0, 9).filter((row) => !inRegion('eu')(row)), ...kept],
        past: { snapshotId, rows: orders(0, 9) },
      };
    },
  },

  'partitions replaced': {
    options: { schema: ordersSchema, partitionSpec: byRegion },
    async make(table) {
      await append(table, orders(0, 9));
      const rows = [{ id: '100', region: text('us') }];
      await table.commit(replacePartitions({ addDataFiles: await table.files(rows) }));
      return { rows: [...orders(0, 9).filter((row) => !inRegion('us')(row)), ...rows] };
    },
  },

  compacted: {
    options: { schema: ordersSchema, partitionSpec: byRegion },
    async make(table) {
      const small: DataFile[] = [];
      for (let i = 0; i < 3; i += 1) {
        const dataFiles = await table.files(orders(6 * i, 6 * i + 6));
        small.push(...dataFiles);
        await table.commit(fastAppend({ dataFiles }));
      }
      const addDataFiles = await table.files(orders(0, 18).filter(inRegion('eu')));
      await table.commit(rewriteFiles({ removeDataFiles: files(small, 'eu'), addDataFiles }));
      await append(table, orders(18, 20));
      return { rows: orders(0, 20) };
    },
  },

  'branch and tag': {
    options: { schema: ordersSchema },
    async make(table) {
      const snapshotId = await append(table, orders(0, 3));
      await table.commit(
        createTag('v1', { at: snapshotId }),
        createBranch('audit', { minSnapshotsToKeep: 2 }),
      );
      await append(table, orders(3, 5));
      await append(table, orders(100, 102), fastAppend, 'audit');
      return {
        rows: orders(0, 5),
        past: { snapshotId, rows: orders(0, 3) },
        ref: { name: 'audit', rows: [...orders(0, 3), ...orders(100, 102)] },
      };
    },
  },

  'rolled back': {
    options: { schema: ordersSchema },
    async make(table) {
      const first = await append(table, orders(0, 3));
      const second = await append(table, orders(3, 5));
      await table.commit(rollbackToSnapshot(first));
      return { rows: orders(0, 3), past: { snapshotId: second, rows: orders(0, 5) } };
    },
  },

  'expired snapshots': {
    options: { schema: ordersSchema },
    async make(table) {
      const ids: bigint[] = [];
      for (let i = 0; i < 4; i += 1) ids.push(await append(table, orders(2 * i, 2 * i + 2)));
      await table.commit(expireSnapshots({ snapshotIds: ids.slice(0, 2) }));
      return { rows: orders(0, 8), past: { snapshotId: ids[2]!, rows: orders(0, 6) } };
    },
  },

  'gzip metadata': {
    options: { schema: ordersSchema, properties: { 'write.metadata.compression-codec': 'gzip' } },
    async make(table) {
      await append(table, orders(0, 3));
      return { rows: orders(0, 3) };
    },
  },
};
