import { type Catalog, IcebergError, type LoadedTable, type OpenCatalog } from '@danube/iceberg';
import { doneWithin } from '../done-within.ts';

/** How long calls under way may hold up the end. */
const CLOSE_WITHIN_MS = 2_000;

/**
 * A catalog that is opened with the first call, and with a later one when that failed: its server may be away, and for as
 * long as it likes. Calls at the same time share one opening. Nothing is tried between calls.
 *
 * A call that cannot open the catalog ends with `CATALOG_UNAVAILABLE`, whatever the reason: nothing was changed. After
 * `close` every call does.
 */
export class LazyCatalog<Opened extends OpenCatalog> implements OpenCatalog {
  readonly #open: () => Promise<Opened>;
  readonly #onTable: (table: LoadedTable) => void;
  #opening: Promise<Opened> | undefined;
  #catalog: Opened | undefined;
  #closing: Promise<void> | undefined;

  /** @param onTable is told of each table before a call gives it out */
  constructor(open: () => Promise<Opened>, onTable: (table: LoadedTable) => void = () => {}) {
    this.#open = open;
    this.#onTable = onTable;
  }

  /** The catalog, opened unless it is open; it is closed with this one. Rejects with the reason itself. */
  connect(): Promise<Opened> {
    return this.#opened();
  }

  createNamespace: Catalog['createNamespace'] = async (...args) =>
    (await this.#available()).createNamespace(...args);

  listNamespaces: Catalog['listNamespaces'] = async (...args) =>
    (await this.#available()).listNamespaces(...args);

  loadNamespaceProperties: Catalog['loadNamespaceProperties'] = async (...args) =>
    (await this.#available()).loadNamespaceProperties(...args);

  updateNamespaceProperties: Catalog['updateNamespaceProperties'] = async (...args) =>
    (await this.#available()).updateNamespaceProperties(...args);

  dropNamespace: Catalog['dropNamespace'] = async (...args) =>
    (await this.#available()).dropNamespace(...args);

  namespaceExists: Catalog['namespaceExists'] = async (...args) =>
    (await this.#available()).namespaceExists(...args);

  createTable: Catalog['createTable'] = async (...args) =>
    this.#given((await this.#available()).createTable(...args));

  loadTable: Catalog['loadTable'] = async (...args) =>
    this.#given((await this.#available()).loadTable(...args));

  listTables: Catalog['listTables'] = async (...args) => (await this.#available()).listTables(...args);

  tableExists: Catalog['tableExists'] = async (...args) => (await this.#available()).tableExists(...args);

  dropTable: Catalog['dropTable'] = async (...args) => (await this.#available()).dropTable(...args);

  renameTable: Catalog['renameTable'] = async (...args) => (await this.#available()).renameTable(...args);

  registerTable: Catalog['registerTable'] = async (...args) =>
    this.#given((await this.#available()).registerTable(...args));

  commitTable: Catalog['commitTable'] = async (...args) =>
    this.#given((await this.#available()).commitTable(...args));

  /**
   * Closes the catalog, and waits up to two seconds for calls under way: a server that hangs answers none of them. One that
   * is being opened is closed when it is, and not waited for.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#catalog !== undefined) await doneWithin(CLOSE_WITHIN_MS, this.#catalog.close());
    else this.#opening?.then((catalog) => catalog.close()).catch(() => {});
  }

  #opened(): Promise<Opened> {
    if (this.#closing !== undefined) {
      return Promise.reject(
        new IcebergError('CATALOG_UNAVAILABLE', 'the catalog is closed', { retryable: false }),
      );
    }
    this.#opening ??= this.#openOnce();
    return this.#opening;
  }

  async #openOnce(): Promise<Opened> {
    try {
      this.#catalog = await this.#open();
      return this.#catalog;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  async #given(table: Promise<LoadedTable>): Promise<LoadedTable> {
    const loaded = await table;
    this.#onTable(loaded);
    return loaded;
  }

  async #available(): Promise<Opened> {
    try {
      return await this.#opened();
    } catch (error) {
      if (IcebergError.is(error, 'CATALOG_UNAVAILABLE')) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new IcebergError('CATALOG_UNAVAILABLE', `the catalog cannot be opened: ${reason}`, {
        cause: error,
        retryable: false,
      });
    }
  }
}
