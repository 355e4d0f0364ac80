import { columns, describeDataFile, tableOptions } from './iceberg-table.ts';

/** The table and its first data files, in words that a driver in another language takes: paths below its location. */
export function describeTable(files: number): object {
  return {
    schema: { type: 'struct', 'schema-id': 0, fields: columns },
    partitionFields: tableOptions.partitionSpec.fields,
    properties: tableOptions.properties,
    files: Array.from({ length: files }, (_, index) => {
      const { filePath, lowerBounds, upperBounds, columnSizes, valueCounts, nullValueCounts, ...file } =
        describeDataFile(index, '');
      return {
        ...file,
        path: filePath,
        lowerBounds: members(lowerBounds, (bound) => Buffer.from(bound).toString('hex')),
        upperBounds: members(upperBounds, (bound) => Buffer.from(bound).toString('hex')),
        columnSizes: members(columnSizes, String),
        valueCounts: members(valueCounts, String),
        nullValueCounts: members(nullValueCounts, String),
      };
    }),
  };
}

function members<T>(map: ReadonlyMap<number, T> | undefined, text: (value: T) => string) {
  return Object.fromEntries([...(map ?? [])].map(([id, value]) => [id, text(value)]));
}
