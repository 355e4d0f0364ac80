import {
  and,
  currentSchema,
  type DataFileReader,
  decodeSingleValue,
  type Expression,
  eq,
  type FileIO,
  type FileScanTask,
  findFieldByName,
  gtEq,
  lt,
  openDataFile,
  planFiles,
  type TableMetadata,
} from '@danube/iceberg';
import { StorageError } from './errors.ts';
import { messageSizeBytes, type StoredMessage } from './message.ts';
import { rowToMessage } from './message-rows.ts';

/** Messages of one window of offsets. */
export interface TableWindow {
  /** In offset order: every row of the topic in the window. */
  readonly messages: readonly StoredMessage[];
  /** The window ends before this offset. */
  readonly endExclusive: number;
  /** Offsets for which a second row was found. */
  readonly duplicates: readonly number[];
}

interface PlannedFile {
  readonly task: FileScanTask;
  /** Bounds of the offsets; a writer that kept none gives the widest. */
  readonly lower: number;
  readonly upper: number;
  reader?: Promise<DataFileReader>;
}

interface FoundRow {
  readonly message: StoredMessage;
  readonly sequenceNumber: bigint;
}

/** Rows of a window at least, however large the rows seem to be. */
const MIN_WINDOW_ROWS = 64;
/** Open files kept: their footers are needed again by the next window. */
const MAX_OPEN_FILES = 32;

/**
 * Reads one topic's rows from one state of its table, by windows of offsets: every page whose bounds intersect
 * the window is looked at and rows are placed by their offset. Nothing is assumed about order inside files or
 * between them, so tables that another engine compacted read the same. Memory: the rows of the window, and one
 * batch of a file.
 */
export class TableReader {
  readonly #metadata: TableMetadata;
  readonly #io: FileIO;
  readonly #topic: string;
  readonly #windowBytes: number;
  readonly #offsetFieldId: number;
  #files: readonly PlannedFile[] | undefined;
  #plannedFrom = 0;
  readonly #open: PlannedFile[] = [];

  constructor(metadata: TableMetadata, io: FileIO, topic: string, windowBytes: number) {
    this.#metadata = metadata;
    this.#io = io;
    this.#topic = topic;
    this.#windowBytes = windowBytes;
    const field = findFieldByName(currentSchema(metadata), 'segment_offset');
    if (field === undefined) throw new StorageError('UNREADABLE', 'the table has no column segment_offset');
    this.#offsetFieldId = field.id;
  }

  /**
   * The rows of the next window, which begins at `from` and ends at `lastInclusive` at the latest.
   *
   * @throws StorageError `UNREADABLE` for a file with delete files, or one that cannot be read
   */
  async window(from: number, lastInclusive: number): Promise<TableWindow> {
    try {
      const files = await this.#plan(from);
      const near = files.filter((file) => file.upper >= from && file.lower <= lastInclusive);
      const lowest = near.reduce<PlannedFile | undefined>(
        (low, file) => (low === undefined || file.lower < low.lower ? file : low),
        undefined,
      );
      if (lowest === undefined) return { messages: [], endExclusive: lastInclusive + 1, duplicates: [] };
      const rows = windowRows(lowest.task, this.#windowBytes);
      const begin = Math.max(from, lowest.lower);
      const endExclusive = Math.min(lastInclusive + 1, begin + rows);
      return await this.#collect(near, from, endExclusive);
    } catch (error) {
      if (StorageError.is(error)) throw error;
      throw new StorageError('UNREADABLE', `the table of ${this.#topic} cannot be read from offset ${from}`, {
        context: { topic: this.#topic, offset: from, location: this.#metadata.location },
        cause: error,
      });
    }
  }

  async #collect(files: readonly PlannedFile[], from: number, endExclusive: number): Promise<TableWindow> {
    const found = new Map<number, FoundRow>();
    const duplicates: number[] = [];
    let end = endExclusive;
    let bytes = 0;
    for (const file of [...files].sort((a, b) => a.lower - b.lower)) {
      if (file.lower >= end) break;
      const reader = await this.#reader(file);
      const ranges = await reader.planRowRanges(this.#filter(from, end));
      for await (const { rows } of reader.readBatches({ ranges })) {
        for (const row of rows) {
          if (row['topic_name'] !== this.#topic) continue;
          const offset = Number(row['segment_offset']);
          if (offset < from || offset >= end) continue;
          const { sequenceNumber } = file.task;
          const earlier = found.get(offset);
          if (earlier !== undefined) {
            duplicates.push(offset);
            if (earlier.sequenceNumber <= sequenceNumber) continue;
          }
          const message = rowToMessage(row);
          bytes +=
            messageSizeBytes(message) - (earlier === undefined ? 0 : messageSizeBytes(earlier.message));
          found.set(offset, { message, sequenceNumber });
        }
        // More than fits: keep the lower half of what there is and end the window there.
        while (bytes > 2 * this.#windowBytes && found.size > 1) {
          end = lowerHalf(found);
          bytes = 0;
          for (const { message } of found.values()) bytes += messageSizeBytes(message);
        }
      }
    }
    const messages = [...found.values()].map((row) => row.message).sort((a, b) => a.offset - b.offset);
    return { messages, endExclusive: end, duplicates: duplicates.filter((offset) => offset < end) };
  }

  #filter(from: number, endExclusive: number): Expression {
    return and(
      eq('topic_name', this.#topic),
      gtEq('segment_offset', BigInt(from)),
      lt('segment_offset', BigInt(endExclusive)),
    );
  }

  async #plan(from: number): Promise<readonly PlannedFile[]> {
    // Planned once for everything above; only a reader that goes back plans again.
    if (this.#files !== undefined && from >= this.#plannedFrom) return this.#files;
    const filter = and(eq('topic_name', this.#topic), gtEq('segment_offset', BigInt(from)));
    const files: PlannedFile[] = [];
    for await (const task of planFiles(this.#metadata, this.#io, { filter })) files.push(this.#planned(task));
    this.#files = files;
    this.#plannedFrom = from;
    return files;
  }

  #planned(task: FileScanTask): PlannedFile {
    const { dataFile, deletes } = task;
    if (deletes.length > 0)
      throw new StorageError('UNREADABLE', `${dataFile.filePath} has delete files, which are not read yet`, {
        context: { topic: this.#topic, file: dataFile.filePath },
      });
    return {
      task,
      lower: boundOr(dataFile.lowerBounds?.get(this.#offsetFieldId), 0),
      upper: boundOr(dataFile.upperBounds?.get(this.#offsetFieldId), Number.MAX_SAFE_INTEGER),
    };
  }

  #reader(file: PlannedFile): Promise<DataFileReader> {
    if (file.reader === undefined) {
      const { dataFile, schema, partitionSpec } = file.task;
      file.reader = openDataFile(this.#io, dataFile, schema, { partitionSpec });
      this.#open.push(file);
      if (this.#open.length > MAX_OPEN_FILES) delete this.#open.shift()?.reader;
    }
    return file.reader;
  }
}

/** Rows of a window: as many as fit the budget, by the file's own size and a guess at its compression. */
function windowRows({ dataFile }: FileScanTask, windowBytes: number): number {
  const rowBytes = 256 + (4 * dataFile.fileSizeInBytes) / Math.max(1, dataFile.recordCount);
  return Math.max(MIN_WINDOW_ROWS, Math.floor(windowBytes / rowBytes));
}

/** Drops the upper half of the offsets; gives the offset before which the rest ends. */
function lowerHalf(found: Map<number, FoundRow>): number {
  const offsets = [...found.keys()].sort((a, b) => a - b);
  const middle = offsets[Math.ceil(offsets.length / 2)] as number;
  for (const offset of offsets) if (offset >= middle) found.delete(offset);
  return middle;
}

function boundOr(bytes: Uint8Array | undefined, absent: number): number {
  return bytes === undefined ? absent : Number(decodeSingleValue('long', bytes) as bigint);
}
