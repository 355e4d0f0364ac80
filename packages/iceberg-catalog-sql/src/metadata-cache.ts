import type { TableMetadata } from '@danube/iceberg';

/**
 * The states read or committed last, by the location of their metadata file. Such a file never changes and its name is
 * never used again, so that a state can be old but not wrong: which one is the table's the catalog's row says each time.
 */
export class MetadataCache {
  readonly #states = new Map<string, TableMetadata>();
  readonly #maxTables: number;

  constructor(maxTables: number) {
    this.#maxTables = maxTables;
  }

  get(location: string): TableMetadata | undefined {
    const state = this.#states.get(location);
    if (state !== undefined) this.#touch(location, state);
    return state;
  }

  /** Keeps a state, and lets go of the one it took the place of. */
  set(location: string, state: TableMetadata, previousLocation?: string): void {
    if (previousLocation !== undefined) this.#states.delete(previousLocation);
    this.#touch(location, state);
    const [oldest] = this.#states.keys();
    if (this.#states.size > this.#maxTables && oldest !== undefined) this.#states.delete(oldest);
  }

  #touch(location: string, state: TableMetadata): void {
    this.#states.delete(location);
    this.#states.set(location, state);
  }
}
