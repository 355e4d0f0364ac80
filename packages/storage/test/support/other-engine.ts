import {
  type Catalog,
  type FileIO,
  type LoadedTable,
  prepareAppend,
  type TableIdentifier,
  type TableUpdate,
} from '@danube/iceberg';

/** What other engines and people do to a table, through the catalog, knowing nothing of the ledger. */
export class OtherEngine {
  readonly #catalog: Catalog;
  readonly #io: FileIO;
  readonly #identifier: TableIdentifier;

  constructor(catalog: Catalog, io: FileIO, identifier: TableIdentifier) {
    this.#catalog = catalog;
    this.#io = io;
    this.#identifier = identifier;
  }

  load(): Promise<LoadedTable> {
    return this.#catalog.loadTable(this.#identifier);
  }

  /** A snapshot of somebody else on main; without rows, as a compaction that had nothing to do. */
  async append(): Promise<LoadedTable> {
    const base = await this.load();
    const prepared = await prepareAppend({ base, io: this.#io, dataFiles: [] });
    return this.#catalog.commitTable(this.#identifier, prepared.request);
  }

  /** `rollback_to_snapshot`: sets main to any snapshot. */
  rollback(snapshotId: bigint): Promise<LoadedTable> {
    return this.#update({ action: 'set-snapshot-ref', refName: 'main', type: 'branch', snapshotId });
  }

  /** Expires every snapshot but the current one; the tag goes with its snapshot unless that is current. */
  async expire(): Promise<LoadedTable> {
    const { metadata } = await this.load();
    const current = metadata.currentSnapshotId;
    const refs = Object.entries(metadata.refs)
      .filter(([, ref]) => ref.snapshotId !== current)
      .map(([refName]): TableUpdate => ({ action: 'remove-snapshot-ref', refName }));
    const snapshotIds = metadata.snapshots
      .map((snapshot) => snapshot.snapshotId)
      .filter((id) => id !== current);
    return this.#update(...refs, { action: 'remove-snapshots', snapshotIds });
  }

  removeProperty(key: string): Promise<LoadedTable> {
    return this.#update({ action: 'remove-properties', removals: [key] });
  }

  setProperty(key: string, value: string): Promise<LoadedTable> {
    return this.#update({ action: 'set-properties', updates: { [key]: value } });
  }

  #update(...updates: readonly TableUpdate[]): Promise<LoadedTable> {
    return this.#catalog.commitTable(this.#identifier, { requirements: [], updates });
  }
}
