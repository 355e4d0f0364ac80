// The table that the scenarios of @danube/iceberg commit to and plan: a topic's (15 columns, days of append_time), with
// data files that are described only. No Parquet is written; what is measured is the table format.
import {
  type CreateTableOptions,
  type DataFile,
  encodeSingleValue,
  type NestedField,
  type PrimitiveType,
} from '@danube/iceberg';

const MICROSECONDS_PER_DAY = 86_400_000_000n;
const FIRST_DAY = 20_500;
const ROWS_PER_FILE = 10_000;
const BYTES_PER_FILE = 8_000_000;

const column = (id: number, name: string, type: PrimitiveType, required = true): NestedField => ({
  ...{ id, name, type, required },
});

export const columns: readonly NestedField[] = [
  column(1, 'request_id', 'long'),
  column(2, 'producer_id', 'long'),
  column(3, 'topic_name', 'string'),
  column(4, 'broker_addr', 'string'),
  column(5, 'segment_id', 'long', false),
  column(6, 'segment_offset', 'long'),
  column(7, 'payload', 'binary'),
  column(8, 'publish_time', 'timestamptz'),
  column(9, 'producer_name', 'string'),
  column(10, 'subscription_name', 'string', false),
  column(11, 'attributes', 'string', false),
  column(12, 'schema_id', 'long', false),
  column(13, 'schema_version', 'long', false),
  column(14, 'routing_key', 'string', false),
  column(15, 'append_time', 'timestamptz'),
];

/** Created alike by every contender. */
export const tableOptions = {
  schema: { fields: columns },
  partitionSpec: { fields: [{ sourceId: 15, name: 'append_time_day', transform: 'day' }] },
  properties: {
    'write.metadata.delete-after-commit.enabled': 'true',
    'write.metadata.previous-versions-max': '100',
  },
} satisfies CreateTableOptions;

/** A value of the column as the file with this index has it, its first or its last row's. */
function columnValue(type: PrimitiveType, index: number, filesPerDay: number, last: boolean) {
  if (type === 'long') return BigInt(index * ROWS_PER_FILE + (last ? ROWS_PER_FILE - 1 : 0));
  if (type !== 'timestamptz') return `value-${String(index % 97).padStart(8, '0')}${last ? '~' : ''}`;
  const day = BigInt(FIRST_DAY + Math.floor(index / filesPerDay));
  const partOfDay = MICROSECONDS_PER_DAY / BigInt(filesPerDay);
  const start = day * MICROSECONDS_PER_DAY + BigInt(index % filesPerDay) * partOfDay;
  return last ? start + partOfDay - 1n : start;
}

function bounds(index: number, filesPerDay: number, last: boolean): ReadonlyMap<number, Uint8Array> {
  return new Map(
    columns.map(({ id, type }) => {
      const primitive = type as PrimitiveType;
      const value = columnValue(primitive, index, filesPerDay, last);
      return [id, encodeSingleValue(primitive, primitive === 'binary' ? Buffer.from(String(value)) : value)];
    }),
  );
}

/** The first microsecond of the day that the file with this index is in. */
export function startOfDay(index: number, filesPerDay: number): bigint {
  return BigInt(FIRST_DAY + Math.floor(index / filesPerDay)) * MICROSECONDS_PER_DAY;
}

/** The offset of the first row of the file with this index. */
export const firstOffset = (index: number): bigint => BigInt(index * ROWS_PER_FILE);

/** The file with this index of a table, rows in the order of time, metrics complete on all 15 columns. */
export function describeDataFile(index: number, location: string, filesPerDay = 1000): DataFile {
  const perColumn = (value: (id: number) => number) => new Map(columns.map(({ id }) => [id, value(id)]));
  const day = FIRST_DAY + Math.floor(index / filesPerDay);
  return {
    content: 'data',
    filePath: `${location}/data/append_time_day=${day}/${String(index).padStart(8, '0')}-0123456789abcdef.parquet`,
    fileFormat: 'PARQUET',
    partition: [day],
    specId: 0,
    recordCount: ROWS_PER_FILE,
    fileSizeInBytes: BYTES_PER_FILE + index,
    columnSizes: perColumn((id) => 1000 * id + (index % 1000)),
    valueCounts: perColumn(() => ROWS_PER_FILE),
    nullValueCounts: perColumn(() => 0),
    lowerBounds: bounds(index, filesPerDay, false),
    upperBounds: bounds(index, filesPerDay, true),
    splitOffsets: [4],
    sortOrderId: 0,
  };
}
