import type { ObjectStore } from '../object-store.ts';
import { closedError } from '../request-checks.ts';
import { sameSettings } from './same-settings.ts';

interface OpenStore {
  readonly root: string;
  readonly settings: object;
  readonly store: Promise<ObjectStore>;
}

/** The stores that one factory has open: one for each root and its settings, whoever asks and how many at once. */
export class OpenStores {
  readonly #stores = new Set<OpenStore>();
  #closed = false;

  /** The store that is open, or being opened, or the one that `open` makes. Errors: `CLOSED`; those of `open`. */
  async get(root: string, settings: object, open: () => Promise<ObjectStore>): Promise<ObjectStore> {
    if (this.#closed) throw closedError();
    for (const known of this.#stores) {
      if (known.root === root && sameSettings(known.settings, settings)) return known.store;
    }
    const opening: OpenStore = { root, settings, store: open() };
    this.#stores.add(opening);
    try {
      return await opening.store;
    } catch (error) {
      // The next caller may have more luck.
      this.#stores.delete(opening);
      throw error;
    }
  }

  /** Closes all, also those being opened. Rejects with the first error when all have been tried. */
  async close(): Promise<void> {
    this.#closed = true;
    const stores = [...this.#stores];
    this.#stores.clear();
    const closings = stores.map(async ({ store }) => {
      const open = await store.catch(() => undefined);
      await open?.close();
    });
    const failed = (await Promise.allSettled(closings)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }
}
