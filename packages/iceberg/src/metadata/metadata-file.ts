import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { IcebergError } from '../errors.ts';
import type { FileIO } from '../io/file-io.ts';
import { readWholeFile, writeNewFile } from '../io/file-io-errors.ts';
import { withoutTrailingSlash } from './create-table-metadata.ts';
import type { TableMetadata } from './table-metadata.ts';
import { formatTableMetadata, parseTableMetadata } from './table-metadata-json.ts';

const inflate = promisify(gunzip);
const deflate = promisify(gzip);
/** More than any metadata file seen; keeps a damaged or hostile gzip file from taking all memory. */
const maxInflatedBytes = 2 ** 30;

/**
 * Reads a metadata file; gzip is told by the file's own first bytes, whatever it is called.
 * Errors: `IO_ERROR`, `INVALID_METADATA`, `UNSUPPORTED_FORMAT_VERSION`, each naming the file.
 */
export async function loadTableMetadata(io: FileIO, location: string): Promise<TableMetadata> {
  const bytes = await readWholeFile(io, location);
  return parseTableMetadata(await decodeText(bytes, location), location);
}

/**
 * Writes a metadata file; it is durable when the promise resolves, and an existing file is never replaced.
 * Names that end in `.gz.metadata.json` are compressed. Format v2 only (`UNSUPPORTED_FORMAT_VERSION`).
 */
export async function writeTableMetadata(
  io: FileIO,
  metadata: TableMetadata,
  location: string,
): Promise<void> {
  const text = Buffer.from(formatTableMetadata(metadata), 'utf8');
  await writeNewFile(io, location, location.endsWith(gzipSuffix) ? await deflate(text) : text);
}

const gzipSuffix = '.gz.metadata.json';

/** The folder of a table's metadata, manifest lists and manifests; property `write.metadata.path` moves it. */
export function metadataFolder(metadata: Pick<TableMetadata, 'location' | 'properties'>): string {
  const configured = metadata.properties['write.metadata.path'];
  return configured === undefined
    ? `${withoutTrailingSlash(metadata.location)}/metadata`
    : withoutTrailingSlash(configured);
}

/**
 * A new name for a metadata file: `<folder>/<version>-<uuid>.metadata.json`, the version one more than the
 * one in the previous file's name (00000 for a new table or another kind of name).
 */
export function newMetadataLocation(
  metadata: Pick<TableMetadata, 'location' | 'properties'>,
  previousLocation?: string,
): string {
  const version = previousLocation === undefined ? 0 : metadataVersion(previousLocation) + 1;
  const gzipped = metadata.properties['write.metadata.compression-codec']?.toLowerCase() === 'gzip';
  const suffix = gzipped ? gzipSuffix : '.metadata.json';
  return `${metadataFolder(metadata)}/${String(version).padStart(5, '0')}-${randomUUID()}${suffix}`;
}

/** The version in a metadata file's name (`00012-…`, `v12.…`), or -1. */
export function metadataVersion(location: string): number {
  const name = location.slice(location.lastIndexOf('/') + 1);
  const match = /^(?:(\d{1,15})-|v(\d{1,15})\.)/.exec(name);
  return match === null ? -1 : Number(match[1] ?? match[2]);
}

/**
 * The metadata files a commit made superfluous: with `write.metadata.delete-after-commit.enabled=true` those
 * that fell out of the metadata log, else none. A catalog deletes them after the swap, and ignores failures.
 */
export function obsoleteMetadataFiles(base: TableMetadata, next: TableMetadata): readonly string[] {
  if (next.properties['write.metadata.delete-after-commit.enabled']?.toLowerCase() !== 'true') return [];
  const kept = new Set(next.metadataLog.map((entry) => entry.metadataFile));
  return base.metadataLog.map((entry) => entry.metadataFile).filter((file) => !kept.has(file));
}

async function decodeText(bytes: Uint8Array, location: string): Promise<string> {
  try {
    const plain = isGzip(bytes) ? await inflate(bytes, { maxOutputLength: maxInflatedBytes }) : bytes;
    return new TextDecoder('utf-8', { fatal: true }).decode(plain);
  } catch (cause) {
    throw new IcebergError('INVALID_METADATA', `${location}: neither UTF-8 nor gzip of it`, {
      cause,
      context: { file: location },
    });
  }
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}
