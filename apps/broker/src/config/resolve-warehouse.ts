import { fileURLToPath } from 'node:url';
import { localBaseUri } from '@danube/objectstore';
import { contradiction, unsupported } from './config-errors.ts';
import { ICEBERG_KEY, type IcebergConfig } from './config-schema.ts';

/** Where tables are, and the key that says so. */
export interface Place {
  readonly key: string;
  /** `file://` or `s3://`, without a slash at its end. */
  readonly location: string;
}

/** Makes a path absolute. */
export type ToPath = (path: string) => string;

const OUTER_KEY = `${ICEBERG_KEY}.warehouse`;
const CATALOG_KEY = `${ICEBERG_KEY}.catalog.warehouse`;

/**
 * The plan names the warehouse in two places; they contradict each other only if they mean different locations. What a
 * rest catalog calls a warehouse may be a name that only its server knows: then the outer key alone says a location.
 *
 * @throws BrokerError `CONFIG_INVALID`, `UNSUPPORTED`
 */
export function resolveWarehouse(
  { catalog = {}, warehouse }: IcebergConfig,
  type: 'sql' | 'rest',
  at: ToPath,
): Place | undefined {
  const outer = placeOf(warehouse, OUTER_KEY, at);
  const isName = type === 'rest' && catalog.warehouse !== undefined && !isLocation(catalog.warehouse);
  const inner = isName ? undefined : placeOf(catalog.warehouse, CATALOG_KEY, at);
  if (outer !== undefined && inner !== undefined && !isSamePlace(outer, inner)) {
    throw contradiction(OUTER_KEY, `expected the same place as ${CATALOG_KEY}, or only one of the two`);
  }
  return outer ?? inner;
}

/** Hadoop's names of the scheme mean the same bucket. */
function isSamePlace(...places: readonly [Place, Place]): boolean {
  const [one, other] = places.map(({ location }) => location.replace(/^s3[an]:/, 's3:'));
  return one === other;
}

/** A path or a `file:` URI as an absolute path. */
export function directoryOf(text: string, key: string, at: ToPath): string {
  const scheme = schemeOf(text);
  if (scheme === undefined) return at(text);
  if (scheme !== 'file') {
    throw unsupported(
      key,
      `a ${/^[a-z0-9]{1,10}$/.test(scheme) ? scheme : 'foreign'}:// location needs an object store this version does not have; use a directory, a file:// URI or s3://`,
    );
  }
  try {
    return at(fileURLToPath(text));
  } catch {
    throw contradiction(key, 'expected a directory or a file:/// URI'); // The cause would repeat the value.
  }
}

/** A directory, a `file:` URI or an `s3:` location as a location without a slash at its end. */
function placeOf(text: string | undefined, key: string, at: ToPath): Place | undefined {
  if (text === undefined) return undefined;
  const scheme = schemeOf(text);
  if (scheme === 's3' || scheme === 's3a' || scheme === 's3n') {
    return { key, location: `${scheme}${text.slice(scheme.length)}`.replace(/\/+$/, '') };
  }
  return { key, location: localBaseUri(directoryOf(text, key, at)) };
}

/** A server's name of a warehouse may be a number, an ARN or a word. */
function isLocation(text: string): boolean {
  return text.startsWith('/') || schemeOf(text) !== undefined;
}

/** Java writes local files with one slash, `file:/lake`. */
function schemeOf(text: string): string | undefined {
  return /^(?:([a-z][a-z0-9+.-]*):\/\/|(file):)/i.exec(text)?.slice(1).find(Boolean)?.toLowerCase();
}
