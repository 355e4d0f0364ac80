import { ObjectStoreError } from '../errors.ts';

/** A URI taken apart, and nothing decoded, normalised or resolved, as `URL` would. */
export interface Location {
  /** Lower case; `s3` also for `s3a` and `s3n`. */
  readonly scheme: string;
  /** What stands between `//` and the next slash; `''` for `file:/p` and `file://localhost/p`. */
  readonly authority: string;
  /** What follows the slash behind the authority; `undefined` if there is no such slash. */
  readonly path: string | undefined;
}

/** Takes a URI apart; `undefined` if it is no absolute one (`scheme://…`, and `file:/…`). */
export function parseLocation(text: string): Location | undefined {
  const parts = /^([A-Za-z][A-Za-z0-9+.-]*):(?:\/\/([^/]*))?(?:\/(.*))?$/s.exec(text);
  if (parts === null) return undefined;
  const scheme = plainScheme(parts[1] ?? '');
  const authority = parts[2];
  if (authority === undefined && scheme !== 'file') return undefined;
  const local = scheme === 'file' && (authority === undefined || authority === 'localhost');
  return { scheme, authority: local ? '' : (authority ?? ''), path: parts[3] };
}

/** Hadoop's names of its clients for S3 mean the same buckets. */
function plainScheme(scheme: string): string {
  const lower = scheme.toLowerCase();
  return lower === 's3a' || lower === 's3n' ? 's3' : lower;
}

/** Scheme and authority, as one text that two spellings share. */
export function originOf({ scheme, authority }: Location): string {
  return `${scheme}://${authority}`;
}

/** Whether two segments of a path are one, where either may be percent-encoded. */
export function sameSegment(a: string, b: string): boolean {
  return a === b || decoded(a) === b || a === decoded(b);
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    // A lone percent sign: not an encoding, so it stands for itself.
    return segment;
  }
}

/** `INVALID_ARGUMENT` about a location or URL, without the user and password that somebody may have put into it. */
export function badLocation(
  what: 'location' | 'URL',
  text: string,
  why: string,
  context: Readonly<Record<string, string>> = {},
): ObjectStoreError {
  const shown = String(text).replace(/^([^/]*:\/\/)[^/]*@/, '$1…@');
  return new ObjectStoreError('INVALID_ARGUMENT', `${what} "${shown}" ${why}`, {
    context: { location: shown, ...context },
  });
}
