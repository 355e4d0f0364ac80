import {
  and,
  currentSchema,
  type DataFile,
  type DataFileReader,
  decodeSingleValue,
  eq,
  type FileIO,
  type FileScanTask,
  findFieldByName,
  gtEq,
  ltEq,
  openDataFile,
  planFiles,
  type TableMetadata,
} from '@danube/iceberg';
import { StorageError } from './errors.ts';
import type { StoredMessage } from './message.ts';
import { messageSizeBytes } from './message.ts';
import { rowToMessage } from './message-rows.ts';

/** A stretch of a file whose rows may hold wanted offsets. */
interface RowGroup {
  readonly file: PlannedFile;
  readonly rowStart: number;
  readonly rowEnd: number;
  /** Bounds of the offsets; a writer that kept none gives the widest. */
  readonly lower: number;
  readonly upper: number;
}

interface PlannedFile {
  readonly dataFile: DataFile;
  readonly sequenceNumber: bigint;
  readonly lower: number;
  readonly upper: number;
  groups?: Promise<readonly RowGroup[]>;
  reader?: DataFileReader;
}

/** Messages of one window of offsets. */
export interface TableWindow {
  /** In offset order. Every row of the topic in the window is here. */
  readonly messages: readonly StoredMessage[];
  /** The window ends before this offset. */
  readonly endExclusive: number;
  /** Offsets for which a second row was found. */
  readonly duplicates: readonly number[];
}

/** Messages assumed in a window when the files say nothing about their size. */
const MIN_WINDOW_ROWS = 256;

/**
 * Reads one topic's rows from one state of its table, by windows of offsets: every row group whose bounds
 * intersect the window is looked at and rows are placed by their offset. Nothing is assumed about the order
 * inside files, so tables that another engine compacted read the same. Memory: one row group, plus the rows of
 * the window.
 */
export class TableReader {
  readonly #metadata: TableMetadata;
  readonly #io: FileIO;
  readonly #topic: string;
  readonly #windowBytes: number;
  readonly #offsetFieldId: number;
  #files: PlannedFile[] | undefined;
  #plannedFrom = 0;

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
    const files = await this.#plan(from, lastInclusive);
    const near = files.filter((file) => file.upper >= from && file.lower <= lastInclusive);
    if (near.length === 0) return { messages: [], endExclusive: lastInclusive + 1, duplicates: [] };
    // What begins after the window's end cannot matter; a file's average row tells how many rows fit.
    const lowest = near.reduce((low, file) => (file.lower < low.lower ? file : low));
    const begin = Math.max(from, lowest.lower);
    const limit = lastInclusive + 1;
    let endExclusive = Math.min(limit, begin + windowRows(lowest.dataFile, this.#windowBytes));
    let groups = await this.#intersecting(near, from, endExclusive);
    // A row group is decoded whole: if it is dense, take it to its end rather than decode it twice.
    const leading = groups.reduce<RowGroup | undefined>(
      (low, group) => (low === undefined || group.lower < low.lower ? group : low),
      undefined,
    );
    if (
      leading !== undefined &&
      leading.upper >= endExclusive &&
      leading.upper - leading.lower < 2 * (leading.rowEnd - leading.rowStart)
    ) {
      endExclusive = Math.min(limit, leading.upper + 1);
      groups = await this.#intersecting(near, from, endExclusive);
    }
    groups.sort((a, b) => a.lower - b.lower || a.rowStart - b.rowStart);
    const found = new Map<number, { readonly message: StoredMessage; readonly sequenceNumber: bigint }>();
    const duplicates: number[] = [];
    let bytes = 0;
    for (const group of groups) {
      // Enough is in memory: end the window before what this group could add.
      if (bytes >= this.#windowBytes && group.lower > from) {
        endExclusive = Math.min(endExclusive, group.lower);
        break;
      }
      for (const row of await this.#rows(group)) {
        if (row['topic_name'] !== this.#topic) continue;
        const offset = Number(row['segment_offset']);
        if (offset < from || offset >= endExclusive) continue;
        const earlier = found.get(offset);
        if (earlier !== undefined) {
          duplicates.push(offset);
          if (earlier.sequenceNumber <= group.file.sequenceNumber) continue;
        }
        const message = rowToMessage(row);
        bytes += messageSizeBytes(message);
        found.set(offset, { message, sequenceNumber: group.file.sequenceNumber });
      }
    }
    const messages = [...found.values()]
      .map((entry) => entry.message)
      .filter((message) => message.offset < endExclusive)
      .sort((a, b) => a.offset - b.offset);
    return { messages, endExclusive, duplicates };
  }

  async #intersecting(
    files: readonly PlannedFile[],
    from: number,
    endExclusive: number,
  ): Promise<RowGroup[]> {
    const groups: RowGroup[] = [];
    for (const file of files) {
      if (file.lower >= endExclusive) continue;
      for (const group of await this.#groups(file))
        if (group.upper >= from && group.lower < endExclusive) groups.push(group);
    }
    return groups;
  }

  async #plan(from: number, lastInclusive: number): Promise<readonly PlannedFile[]> {
    // Planned once for everything above; only a reader that goes back plans again.
    if (this.#files !== undefined && from >= this.#plannedFrom) return this.#files;
    const filter = and(
      eq('topic_name', this.#topic),
      and(gtEq('segment_offset', BigInt(from)), ltEq('segment_offset', BigInt(lastInclusive))),
    );
    const files: PlannedFile[] = [];
    try {
      for await (const task of planFiles(this.#metadata, this.#io, { filter }))
        files.push(this.#planned(task));
    } catch (error) {
      throw unreadable(this.#topic, 'the table cannot be planned', error);
    }
    this.#files = files;
    this.#plannedFrom = from;
    return files;
  }

  #planned(task: FileScanTask): PlannedFile {
    const { dataFile, sequenceNumber } = task;
    if (task.deletes.length > 0)
      throw new StorageError('UNREADABLE', `${dataFile.filePath} has delete files, which are not read yet`, {
        context: { topic: this.#topic, file: dataFile.filePath },
      });
    return {
      dataFile,
      sequenceNumber,
      lower: this.#bound(dataFile.lowerBounds?.get(this.#offsetFieldId), 0),
      upper: this.#bound(dataFile.upperBounds?.get(this.#offsetFieldId), Number.MAX_SAFE_INTEGER),
    };
  }

  #bound(bytes: Uint8Array | undefined, absent: number): number {
    return bytes === undefined ? absent : Number(decodeSingleValue('long', bytes) as bigint);
  }

  #groups(file: PlannedFile): Promise<readonly RowGroup[]> {
    file.groups ??= this.#open(file);
    return file.groups;
  }

  async #open(file: PlannedFile): Promise<readonly RowGroup[]> {
    try {
      file.reader = await openDataFile(this.#io, file.dataFile, currentSchema(this.#metadata));
    } catch (error) {
      throw unreadable(this.#topic, `${file.dataFile.filePath} cannot be opened`, error);
    }
    return file.reader.rowGroups.map((group) => ({
      file,
      rowStart: group.rowStart,
      rowEnd: group.rowStart + group.rowCount,
      lower: numberOr(group.lowerBounds.get(this.#offsetFieldId), file.lower),
      upper: numberOr(group.upperBounds.get(this.#offsetFieldId), file.upper),
    }));
  }

  async #rows(group: RowGroup): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const { file, rowStart, rowEnd } = group;
    try {
      return (await file.reader?.readRows({ rowStart, rowEnd })) ?? [];
    } catch (error) {
      throw unreadable(this.#topic, `${file.dataFile.filePath} cannot be read`, error);
    }
  }
}

/** Rows of a window: as many as fit the budget, by the file's own size and a guess at its compression. */
function windowRows(file: DataFile, windowBytes: number): number {
  const rowBytes = 256 + (4 * file.fileSizeInBytes) / Math.max(1, file.recordCount);
  return Math.max(MIN_WINDOW_ROWS, Math.floor(windowBytes / rowBytes));
}

function numberOr(value: unknown, absent: number): number {
  return typeof value === 'bigint' ? Number(value) : absent;
}

function unreadable(topic: string, message: string, cause: unknown): StorageError {
  if (StorageError.is(cause)) return cause;
  return new StorageError('UNREADABLE', message, { context: { topic }, cause });
}
