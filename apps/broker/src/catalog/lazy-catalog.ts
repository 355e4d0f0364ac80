import { type Catalog, IcebergError, type OpenCatalog } from '@danube/iceberg';

/**
 * A catalog that is opened with the first call, and with a later one when that failed: its server may be away, and for as
 * long as it likes. Calls at the same time share one opening. Nothing is tried between calls.
 *
 * A call that cannot open the catalog ends with `CATALOG_UNAVAILABLE`, whatever the reason: nothing was changed. After
 * `close` every call does.
 */
export class LazyCatalog implements OpenCatalog {
  readonly #open: () => Promise<OpenCatalog>;
  #opening: Promise<OpenCatalog> | undefined;
  #catalog: OpenCatalog | undefined;
  #closing: Promise<void> | undefined;

  constructor(open: () => Promise<OpenCatalog>) {
    this.#open = open;
  }

  /** Opens the catalog unless it is open. Rejects with the reason itself. */
  async connect(): Promise<void> {
    await this.#opened();
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

  createTable: Catalog['createTable'] = async (...args) => (await this.#available()).createTable(...args);

  loadTable: Catalog['loadTable'] = async (...args) => (await this.#available()).loadTable(...args);

  listTables: Catalog['listTables'] = async (...args) => (await this.#available()).listTables(...args);

  tableExists: Catalog['tableExists'] = async (...args) => (await this.#available()).tableExists(...args);

  dropTable: Catalog['dropTable'] = async (...args) => (await this.#available()).dropTable(...args);

  renameTable: Catalog['renameTable'] = async (...args) => (await this.#available()).renameTable(...args);

  registerTable: Catalog['registerTable'] = async (...args) =>
    (await this.#available()).registerTable(...args);

  commitTable: Catalog['commitTable'] = async (...args) => (await this.#available()).commitTable(...args);

  /** Closes the catalog. One that is being opened is closed when it is, and not waited for: its server may hang. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#catalog !== undefined) return this.#catalog.close();
    this.#opening?.then((catalog) => catalog.close()).catch(() => {});
  }

  #opened(): Promise<OpenCatalog> {
    if (this.#closing !== undefined) {
      return Promise.reject(
        new IcebergError('CATALOG_UNAVAILABLE', 'the catalog is closed', { retryable: false }),
      );
    }
    this.#opening ??= this.#openOnce();
    return this.#opening;
  }

  async #openOnce(): Promise<OpenCatalog> {
    try {
      this.#catalog = await this.#open();
      return this.#catalog;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  async #available(): Promise<OpenCatalog> {
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
