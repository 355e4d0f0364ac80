import type { LoadedTable } from '../catalog/catalog.ts';
import type { FileIO } from '../io/file-io.ts';
import { metadataFolder } from '../metadata/metadata-file.ts';
import {
  type AddressEquality,
  isSameOrigin,
  isWithin,
  leadsUpwards,
  originOf,
  parseAddress,
} from './file-address.ts';
import { LocationSet } from './location-set.ts';
import { collectManifests, manifestListsOf, statisticsOf, visitPaths } from './reachable-files.ts';

/**
 * What a table says of a file in a listing: it needs it; it names a file of that path under another scheme or bucket,
 * which may be the same one or not; it says nothing.
 */
export type Knowledge = 'needed' | 'other-origin' | 'unknown';

/** The files of a table that lie in one folder, 20 to 40 bytes of memory each. */
export class KnownFiles {
  readonly #folder: ReturnType<typeof parseAddress>;
  readonly #equality: AddressEquality;
  readonly #needed = new LocationSet();
  readonly #elsewhere = new LocationSet();
  readonly #origins = new Set<string>();

  constructor(folder: string, equality: AddressEquality) {
    this.#folder = parseAddress(folder, equality);
    this.#equality = equality;
  }

  add(location: string): void {
    const address = parseAddress(location, this.#equality);
    if (!isWithin(address, this.#folder) && !leadsUpwards(location)) return;
    if (isSameOrigin(address, this.#folder)) {
      this.#needed.add(address.path);
      return;
    }
    this.#elsewhere.add(address.path);
    this.#origins.add(originOf(address));
  }

  /** What is known of a file of the listing. */
  look(listed: string): Knowledge {
    const { path } = parseAddress(listed, this.#equality);
    if (this.#needed.has(path)) return 'needed';
    return this.#elsewhere.has(path) ? 'other-origin' : 'unknown';
  }

  /** The schemes and buckets, other than the folder's, under which metadata names files of such paths. */
  get otherOrigins(): readonly string[] {
    return [...this.#origins];
  }

  /** The scheme and bucket of the folder. */
  get origin(): string {
    return originOf(this.#folder);
  }
}

/**
 * Every file that any snapshot of a table needs, and the table itself: data and delete files, manifests, manifest
 * lists, statistics, the present metadata file and those of the metadata log, and the version hint of tables in a
 * file system. Reads every manifest once. Errors: `IO_ERROR`, `INVALID_MANIFEST`.
 */
export async function collectKnownFiles(
  io: FileIO,
  { metadata, metadataLocation }: LoadedTable,
  known: KnownFiles,
  concurrency: number,
): Promise<void> {
  const manifests = await collectManifests(io, metadata.snapshots, concurrency);
  for (const location of [
    metadataLocation,
    ...metadata.metadataLog.map((entry) => entry.metadataFile),
    ...statisticsOf(metadata),
    ...manifestListsOf(metadata.snapshots),
    ...manifests.keys(),
    `${metadataFolder(metadata)}/version-hint.text`,
  ]) {
    known.add(location);
  }
  await visitPaths(io, manifests.values(), concurrency, ({ isLive, location }) => {
    if (isLive) known.add(location);
  });
}
