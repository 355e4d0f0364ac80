import { createHash, randomUUID } from 'node:crypto';
import {
  bindTransform,
  type DataFile,
  defaultPartitionSpec,
  type FileIO,
  findField,
  type LoadedTable,
  type PartitionValue,
  type PrimitiveType,
  type PrimitiveValue,
} from '@danube/iceberg';
import type { ParquetEncoder, ParquetFileWriter } from '@danube/parquet-writer';
import { StorageError } from './errors.ts';
import type { StoredMessage } from './message.ts';
import { messagesToBatch } from './message-rows.ts';
import { columnsOf, METRICS } from './table-layout.ts';

/** Data files of one topic for one contiguous stretch of offsets, durable and not yet committed. */
export interface PreparedFiles {
  readonly first: number;
  readonly last: number;
  readonly rows: number;
  /** Bytes of Parquet. */
  readonly bytes: number;
  readonly oldestAppendTimeMs: number;
  readonly files: readonly DataFile[];
  /** What the files were made for; they cannot be committed to anything else. */
  readonly tableUuid: string;
  readonly specId: number;
  readonly schemaId: number;
}

/** Whether the files still fit the table. */
export function filesFit(files: PreparedFiles, table: LoadedTable): boolean {
  const { tableUuid, defaultSpecId, currentSchemaId } = table.metadata;
  return (
    files.tableUuid === tableUuid && files.specId === defaultSpecId && files.schemaId === currentSchemaId
  );
}

/**
 * Writes messages as Parquet files of the table, one a partition. When it resolves the files are complete and
 * durable (design point ②) and no table refers to them. On an error nothing is deleted: what was written is an
 * orphan.
 *
 * @param batches messages in offset order; at least one
 */
export async function writeDataFiles(
  encoder: ParquetEncoder,
  io: FileIO,
  table: LoadedTable,
  epoch: number,
  batches: AsyncIterable<readonly StoredMessage[]>,
): Promise<PreparedFiles> {
  const { metadata } = table;
  const fields = columnsOf(metadata);
  const names = new Set(fields.map((field) => field.name));
  const partition = partitioner(table);
  const open = new Map<string, OpenFile>();
  let first = -1;
  let last = -1;
  let rows = 0;
  let oldestAppendTimeMs = Number.POSITIVE_INFINITY;
  let topic = '';
  try {
    for await (const batch of batches) {
      for (const group of groupByPartition(batch, partition)) {
        let file = open.get(group.key);
        if (file === undefined) {
          const writer = encoder.open({ fields, compression: 'zstd', metrics: metricsFor(names) });
          file = { writer, values: group.values, first: group.messages[0]?.offset ?? 0, last: 0 };
          open.set(group.key, file);
        }
        await file.writer.write(messagesToBatch(group.messages, names));
        file.last = group.messages.at(-1)?.offset ?? file.last;
      }
      if (first < 0) {
        first = batch[0]?.offset ?? -1;
        topic = batch[0]?.topic ?? '';
      }
      last = batch.at(-1)?.offset ?? last;
      rows += batch.length;
      for (const message of batch) oldestAppendTimeMs = Math.min(oldestAppendTimeMs, message.appendTimeMs);
    }
    const files: DataFile[] = [];
    for (const file of open.values()) {
      const parquet = await file.writer.finish();
      const filePath = `${dataLocation(table)}/${fileName(topic, file, epoch)}`;
      await io.writeFile(filePath, parquet.bytes, { ifAbsent: true });
      files.push({
        content: 'data',
        filePath,
        fileFormat: 'PARQUET',
        partition: file.values,
        specId: metadata.defaultSpecId,
        recordCount: parquet.recordCount,
        fileSizeInBytes: parquet.fileSizeInBytes,
        columnSizes: parquet.columnSizes,
        valueCounts: parquet.valueCounts,
        nullValueCounts: parquet.nullValueCounts,
        nanValueCounts: parquet.nanValueCounts,
        lowerBounds: parquet.lowerBounds,
        upperBounds: parquet.upperBounds,
        splitOffsets: parquet.splitOffsets,
        sortOrderId: metadata.defaultSortOrderId,
      });
    }
    return {
      first,
      last,
      rows,
      bytes: files.reduce((sum, file) => sum + file.fileSizeInBytes, 0),
      oldestAppendTimeMs,
      files,
      tableUuid: metadata.tableUuid,
      specId: metadata.defaultSpecId,
      schemaId: metadata.currentSchemaId,
    };
  } finally {
    for (const file of open.values()) await file.writer.abort();
  }
}

interface OpenFile {
  readonly writer: ParquetFileWriter;
  readonly values: readonly PartitionValue[];
  readonly first: number;
  last: number;
}

interface PartitionGroup {
  readonly key: string;
  readonly values: readonly PartitionValue[];
  readonly messages: StoredMessage[];
}

type Partitioner = (message: StoredMessage) => readonly PartitionValue[];

/** Consecutive rows of the same partition stay together; order within a partition is kept. */
function groupByPartition(batch: readonly StoredMessage[], partition: Partitioner): Iterable<PartitionGroup> {
  const groups = new Map<string, PartitionGroup>();
  for (const message of batch) {
    const values = partition(message);
    const key = values.map((value) => `${typeof value}:${String(value)}`).join('|');
    const group = groups.get(key) ?? { key, values, messages: [] };
    groups.set(key, group);
    group.messages.push(message);
  }
  return groups.values();
}

/** Computes partition values by the table's own default spec. */
function partitioner(table: LoadedTable): Partitioner {
  const { metadata } = table;
  const schema = metadata.schemas.find((candidate) => candidate.schemaId === metadata.currentSchemaId);
  const fields = defaultPartitionSpec(metadata).fields.map((field) => {
    const source = schema === undefined ? undefined : findField(schema, field.sourceId);
    if (field.transform === 'void') return () => null;
    if (source === undefined || typeof source.type !== 'string')
      throw new StorageError(
        'TABLE_INCOMPATIBLE',
        `partition field ${field.name} has no usable source column`,
      );
    const value = VALUES[source.name];
    if (value === undefined)
      throw new StorageError('TABLE_INCOMPATIBLE', `messages cannot be partitioned by column ${source.name}`);
    const transform = bindTransform(field.transform, source.type as PrimitiveType);
    return (message: StoredMessage) => transform(value(message));
  });
  return (message) => fields.map((field) => field(message));
}

const VALUES: Readonly<Record<string, (message: StoredMessage) => PrimitiveValue | null>> = {
  request_id: (message) => BigInt.asIntN(64, message.requestId),
  producer_id: (message) => BigInt.asIntN(64, message.producerId),
  topic_name: (message) => message.topic,
  broker_addr: (message) => message.brokerAddr,
  segment_offset: (message) => BigInt(message.offset),
  publish_time: (message) => BigInt(message.publishTimeMs) * 1000n,
  append_time: (message) => BigInt(message.appendTimeMs) * 1000n,
  producer_name: (message) => message.producerName,
  subscription_name: (message) => message.subscriptionName ?? null,
  routing_key: (message) => message.routingKey ?? null,
};

function metricsFor(names: ReadonlySet<string>): { default: 'counts'; columns: Record<string, 'full'> } {
  return {
    default: METRICS.default,
    columns: Object.fromEntries(Object.entries(METRICS.columns).filter(([name]) => names.has(name))),
  };
}

function dataLocation(table: LoadedTable): string {
  const { properties, location } = table.metadata;
  const configured = Object.hasOwn(properties, 'write.data.path') ? properties['write.data.path'] : undefined;
  return (configured ?? `${location}/data`).replace(/\/+$/, '');
}

/** `<topic hash>-<first>-<last>-<epoch>-<uuid>.parquet`: an orphan's owner and age can be told from its name. */
function fileName(topic: string, file: OpenFile, epoch: number): string {
  const hash = createHash('sha256').update(topic).digest('hex').slice(0, 12);
  return `${hash}-${file.first}-${file.last}-${epoch}-${randomUUID()}.parquet`;
}
