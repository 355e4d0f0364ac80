import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Printed, PrintedRow } from '../support/printed.ts';
import { primitives, typedTable } from '../support/typed-rows.ts';
import type { Shape, ShapeContext } from './golden-shape-parts.ts';
import {
  byRegion,
  create,
  double,
  field,
  goldenUri,
  idAndRegion,
  listOf,
  mapOf,
  only,
  rowsOf,
  specOf,
  text,
} from './golden-shape-parts.ts';
import type { JavaTable } from './java-table.ts';

const hour = 3_600_000_000;
const day = 24 * hour;
const moments = [0, -1, hour, -hour - 1, day, -day, -day - 1, 31 * day, 365 * day, 1_700_000_000_000_001];

/** Partitioned by a transform of dates and of both kinds of timestamps; before 1970 too. */
function byTime(transform: string): Shape {
  return async (table) => {
    const schema = {
      type: 'struct',
      fields: [
        field(1, 'id', 'int', true),
        field(2, 'd', 'date'),
        field(3, 't', 'timestamp'),
        field(4, 'z', 'timestamptz'),
      ],
    };
    const columns =
      transform === 'hour' ? [['t', 3] as const, ['z', 4] as const] : [['d', 2] as const, ['z', 4] as const];
    const spec = specOf(columns.map(([name, id]) => [id, `${name}_${transform}`, transform]));
    await create(table, `transform-${transform}`, schema, { spec });
    const row = (micros: number | null, i: number): PrintedRow => ({
      id: String(i),
      d: micros === null ? null : String(Math.floor(micros / day)),
      t: micros === null ? null : String(micros),
      z: micros === null ? null : String(micros),
    });
    await table.append(moments.slice(0, 5).map(row));
    await table.append([...moments.slice(5), null].map((micros, i) => row(micros, i + 5)));
  };
}

/** Partitioned by one transform of several columns, of every second type. */
function byTransform(name: string, transformOf: (type: string) => string | undefined): Shape {
  return async (table) => {
    const { schema, names, rows } = typedTable(primitives, 5);
    const fields = primitives.flatMap(([type], i) => {
      const transform = transformOf(type);
      return transform ? [[i + 2, `${names[i]}_part`, transform] as const] : [];
    });
    await create(table, name, schema, { spec: specOf(fields) });
    // Folders for so many partition fields would have names too long for some file systems.
    await table.commit({ type: 'fastAppend', add: await table.writeData(rows, { flat: true }) });
  };
}

const bucketed = [
  'int',
  'long',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'string',
  'uuid',
  'fixed[3]',
  'binary',
];
const truncated: Readonly<Record<string, number>> = {
  int: 10,
  long: 1000,
  string: 3,
  binary: 2,
  // Not those at the edge of their precision: Java cannot write the next lower multiple.
  'decimal(9,2)': 50,
};

/** A v1 table with some history. */
async function makeV1(table: JavaTable, name: string): Promise<void> {
  await create(table, name, idAndRegion, { spec: byRegion }, 1);
  await table.append(rowsOf(0, 6, ['eu', 'us', null]));
  await table.append(rowsOf(6, 12, ['eu', 'us', null]));
  await table.commit({ type: 'delete', filter: { type: 'eq', term: 'region', value: 'us' } });
  // In v1 a removed partition field stays, as void.
  await table.commit({
    type: 'spec',
    changes: [
      { do: 'remove', name: 'region' },
      { do: 'add', source: 'id', transform: 'bucket[2]', name: 'id_bucket' },
    ],
  });
  await table.append(rowsOf(20, 24));
}

/** Parquet without field ids, as pyarrow writes it; the table finds its columns by name. */
async function makeNameMapping(table: JavaTable, { folder }: ShapeContext): Promise<void> {
  const name = 'name-mapping';
  // With the ids that a new table gets: columns first.
  const schema = {
    type: 'struct',
    fields: [
      field(1, 'id', 'long', true),
      field(2, 'label', 'string'),
      field(3, 'place', { type: 'struct', fields: [field(7, 'city', 'string'), field(8, 'zip', 'int')] }),
      field(4, 'tags', listOf(9, 'string')),
      field(5, 'counts', mapOf(10, 'string', 'long')),
      field(6, 'unmapped', 'string'),
    ],
  };
  const mapped = (id: number, names: readonly string[], fields: readonly object[] = []) => ({
    'field-id': id,
    names,
    ...(fields.length > 0 ? { fields } : {}),
  });
  const mapping = [
    mapped(1, ['id']),
    mapped(2, ['label', 'old.name']),
    mapped(3, ['place'], [mapped(7, ['town', 'city']), mapped(8, ['zip'])]),
    mapped(4, ['tags'], [mapped(9, ['element'])]),
    mapped(5, ['counts'], [mapped(10, ['key']), mapped(11, ['value'])]),
  ];
  await create(table, name, schema, {
    properties: { 'format-version': '2', 'schema.name-mapping.default': JSON.stringify(mapping) },
  });
  mkdirSync(join(folder, 'data'), { recursive: true });
  const program = `
import sys, pyarrow as pa, pyarrow.parquet as pq
town = pa.struct([("town", pa.string()), ("zip", pa.int32())])
pq.write_table(pa.table({
    "id": pa.array([1, 2, 3], pa.int64()), "old.name": ["a", None, "c"], "unmapped": ["not", "to be", "found"],
    "place": pa.array([{"town": "Ulm", "zip": 89073}, None, {"town": None, "zip": 1}], town),
    "tags": pa.array([["x", None], [], None], pa.list_(pa.string())),
    "counts": pa.array([[("k", 1)], None, [("l", None)]], pa.map_(pa.string(), pa.int64())),
}), sys.argv[1] + "/data/foreign-1.parquet", compression="zstd")
pq.write_table(pa.table({"id": pa.array([4], pa.int64()), "label": ["d"]}), sys.argv[1] + "/data/foreign-2.parquet")
`;
  execFileSync(process.env.DANUBE_PYTHON ?? 'python3', ['-c', program, folder]);
  for (const file of ['foreign-1', 'foreign-2']) {
    await table.commit({
      type: 'fastAppend',
      add: await table.describeFile(goldenUri(name, `data/${file}.parquet`)),
    });
  }
  await table.append([
    {
      id: '5',
      label: 's:e',
      place: { city: 's:Bonn', zip: '53111' },
      tags: [],
      counts: null,
      unmapped: 's:u',
    },
  ]);
}

export const plainShapes: Readonly<Record<string, Shape>> = {
  'all-types': async (table) => {
    const { schema, rows } = typedTable(primitives, 5);
    await create(table, 'all-types', schema);
    await table.append(rows);
  },

  /** v3: nanoseconds. */
  'all-types-v3': async (table) => {
    const { schema, rows } = typedTable(
      [
        ...primitives,
        ['timestamp_ns', ['-1', '1700000000000000001']],
        ['timestamptz_ns', ['-9223372036854775808', '9223372036854775807', '0']],
      ],
      5,
    );
    await create(table, 'all-types-v3', schema, {}, 3);
    await table.append(rows);
  },

  nested: async (table) => {
    const point = { type: 'struct', fields: [field(20, 'x', 'double', true), field(21, 'y', 'double')] };
    await create(table, 'nested', {
      type: 'struct',
      fields: [
        field(1, 'id', 'int', true),
        field(2, 'attributes', mapOf(10, 'string', 'string')),
        field(3, 'tags', listOf(12, 'string')),
        field(
          4,
          'places',
          listOf(13, { type: 'struct', fields: [field(14, 'name', 'string'), field(15, 'at', point)] }),
        ),
        field(5, 'matrix', listOf(16, listOf(17, 'int', true))),
        field(6, 'by', mapOf(18, 'long', listOf(22, 'decimal(9,2)'))),
      ],
    });
    const nothing = { attributes: null, tags: null, places: null, matrix: null, by: null };
    await table.append([
      {
        id: '0',
        attributes: {
          map: [
            ['s:k', 's:v'],
            ['s:', null],
          ],
        },
        tags: ['s:a', null, 's:'],
        places: [{ name: 's:Ulm', at: { x: double(1.5), y: null } }, { name: null, at: null }, null],
        matrix: [['1', '2'], [], null],
        by: {
          map: [
            ['9007199254740993', ['-1', null]],
            ['0', null],
          ],
        },
      },
      { id: '1', ...nothing },
      { id: '2', attributes: { map: [] }, tags: [], places: [], matrix: [], by: { map: [] } },
      {
        id: '3',
        ...nothing,
        tags: [null],
        matrix: [[]],
        places: [{ name: 's:', at: { x: double(0), y: double(-0) } }],
      },
    ]);
  },

  'transform-identity': byTransform('transform-identity', (type) =>
    type === 'float' || type === 'double' ? undefined : 'identity',
  ),
  'transform-bucket': byTransform('transform-bucket', (type) =>
    bucketed.includes(type) || type.startsWith('decimal') ? 'bucket[7]' : undefined,
  ),
  'transform-truncate': byTransform('transform-truncate', (type) => {
    const width = truncated[type];
    return width === undefined ? undefined : `truncate[${width}]`;
  }),
  'transform-void': byTransform('transform-void', (type) =>
    type === 'string' || type === 'int' ? 'void' : undefined,
  ),
  'transform-year': byTime('year'),
  'transform-month': byTime('month'),
  'transform-day': byTime('day'),
  'transform-hour': byTime('hour'),

  /** Columns added, dropped, renamed, widened, moved and made optional; a dropped name used again with another type. */
  'evolved-schema': async (table) => {
    await create(table, 'evolved-schema', {
      type: 'struct',
      fields: [
        field(1, 'id', 'int', true),
        field(2, 'f', 'float'),
        field(3, 'amount', 'decimal(9,2)'),
        field(4, 'old', 'string'),
        field(5, 'place', {
          type: 'struct',
          fields: [field(6, 'city', 'string'), field(7, 'zip', 'string')],
        }),
        field(8, 'list', { type: 'list', 'element-id': 9, 'element-required': false, element: 'int' }),
        field(10, 'must', 'long', true),
      ],
    });
    const place = { city: 's:Ulm', zip: 's:89073' };
    await table.append([
      { id: '1', f: double(0.5), amount: '1420', old: 's:a', place, list: ['1', null], must: '1' },
      { id: '2', f: null, amount: null, old: null, place: null, list: null, must: '2' },
    ]);
    await table.commit({
      type: 'schema',
      changes: [
        { do: 'widen', name: 'id', type: 'long' },
        { do: 'widen', name: 'f', type: 'double' },
        { do: 'widen', name: 'amount', type: 'decimal(18,2)' },
        { do: 'widen', name: 'list.element', type: 'long' },
        { do: 'rename', name: 'old', to: 'older' },
        { do: 'rename', name: 'place.city', to: 'town' },
        { do: 'drop', name: 'place.zip' },
        { do: 'add', parent: 'place', name: 'country', type: 'string' },
        {
          do: 'add',
          name: 'added',
          type: { type: 'struct', fields: [field(1, 'a', 'int'), field(2, 'b', 'string')] },
        },
        { do: 'optional', name: 'must' },
        { do: 'first', name: 'amount' },
      ],
    });
    const now = { town: 's:Bonn', country: 's:de' };
    await table.append([
      {
        amount: '99999999999',
        id: '9007199254740993',
        f: double(1e300),
        older: 's:b',
        place: now,
        list: ['9007199254740993'],
        must: null,
        added: { a: '1', b: null },
      },
    ]);
    await table.commit({
      type: 'schema',
      changes: [
        { do: 'drop', name: 'older' },
        { do: 'drop', name: 'must' },
      ],
    });
    await table.commit({
      type: 'schema',
      changes: [
        { do: 'add', name: 'older', type: 'long' },
        { do: 'after', name: 'older', reference: 'id' },
      ],
    });
    await table.append([
      { id: '4', older: '4', amount: null, f: null, place: null, list: null, added: null },
    ]);
  },

  /** v3: columns with initial and write defaults, read from files that lack them. */
  'column-defaults': async (table) => {
    await create(table, 'column-defaults', idAndRegion, {}, 3);
    await table.append(rowsOf(0, 3));
    const add = (name: string, type: string, value: Printed, required = false) => ({
      do: 'add',
      name,
      type,
      default: value,
      required,
    });
    await table.commit({
      type: 'schema',
      changes: [
        add('n', 'int', '7', true),
        add('l', 'long', '9007199254740993'),
        add('d', 'double', double(1.5)),
        add('s', 'string', 's:ü'),
        add('b', 'boolean', true),
        add('day', 'date', '-1'),
        add('z', 'timestamptz', '1700000000000001'),
        add('dec', 'decimal(9,2)', '-1420'),
        add('u', 'uuid', 's:f79c3e09-677c-4bbd-a479-3f349cb785e7'),
        add('bin', 'binary', 'x:00ff'),
      ],
    });
    const nothing = { l: null, d: null, s: null, b: null, day: null, z: null, dec: null, u: null, bin: null };
    await table.append([{ ...nothing, id: '10', region: null, n: '0' }]);
  },

  /** Partition fields added, removed and renamed; files of four specs side by side. */
  'evolved-spec': async (table) => {
    await create(table, 'evolved-spec', idAndRegion, { spec: byRegion });
    await table.append(rowsOf(0, 6, ['eu', 'us', null]));
    const change = async (...changes: object[]) => table.commit({ type: 'spec', changes });
    await change({ do: 'add', source: 'id', transform: 'bucket[2]', name: 'id_bucket' });
    await table.append(rowsOf(6, 12, ['eu', 'us', null]));
    await change({ do: 'remove', name: 'region' }, { do: 'rename', name: 'id_bucket', to: 'shard' });
    await table.append(rowsOf(12, 18, ['eu', 'us', null]));
    await change({ do: 'remove', name: 'shard' });
    await table.append(rowsOf(18, 20, ['eu', 'us', null]));
    // The first field comes back with the id it had.
    await change({ do: 'add', source: 'region', transform: 'identity', name: 'region' });
    await table.append(rowsOf(20, 23, ['eu', 'us', null]));
  },

  /** Three appends that merge manifests, and entries of a deleted file that a later merge drops. */
  'merged-manifests': async (table) => {
    await create(table, 'merged-manifests', idAndRegion, {
      spec: byRegion,
      properties: { 'format-version': '2', 'commit.manifest.min-count-to-merge': '2' },
    });
    await table.append(rowsOf(0, 4, ['eu', 'us']), 'append');
    await table.append(rowsOf(4, 8, ['eu', 'us']), 'append');
    await table.commit({ type: 'delete', filter: { type: 'eq', term: 'region', value: 'us' } });
    await table.append(rowsOf(8, 12, ['eu', 'us']), 'append');
    await table.commit({ type: 'rewriteManifests', clusterBy: 'path' });
  },

  /** Copy-on-write: an overwrite, a compaction, partitions replaced; entries of every status. */
  rewritten: async (table) => {
    await create(table, 'rewritten', idAndRegion, { spec: byRegion });
    const [eu, us] = (await table.writeData(rowsOf(0, 10, ['eu', 'us']))) as [string, string];
    await table.commit({ type: 'fastAppend', add: [eu, us] });
    const without4 = await table.writeData(
      rowsOf(0, 10, ['eu', 'us']).filter(({ id, region }) => region === 's:eu' && id !== '4'),
    );
    await table.commit({ type: 'overwrite', remove: [eu], add: without4 });
    const [more] = (await table.writeData(
      rowsOf(11, 20, ['eu', 'us']).filter(({ region }) => region === 's:us'),
    )) as [string];
    const { snapshotId } = await table.commit({ type: 'fastAppend', add: [more] });
    const compacted = await table.writeData(
      rowsOf(0, 20, ['eu', 'us']).filter(({ region }) => region === 's:us'),
    );
    await table.commit({
      type: 'rewriteFiles',
      remove: [us, more],
      add: compacted,
      dataSequenceNumber: 3,
      validateFrom: snapshotId,
    });
    await table.commit({
      type: 'replacePartitions',
      add: await table.writeData([{ id: '100', region: text('eu') }]),
    });
  },

  /** v1: no sequence numbers, manifests without content, a delete of whole files, a void field for a removed one. */
  v1: async (table) => makeV1(table, 'v1'),

  'v1-upgraded': async (table) => {
    await makeV1(table, 'v1-upgraded');
    await table.commit({ type: 'properties', set: { 'format-version': '2' } });
    const { snapshotId } = await table.append(rowsOf(30, 34));
    const keys = await table.writeEqualityDeletes(['id'], [...rowsOf(20, 22), ...rowsOf(30, 31)]);
    await table.commit({ type: 'rowDelta', addDeletes: keys, validateFrom: snapshotId });
  },

  /** A branch that went its own way, one with a schema newer than its snapshot, tags, retention, and a rollback. */
  refs: async (table) => {
    await create(table, 'refs', idAndRegion);
    const first = await table.append(rowsOf(0, 3));
    const second = await table.append(rowsOf(3, 6));
    const at = (state: { snapshotId: string | null }) => ({ snapshotId: state.snapshotId });
    await table.commit({
      type: 'snapshots',
      changes: [
        { do: 'createTag', name: 'v1.0', ...at(first) },
        { do: 'createBranch', name: 'audit', ...at(first) },
        { do: 'createBranch', name: 'kept', ...at(second) },
        { do: 'maxRefAgeMs', name: 'v1.0', value: '9007199254740993' },
        { do: 'minSnapshotsToKeep', name: 'kept', value: 5 },
        { do: 'maxSnapshotAgeMs', name: 'kept', value: 86_400_000 },
      ],
    });
    await table.append(rowsOf(100, 102), 'fastAppend', { branch: 'audit' });
    await table.commit({ type: 'schema', changes: [{ do: 'add', name: 'note', type: 'string' }] });
    await table.append([{ id: '6', region: null, note: 's:n' }]);
    await table.commit({ type: 'snapshots', changes: [{ do: 'rollbackTo', ...at(second) }] });
  },

  'gzip-metadata': async (table) => {
    await create(table, 'gzip-metadata', idAndRegion, {
      properties: { 'format-version': '2', 'write.metadata.compression-codec': 'gzip' },
    });
    await table.append(rowsOf(0, 3));
  },

  'name-mapping': makeNameMapping,

  /** A Puffin file of table statistics, and partition statistics. */
  statistics: async (table) => {
    await create(table, 'statistics', idAndRegion, { spec: byRegion });
    await table.append(rowsOf(0, 6, ['eu', 'us']));
    await table.commit({ type: 'statistics', blobType: 'apache-datasketches-theta-v1', fields: [1] });
    await table.commit({ type: 'partitionStatistics' });
  },

  /** v3: rows keep their ids when they are copied to another file; an update changes the second number alone. */
  'row-lineage': async (table, context) => {
    await create(table, 'row-lineage', idAndRegion, {}, 3);
    context.lineage = true;
    const first = only(await table.writeData(rowsOf(0, 5)));
    await table.commit({ type: 'fastAppend', add: [first] });
    await table.append(rowsOf(5, 8), 'append');
    // Row 3 is changed, row 4 goes, all others are copied as they are.
    const copied = rowsOf(0, 4).map((row) => ({
      ...row,
      region: row['id'] === '3' ? text('changed') : row['region']!,
      _row_id: row['id']!,
      _last_updated_sequence_number: row['id'] === '3' ? null : '1',
    }));
    const copy = await table.writeData(copied, { lineage: true });
    await table.commit({ type: 'overwrite', remove: [first], add: copy });
    const { files } = await table.writeDeletionVectors({ [copy[0]!]: [0] });
    await table.commit({ type: 'rowDelta', addDeletes: files });
    await table.append(rowsOf(8, 10));
  },

  /** v2 with two snapshots, then v3: old rows have no ids until a commit gives their manifests some. */
  'row-lineage-upgraded': async (table, context) => {
    await create(table, 'row-lineage-upgraded', idAndRegion);
    context.lineage = true;
    await table.append(rowsOf(0, 3));
    await table.append(rowsOf(3, 5));
    await table.commit({ type: 'properties', set: { 'format-version': '3' } });
    await table.append(rowsOf(5, 7));
  },

  /** Snapshots expired: a log that begins later, a parent that is not there any more. */
  expired: async (table) => {
    await create(table, 'expired', idAndRegion);
    const states = [];
    for (let i = 0; i < 4; i += 1) states.push(await table.append(rowsOf(3 * i, 3 * i + 3)));
    await table.commit({ type: 'delete', filter: { type: 'lt', term: 'id', value: 3 } });
    await table.commit({
      type: 'expire',
      snapshotIds: states.slice(0, 3).map(({ snapshotId }) => snapshotId),
    });
  },

  /** No snapshot at all; a sort order and identifier fields. */
  empty: async (table) => {
    await create(
      table,
      'empty',
      { ...idAndRegion, 'identifier-field-ids': [1] },
      {
        spec: byRegion,
        sortOrder: {
          'order-id': 1,
          fields: [
            { transform: 'bucket[4]', 'source-id': 1, direction: 'desc', 'null-order': 'nulls-last' },
            { transform: 'identity', 'source-id': 2, direction: 'asc', 'null-order': 'nulls-first' },
          ],
        },
      },
    );
  },
};
