import { applyCommit } from '../../src/catalog/apply-commit.ts';
import {
  type Catalog,
  type CommitRequest,
  type FileIO,
  IcebergError,
  type LoadedTable,
  loadTableMetadata,
  type Namespace,
  newMetadataLocation,
  type TableIdentifier,
  type TableMetadata,
  type TableRequirement,
  writeTableMetadata,
} from '../../src/index.ts';
import { deleteFiles } from '../../src/io/delete-files.ts';
import { purgeTable } from '../../src/maintenance/purge-table.ts';

/** A bug: what a catalog with it does instead. `good` is the catalog without it. */
export type PlantedBug = (good: Catalog, io: FileIO) => Partial<Catalog>;

/** The catalog with some methods replaced by wrong ones. */
export function plant(good: Catalog, io: FileIO, bug: PlantedBug): Catalog {
  const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(good)).filter(
    (name) => name !== 'constructor',
  );
  const bound = methods.map((name) => {
    const method = good[name as keyof Catalog] as (...args: unknown[]) => unknown;
    return [name, method.bind(good)];
  });
  return { ...(Object.fromEntries(bound) as Catalog), ...bug(good, io) };
}

/** Commits whatever the requirements say that `keep` does not keep. */
export const ignoring =
  (keep: (requirement: TableRequirement) => boolean): PlantedBug =>
  (good) => ({
    commitTable: (identifier, { requirements, updates }) =>
      good.commitTable(identifier, { requirements: requirements.filter(keep), updates }),
  });

/** Gives tables as `change` makes them. */
export const loading =
  (change: (metadata: TableMetadata) => TableMetadata): PlantedBug =>
  (good) => ({
    loadTable: async (identifier) => {
      const table = await good.loadTable(identifier);
      return { ...table, metadata: change(table.metadata) };
    },
  });

/** Points the name at another state, whatever it pointed at before. */
async function overwrite(
  good: Catalog,
  io: FileIO,
  table: LoadedTable,
  metadata: TableMetadata,
): Promise<LoadedTable> {
  const location = newMetadataLocation(metadata, table.metadataLocation);
  await writeTableMetadata(io, metadata, location);
  await good.dropTable(table.identifier).catch(() => undefined);
  return good.registerTable(table.identifier, location);
}

/** Checks and swaps in two steps, as if there were no compare-and-set. */
export const lastWriterWins: PlantedBug = (good, io) => ({
  commitTable: async (identifier, request) => {
    const base = await good.loadTable(identifier);
    const metadata = applyCommit(base.metadata, request, base);
    await Promise.resolve();
    return overwrite(good, io, base, metadata);
  },
});

/** Writes what `change` makes of a commit's result. */
export const committing =
  (change: (next: TableMetadata, base: TableMetadata) => TableMetadata): PlantedBug =>
  (good, io) => ({
    commitTable: async (identifier, request) => {
      const base = await good.loadTable(identifier);
      return overwrite(good, io, base, change(applyCommit(base.metadata, request, base), base.metadata));
    },
  });

/** Moves a commit that lost its race to the new state. */
export const rebasesBlindly: PlantedBug = (good) => ({
  commitTable: async (identifier, request) => {
    try {
      return await good.commitTable(identifier, request);
    } catch {
      const { metadata } = await good.loadTable(identifier);
      const sequenceNumber = metadata.lastSequenceNumber + 1n;
      const updates = request.updates.map((update) =>
        update.action === 'add-snapshot'
          ? { ...update, snapshot: { ...update.snapshot, sequenceNumber } }
          : update,
      );
      return good.commitTable(identifier, { requirements: [], updates });
    }
  },
});

/** Answers a refused commit as if it had happened. */
export const swallowsConflicts: PlantedBug = (good) => ({
  commitTable: async (identifier, request) => {
    try {
      return await good.commitTable(identifier, request);
    } catch (error) {
      if (!IcebergError.is(error, 'COMMIT_CONFLICT')) throw error;
      return good.loadTable(identifier);
    }
  },
});

/** Applies a commit's properties even when the rest of it fails. */
export const halfCommits: PlantedBug = (good) => ({
  commitTable: async (identifier, request) => {
    const updates = request.updates.filter((update) => update.action === 'set-properties');
    if (updates.length > 0) await good.commitTable(identifier, { requirements: [], updates });
    return good.commitTable(identifier, request);
  },
});

export const createOverwrites: PlantedBug = (good) => ({
  createTable: async (identifier, options) => {
    try {
      return await good.createTable(identifier, options);
    } catch (error) {
      if (!IcebergError.is(error, 'ALREADY_EXISTS')) throw error;
      await good.dropTable(identifier).catch(() => undefined);
      return good.createTable(identifier, options);
    }
  },
});

export const renameOverwrites: PlantedBug = (good) => ({
  renameTable: async (from, to) => {
    try {
      await good.renameTable(from, to);
    } catch (error) {
      if (!IcebergError.is(error, 'ALREADY_EXISTS')) throw error;
      await good.dropTable(to);
      await good.renameTable(from, to);
    }
  },
});

export const renameCopies: PlantedBug = (good) => ({
  renameTable: async (from, to) => {
    const { metadataLocation } = await good.loadTable(from);
    await good.registerTable(to, metadataLocation);
  },
});

/** Commits to a renamed table by its old name still arrive. */
export const followsRenames: PlantedBug = (good) => {
  const renamed = new Map<string, TableIdentifier>();
  return {
    renameTable: async (from, to) => {
      await good.renameTable(from, to);
      renamed.set(from.name, to);
    },
    commitTable: async (identifier, request) =>
      good.commitTable(
        (await good.tableExists(identifier)) ? identifier : (renamed.get(identifier.name) ?? identifier),
        request,
      ),
  };
};

export const dropsFullNamespaces: PlantedBug = (good) => ({
  dropNamespace: async (namespace) => {
    for (const table of await good.listTables(namespace)) await good.dropTable(table);
    await good.dropNamespace(namespace);
  },
});

export const alwaysPurges: PlantedBug = (good) => ({
  dropTable: (identifier) => good.dropTable(identifier, { purge: true }),
});

export const neverPurges: PlantedBug = (good) => ({ dropTable: (identifier) => good.dropTable(identifier) });

export const dropsWhatItCannotPurge: PlantedBug = (good, io) => ({
  dropTable: async (identifier, options) => {
    const table = await good.loadTable(identifier);
    await good.dropTable(identifier);
    if (options?.purge) await purgeTable(io, table);
  },
});

export const purgesWhatOthersUse: PlantedBug = (good, io) => ({
  dropTable: async (identifier, options) => {
    const table = await good.loadTable(identifier);
    await good.dropTable(identifier, options);
    const { 'gc.enabled': _, ...properties } = table.metadata.properties;
    if (options?.purge) await purgeTable(io, { ...table, metadata: { ...table.metadata, properties } });
  },
});

/** Lists everything below, not only what is directly there. */
export const listsGrandchildren: PlantedBug = (good) => ({
  listNamespaces: async (parent) => {
    const found: Namespace[] = [];
    const walk = async (from?: Namespace): Promise<void> => {
      for (const child of await good.listNamespaces(from)) {
        found.push(child);
        await walk(child);
      }
    };
    await walk(parent);
    return found;
  },
});

/** Does not ask for the rest of an answer in pages of a hundred. */
export const listsFirstPage: PlantedBug = (good) => ({
  listNamespaces: async (parent) => (await good.listNamespaces(parent)).slice(0, 100),
  listTables: async (namespace) => (await good.listTables(namespace)).slice(0, 100),
});

export const listsTablesBelow: PlantedBug = (good) => ({
  listTables: async (namespace) => {
    const below = await good.listNamespaces(namespace);
    const lists = await Promise.all([namespace, ...below].map((levels) => good.listTables(levels)));
    return lists.flat();
  },
});

export const makesNamespaces: PlantedBug = (good) => ({
  createTable: async (identifier, options) => {
    await good.createNamespace(identifier.namespace).catch(() => undefined);
    return good.createTable(identifier, options);
  },
});

export const replacesNamespaceProperties: PlantedBug = (good) => ({
  updateNamespaceProperties: async (namespace, change) => {
    const removals = Object.keys(await good.loadNamespaceProperties(namespace));
    const outcome = await good.updateNamespaceProperties(namespace, change);
    const kept = removals.filter((key) => !Object.hasOwn(change.updates ?? {}, key));
    await good.updateNamespaceProperties(namespace, { removals: kept });
    return outcome;
  },
});

/** Knows names as text with dots, and by their lower case. */
export const joinsNames: PlantedBug = (good) => ({
  createNamespace: (levels, properties) =>
    good.createNamespace(
      levels.flatMap((level) => level.split('.')),
      properties,
    ),
});

export const foldsCase: PlantedBug = (good) => {
  const folded = ({ namespace, name }: TableIdentifier) => ({ namespace, name: name.toLowerCase() });
  return {
    createTable: (identifier, options) => good.createTable(folded(identifier), options),
    tableExists: (identifier) => good.tableExists(folded(identifier)),
    dropTable: (identifier, options) => good.dropTable(folded(identifier), options),
  };
};

/** Keeps what it loaded once. */
export const cachesForever: PlantedBug = (good) => {
  const cache = new Map<string, Promise<LoadedTable>>();
  return {
    loadTable: (identifier) => {
      const key = JSON.stringify(identifier);
      const known = cache.get(key) ?? good.loadTable(identifier);
      cache.set(key, known);
      return known;
    },
  };
};

export const fixedLocations: PlantedBug = (good) => ({
  createTable: (identifier, options) =>
    good.createTable(identifier, {
      ...options,
      location:
        options.location ?? ['memory://warehouse', ...identifier.namespace, identifier.name].join('/'),
    }),
});

export const ignoresLocation: PlantedBug = (good) => ({
  createTable: (identifier, { location: _, ...options }) => good.createTable(identifier, options),
});

/** Registers without reading the file, and finds out at the first load. */
export const registersUnread: PlantedBug = (good, io) => {
  const unread = new Map<string, string>();
  return {
    registerTable: async (identifier, location) => {
      const { metadata } = await good.createTable(identifier, { schema: { fields: [] } });
      unread.set(identifier.name, location);
      return { identifier, metadataLocation: location, metadata };
    },
    loadTable: async (identifier) => {
      const table = await good.loadTable(identifier);
      const location = unread.get(identifier.name);
      return location === undefined ? table : { ...table, metadata: await loadTableMetadata(io, location) };
    },
  };
};

/** Deletes old metadata files without being asked, or more of them than it was asked. */
export const deletesOldFiles: PlantedBug = (good, io) => ({
  commitTable: async (identifier, request) => {
    const base = await good.loadTable(identifier);
    const after = await good.commitTable(identifier, request);
    await deleteFiles(
      io,
      base.metadata.metadataLog.map((entry) => entry.metadataFile),
    );
    return after;
  },
});

export const neverDeletesOldFiles: PlantedBug = (good, io) => ({
  commitTable: async (identifier, request) => {
    const base = await good.loadTable(identifier);
    const files = base.metadata.metadataLog.map((entry) => entry.metadataFile);
    const kept = await Promise.all(files.map((file) => io.readFile(file).catch(() => undefined)));
    const after = await good.commitTable(identifier, request);
    for (const [i, bytes] of kept.entries()) if (bytes) await io.writeFile(files[i] as string, bytes);
    return after;
  },
});

/** Makes a request that was sent once before a success, by its key alone. */
export const trustsIdempotencyKeys: PlantedBug = (good) => {
  const seen = new Set<string>();
  return {
    commitTable: async (identifier, request: CommitRequest, options) => {
      const key = options?.idempotencyKey;
      if (key !== undefined && seen.has(key)) {
        return good.commitTable(identifier, {
          requirements: [],
          updates: [{ action: 'set-properties', updates: { resent: key } }],
        });
      }
      if (key !== undefined) seen.add(key);
      return good.commitTable(identifier, request);
    },
  };
};
