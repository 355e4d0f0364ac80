import { IcebergError } from '../errors.ts';
import type { TableMetadata } from '../metadata/table-metadata.ts';
import { type AddressEquality, isSameOrigin, isWithin, parseAddress } from './file-address.ts';

const hourMs = 3_600_000;
const defaultAgeMs = 72 * hourMs;
const leastAgeMs = 24 * hourMs;

/** Which files are looked at. */
export interface OrphanScope extends AddressEquality {
  /**
   * An age in milliseconds (not a point in time): younger files stay. Default 3 days. It must be longer than any writer
   * takes from writing a file to committing it, retries and unknown outcomes included; less than a day is refused unless
   * `allowRecent` is set.
   */
  readonly olderThanMs?: number;
  /** Accept an age of less than a day: files that somebody is about to commit may then be deleted. Default false. */
  readonly allowRecent?: boolean;
  /**
   * Only files in this folder: the table's location or one of its write paths (`write.data.path`,
   * `write.metadata.path`, …), or a folder in them. Default: the table's location.
   */
  readonly location?: string;
}

/** The age below which files stay; `INVALID_ARGUMENT` for one that is no age, or too short. */
export function safeAgeMs({ olderThanMs = defaultAgeMs, allowRecent = false }: OrphanScope): number {
  if (!(olderThanMs >= 0)) throw refuse('olderThanMs is an age in milliseconds, from 0', { olderThanMs });
  if (olderThanMs >= leastAgeMs || allowRecent) return olderThanMs;
  throw refuse(
    `olderThanMs ${olderThanMs} is less than a day: files that are about to be committed may be younger than you think; set allowRecent if no writer is at work`,
    { olderThanMs, leastAgeMs },
  );
}

/** The folder to list, with a slash at its end; `INVALID_ARGUMENT` for one that is not the table's own. */
export function ownFolder(metadata: TableMetadata, scope: OrphanScope): string {
  const location = scope.location ?? metadata.location;
  const address = parseAddress(location, scope);
  const own = ownLocations(metadata).map((text) => parseAddress(text, scope));
  if (own.some((folder) => isSameOrigin(folder, address) && isWithin(address, folder))) {
    return location.endsWith('/') ? location : `${location}/`;
  }
  throw refuse(`${location} is outside of the table at ${metadata.location}`, {
    location,
    tableLocation: metadata.location,
  });
}

/**
 * Whether a path, relative to the listed folder, is none of an Iceberg table's business: engines and tools keep files
 * and folders of their own under names that begin with `_` or `.`. A partition folder may begin so, too.
 */
export function hiddenPaths(metadata: TableMetadata): (relativePath: string) => boolean {
  const partitions = metadata.partitionSpecs
    .flatMap((spec) => spec.fields.map((field) => `${field.name}=`))
    .filter((name) => isHidden(name));
  return (relativePath) =>
    relativePath
      .split('/')
      .some((segment) => isHidden(segment) && !partitions.some((name) => segment.startsWith(name)));
}

function isHidden(name: string): boolean {
  return name.startsWith('_') || name.startsWith('.');
}

function ownLocations({ location, properties }: TableMetadata): readonly string[] {
  const keys = [
    'write.data.path',
    'write.metadata.path',
    'write.object-storage.path',
    'write.folder-storage.path',
  ];
  return [location, ...keys.flatMap((key) => properties[key] ?? [])];
}

function refuse(message: string, context: Record<string, unknown>): IcebergError {
  return new IcebergError('INVALID_ARGUMENT', message, { context });
}
