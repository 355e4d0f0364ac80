import { badLocation, type Location, parseLocation } from './location.ts';

/** What a URL names: the store as a whole, and the part of it below a prefix. */
export interface StoreUrl extends Location {
  /** With `file`: the directory. */
  readonly directory?: string;
  /** With others: the prefix, perhaps with a slash at its end; absent for the whole store. */
  readonly prefix?: string;
}

/**
 * Takes the URL of a store apart. Of the schemes that are known here:
 *
 * - `file:///abs/dir`: percent-encoding is decoded, as `pathToFileURL` makes it.
 * - `memory://name/prefix`, `s3://bucket/prefix` (also `s3a`, `s3n`) and further ones: literal, percent signs included, as
 *   keys are.
 *
 * Errors: `INVALID_ARGUMENT` with a sentence for everything that could be taken for something else than it is.
 */
export function parseStoreUrl(url: string, furtherSchemes: readonly string[]): StoreUrl {
  const refuse = (why: string) => badLocation('URL', url, why);
  if (/^[A-Za-z]:[\\/]/.test(url) || url.includes('\\')) {
    throw refuse('is a Windows path or has backslashes; Windows is not supported');
  }
  const location = parseLocation(url);
  if (location === undefined) {
    throw refuse(
      'is not an absolute URL (scheme://…); for a directory write file:///abs/dir or { type: "local", root }',
    );
  }
  const { scheme, authority, path } = location;
  const known = ['file', 'memory', 's3', ...furtherSchemes];
  if (!known.includes(scheme)) throw refuse(`has an unknown scheme; known are ${known.join(', ')}`);
  const further = furtherSchemes.includes(scheme);
  // `container@account` is how Azure's URLs begin, so without a colon it is left to who handed the scheme in.
  if (authority.includes('@') && !(further && !/:.*@/.test(authority))) {
    throw refuse('holds a user or a password; give credentials as options, where no log shows them');
  }
  if (/[?#]/.test(url)) {
    throw refuse('has a query or a fragment, which mean nothing here (in a file URL write %3F and %23)');
  }
  if (scheme === 'file') return { ...location, directory: directoryOf(authority, path, refuse) };
  if (scheme === 's3' && (authority === '' || authority.includes(':'))) {
    throw refuse('has no bucket behind s3://; a server is named by the option endpoint');
  }
  return { ...location, ...(path && { prefix: path }) };
}

/** The directory of a file URL: decoded, and with nothing in it that has a second meaning. */
function directoryOf(host: string, path: string | undefined, refuse: (why: string) => Error): string {
  if (host !== '') throw refuse('names another machine; for a directory of this one write file:///abs/dir');
  const segments = (path ?? '').replace(/\/$/, '').split('/');
  if (/^[A-Za-z](?::|\||%3a|%7c)$/i.test(segments[0] ?? '')) {
    throw refuse('has a drive letter; Windows is not supported');
  }
  const names = segments.map((segment) => {
    const name = decodedStrictly(segment);
    if (name === undefined) {
      throw refuse('has a percent sign that encodes nothing; write %25, or use { type: "local", root }');
    }
    if (name === '' || name === '.' || name === '..') {
      throw refuse('is no path of a directory: it is "/", or has an empty segment, "." or ".."');
    }
    if (/[/\\\0]/.test(name)) throw refuse('has an encoded slash, backslash or NUL');
    return name;
  });
  return `/${names.join('/')}`;
}

function decodedStrictly(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
