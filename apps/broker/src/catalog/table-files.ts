import type { FileIO, LoadedTable, TableIdentifier } from '@danube/iceberg';
import { ObjectStoreError } from '@danube/objectstore';
import type { Warehouse } from '../warehouse.ts';

/** Opens what reaches the files of one table. */
export type OpenTableFiles = (table: TableIdentifier) => Promise<Warehouse>;

/**
 * The files of tables on S3, each table's by a store of its own, opened with the first file below its location and kept. A
 * file that is in no table which was seen is reached by `others`.
 */
export class TableFiles implements FileIO {
  readonly #openFiles: OpenTableFiles;
  readonly #others: FileIO;
  readonly #tables = new Map<string, TableIdentifier>();
  readonly #opened = new Map<string, Promise<Warehouse>>();
  /** Those of `#opened` that are open by now. */
  readonly #stores = new Set<Warehouse>();
  #isClosed = false;

  constructor(openFiles: OpenTableFiles, others: FileIO) {
    this.#openFiles = openFiles;
    this.#others = others;
  }

  /** Remembers where a table is; to be told of every one before its files are used. */
  saw({ identifier, metadata }: LoadedTable): void {
    if (/^s3[an]?:/.test(metadata.location))
      this.#tables.set(metadata.location.replace(/\/+$/, ''), identifier);
  }

  async readFile(location: string): Promise<Uint8Array> {
    return (await this.#filesFor(location)).readFile(location);
  }

  async readRange(location: string, start: number, endExclusive: number): Promise<Uint8Array> {
    return (await this.#filesFor(location)).readRange(location, start, endExclusive);
  }

  async fileSize(location: string): Promise<number> {
    return (await this.#filesFor(location)).fileSize(location);
  }

  async writeFile(
    location: string,
    data: Uint8Array,
    options?: { readonly ifAbsent?: boolean },
  ): Promise<void> {
    await (await this.#filesFor(location)).writeFile(location, data, options);
  }

  async deleteFile(location: string): Promise<void> {
    await (await this.#filesFor(location)).deleteFile(location);
  }

  /**
   * Closes the stores of tables; `others` belongs to who gave it. One that is being opened is closed when it is, and not
   * waited for: the catalog that is asked for its keys may hang.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#stores].map((store) => store.close()));
  }

  async #filesFor(location: string): Promise<FileIO> {
    const root = this.#rootOf(location);
    if (root === undefined) return this.#others;
    if (this.#isClosed) throw closedFiles(root);
    const opening = this.#opened.get(root) ?? this.#open(this.#tables.get(root)!, root);
    this.#opened.set(root, opening);
    try {
      return (await opening).io;
    } catch (error) {
      // What could not be had this time may be had the next.
      if (this.#opened.get(root) === opening) this.#opened.delete(root);
      throw error;
    }
  }

  async #open(table: TableIdentifier, root: string): Promise<Warehouse> {
    const opened = await this.#openFiles(table);
    if (this.#isClosed) {
      await opened.close();
      throw closedFiles(root);
    }
    this.#stores.add(opened);
    return opened;
  }

  /** Location of the innermost table that holds the file. */
  #rootOf(location: string): string | undefined {
    for (let end = location.lastIndexOf('/'); end > 0; end = location.lastIndexOf('/', end - 1)) {
      const root = location.slice(0, end);
      if (this.#tables.has(root)) return root;
    }
    return undefined;
  }
}

function closedFiles(root: string): ObjectStoreError {
  return new ObjectStoreError('CLOSED', `the files of ${root} are closed`);
}
