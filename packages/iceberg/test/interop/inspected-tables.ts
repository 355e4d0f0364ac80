import {
  createMemoryCatalog,
  currentSnapshot,
  type DataFile,
  encodeSingleValue,
  type FileIO,
  type LoadedTable,
  prepareAppend,
  readSnapshotManifests,
  type TableUpdate,
} from '../../src/index.ts';
import { ManifestList } from '../../src/manifest/manifest-list.ts';
import { encodeManifests, withSequenceNumber } from '../../src/manifest/manifest-writer.ts';

const identifier = { namespace: ['default'], name: 'changed' };

/**
 * Two tables that we wrote, for others to look into: one with position and equality deletes, a widened and a new
 * column, two specs, a rollback, a branch and a tag; and one that never had a snapshot. Data files are only described.
 */
export async function makeInspectedTables(io: FileIO, warehouse: string): Promise<readonly LoadedTable[]> {
  const catalog = createMemoryCatalog({ io, warehouse });
  await catalog.createNamespace(['default']);
  const schema = {
    fields: [
      { id: 1, name: 'id', required: true, type: 'int' },
      { id: 2, name: 'at', required: false, type: 'timestamptz' },
      { id: 3, name: 'region', required: false, type: 'string' },
    ],
  } as const;
  const fields = [
    { sourceId: 2, name: 'at_day', transform: 'day' },
    { sourceId: 3, name: 'region_start', transform: 'truncate[2]' },
  ];
  let table = await catalog.createTable(identifier, { schema, partitionSpec: { fields } });
  const commit = async (...updates: TableUpdate[]): Promise<void> => {
    table = await catalog.commitTable(identifier, { requirements: [], updates });
  };
  const append = async (...dataFiles: DataFile[]): Promise<void> => {
    const { request } = await prepareAppend({ base: table, io, dataFiles });
    table = await catalog.commitTable(identifier, request);
  };
  await append(file('a', [20_000, 'eu'], 10), file('b', [20_001, null], 20));
  const first = table.metadata.currentSnapshotId!;
  await append(file('c', [20_000, 'eu'], 30));
  await append(file('lost', [20_000, 'us'], 40));
  await commit({ action: 'set-snapshot-ref', refName: 'main', type: 'branch', snapshotId: first });
  await commit(
    { action: 'set-snapshot-ref', refName: 'kept', type: 'tag', snapshotId: first, maxRefAgeMs: 86_400_000 },
    {
      action: 'set-snapshot-ref',
      refName: 'audit',
      type: 'branch',
      snapshotId: first,
      minSnapshotsToKeep: 2,
    },
  );
  const [widened, ...rest] = table.metadata.schemas[0]!.fields;
  await commit(
    {
      action: 'add-schema',
      schema: {
        schemaId: 1,
        fields: [
          { ...widened!, type: 'long' },
          ...rest,
          { id: 4, name: 'note', required: false, type: 'string' },
        ],
      },
    },
    { action: 'set-current-schema', schemaId: -1 },
    {
      action: 'add-spec',
      spec: { fields: [fields[0]!, { sourceId: 1, name: 'id_bucket', transform: 'bucket[4]' }] },
    },
    { action: 'set-default-spec', specId: -1 },
  );
  await append({ ...file('d', [20_000, 3], 50, 'long'), specId: 1 });
  await addDeletes(io, table, [
    { ...file('p', [20_000, 'eu'], 5), content: 'position-deletes' },
    { ...file('e', [20_000, 'eu'], 2), content: 'equality-deletes', equalityIds: [1] },
  ]);
  const empty = await catalog.createTable({ ...identifier, name: 'empty' }, { schema });
  return [table, empty];
}

function file(
  name: string,
  partition: DataFile['partition'],
  rows: number,
  type: 'int' | 'long' = 'int',
): DataFile {
  const bound = (value: number) => encodeSingleValue(type, type === 'int' ? value : BigInt(value));
  return {
    content: 'data',
    filePath: `file:///nowhere/${name}.parquet`,
    fileFormat: 'PARQUET',
    partition,
    specId: 0,
    recordCount: rows,
    fileSizeInBytes: 1000 + rows,
    columnSizes: new Map([1, 2, 3].map((id) => [id, 100 + id])),
    valueCounts: new Map([1, 2, 3].map((id) => [id, rows])),
    nullValueCounts: new Map([[1, 0]]),
    nanValueCounts: new Map(),
    lowerBounds: new Map([[1, bound(-rows)]]),
    upperBounds: new Map([
      [1, bound(rows)],
      [3, encodeSingleValue('string', 'ü')],
    ]),
    splitOffsets: [4, 500],
  };
}

/** Puts a manifest of delete files into the current snapshot, as a row-level delete would. */
async function addDeletes(io: FileIO, { metadata }: LoadedTable, files: readonly DataFile[]): Promise<void> {
  const { snapshotId, sequenceNumber, parentSnapshotId, manifestList } = currentSnapshot(metadata)!;
  const manifests = await readSnapshotManifests(io, currentSnapshot(metadata)!);
  const location = `${metadata.location}/metadata/deletes.avro`;
  const entries = files.map((dataFile) => ({ status: 'added', dataFile }) as const);
  const spec = metadata.partitionSpecs[0]!;
  const [deletes] = encodeManifests(
    { metadata, spec, content: 'deletes', snapshotId, entries },
    () => location,
  );
  await io.writeFile(location, deletes!.bytes);
  const list = ManifestList.of([...manifests, withSequenceNumber(deletes!.manifest, sequenceNumber)]);
  const parent = parentSnapshotId === undefined ? {} : { parentSnapshotId };
  await io.writeFile(manifestList, list.encode({ snapshotId, sequenceNumber, ...parent }));
}
