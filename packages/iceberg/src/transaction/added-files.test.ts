import { expect, test } from 'vitest';
import { dataFile, liveFiles, newTestTable } from '../../test/support/transaction-table.ts';
import {
  type DataFile,
  deleteDataFiles,
  eq,
  fastAppend,
  IcebergError,
  mergeAppend,
  overwriteFiles,
  prepareTransaction,
  replacePartitions,
  rewriteFiles,
} from '../index.ts';

const good = dataFile('good');
const [filePath, other] = [good.filePath, dataFile('other')];

/** What somebody without a type checker may give. */
const bad = (member: string, value: unknown) => ({ ...good, [member]: value }) as unknown as DataFile;

test.each([
  ['filePath', ''],
  ['filePath', 7],
  ['fileFormat', 'parquet'],
  ['partition', undefined],
  ['partition', 'a'],
  ['specId', undefined],
  ['specId', 0.5],
  ['specId', -1],
  ['recordCount', -1],
  ['recordCount', 1.5],
  ['recordCount', 10n],
  ['fileSizeInBytes', Number.NaN],
  ['columnSizes', { 1: 100 }],
  ['columnSizes', new Map([[1, -1]])],
  ['valueCounts', new Map([[1, 10n]])],
  ['valueCounts', new Map([['id', 10]])],
  ['nullValueCounts', new Map([[1, 0.5]])],
  ['nanValueCounts', new Map([[1, -1]])],
  ['lowerBounds', new Map([[1, 7n]])],
  ['lowerBounds', new Map([[1.5, Uint8Array.of(1)]])],
  ['upperBounds', new Map([[1, 'zz']])],
  ['upperBounds', [Uint8Array.of(1)]],
  ['keyMetadata', 'key'],
  ['splitOffsets', [4, 0.5]],
  ['splitOffsets', [-4]],
  ['splitOffsets', 4],
  ['equalityIds', ['id']],
  ['sortOrderId', 1.5],
  ['sortOrderId', -1],
  ['sortOrderId', 2 ** 31],
  ['referencedDataFile', 7],
])('a file to be added with %s %o is refused at once, by file and member', (member, value) => {
  const dataFiles = [other, bad(member, value)];
  for (const make of [
    () => fastAppend({ dataFiles }),
    () => mergeAppend({ dataFiles }),
    () => overwriteFiles({ addDataFiles: dataFiles }),
    () => replacePartitions({ addDataFiles: dataFiles }),
    () => rewriteFiles({ removeDataFiles: [dataFile('old')], addDataFiles: dataFiles }),
  ]) {
    const error = thrownBy(make);
    expect(IcebergError.is(error, 'INVALID_ARGUMENT')).toBe(true);
    expect(String(error)).toContain(member);
    if (member !== 'filePath') expect(String(error)).toContain(filePath);
    expect(error).toMatchObject({ context: { member } });
  }
});

test('no list of files, and what is no file, are refused at once', () => {
  for (const files of [undefined, null, 'a.parquet', [null], ['a.parquet']] as unknown as DataFile[][]) {
    if (files !== undefined) {
      expect(() => rewriteFiles({ removeDataFiles: files })).toThrow(/^INVALID_ARGUMENT/);
    }
    expect(() => fastAppend({ dataFiles: files })).toThrow(/^INVALID_ARGUMENT/);
  }
});

test.each([
  ['filePath', 7],
  ['partition', undefined],
  ['specId', '0'],
])('a file to be removed with %s %o is refused at once', (member, value) => {
  const files = [bad(member, value)];
  for (const make of [
    () => deleteDataFiles({ files }),
    () => overwriteFiles({ removeDataFiles: files }),
    () => rewriteFiles({ removeDataFiles: files }),
  ]) {
    expect(thrownBy(make)).toMatchObject({ code: 'INVALID_ARGUMENT', context: { member } });
  }
});

test('every member that is there may also be absent, or empty', async () => {
  const table = await newTestTable();
  const {
    valueCounts: _,
    nullValueCounts: __,
    lowerBounds: ___,
    upperBounds: ____,
    ...bare
  } = dataFile('bare');
  const full: DataFile = {
    ...dataFile('full'),
    columnSizes: new Map(),
    keyMetadata: Buffer.from('k'),
    splitOffsets: [4, 2 ** 40],
    sortOrderId: 0,
  };
  await table.commit(fastAppend({ dataFiles: [bare, full] }));
  expect(await liveFiles(table)).toEqual(['bare', 'full']);
});

test.each([
  ['fastAppend', (file: DataFile) => fastAppend({ dataFiles: [file] })],
  ['mergeAppend', (file: DataFile) => mergeAppend({ dataFiles: [file] })],
  [
    'overwriteFiles',
    (file: DataFile) =>
      overwriteFiles({
        addDataFiles: [file],
        filter: eq('category', 'a'),
        validateAddedFilesMatchFilter: true,
        validateNoConflictingData: true,
      }),
  ],
  ['replacePartitions', (file: DataFile) => replacePartitions({ addDataFiles: [file] })],
  ['rewriteFiles', (file: DataFile) => rewriteFiles({ removeDataFiles: [other], addDataFiles: [file] })],
])(
  '%s of a file of a spec that the table does not have is INVALID_ARGUMENT by name; if others removed it, a conflict',
  async (_, make) => {
    const table = await newTestTable();
    await table.commit(fastAppend({ dataFiles: [other] }));
    const operation = make({ ...good, specId: 7 });
    const error = await table.commit(operation).catch((cause: unknown) => cause);
    expect(error).toMatchObject({
      code: 'INVALID_ARGUMENT',
      context: { filePath, member: 'specId', specId: 7 },
    });
    const base = await table.load();
    const specs = [...base.metadata.partitionSpecs, { ...base.metadata.partitionSpecs[0]!, specId: 7 }];
    const had = { ...base, metadata: { ...base.metadata, partitionSpecs: specs } };
    // A first attempt that finds the spec, and an append of others that lets a second one look for it in vain.
    await table.commit(fastAppend({ dataFiles: [dataFile('meanwhile', 'b')] }));
    const late = await table.commit(operation, { base: had }).catch((cause: unknown) => cause);
    expect(IcebergError.is(late, 'COMMIT_CONFLICT')).toBe(true);
    expect(await liveFiles(table)).toEqual(['meanwhile', 'other']);
  },
);

test('a partition to be deleted that is none is refused at once', () => {
  for (const partition of [{ specId: 0 }, { specId: '0', partition: [] }, null] as never[]) {
    expect(() => deleteDataFiles({ partitions: [partition] })).toThrow(/^INVALID_ARGUMENT: .*partition/);
  }
});

test('a prepared transaction leaves nothing behind when a file does not fit', async () => {
  const table = await newTestTable();
  const files = [...table.io.files.keys()];
  const operations = [
    fastAppend({ dataFiles: [good] }),
    fastAppend({ dataFiles: [{ ...other, specId: 3 }] }),
  ];
  const prepared = prepareTransaction(await table.load(), operations, { io: table.io });
  await expect(prepared).rejects.toThrow(`INVALID_ARGUMENT: ${other.filePath}: specId is 3`);
  expect([...table.io.files.keys()]).toEqual(files);
});

function thrownBy(make: () => unknown): unknown {
  try {
    make();
  } catch (error) {
    return error;
  }
  return undefined;
}
