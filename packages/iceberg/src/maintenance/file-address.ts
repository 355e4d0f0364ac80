/** A location in a form in which two spellings of one file are the same. */
export interface FileAddress {
  /** Lower case; '' for a location without one. */
  readonly scheme: string;
  /** Bucket or host, lower case; '' if there is none. */
  readonly authority: string;
  /** Without percent-encoding, doubled slashes, `.` and `..`, and a slash at the end. */
  readonly path: string;
}

/** What counts as the same beside what is spelled the same. */
export interface AddressEquality {
  /** Scheme to the one it stands for. `s3a` and `s3n` are `s3` anyway. */
  readonly equalSchemes?: Readonly<Record<string, string>>;
  /** Bucket or host to the one it stands for, for access points and DNS aliases. */
  readonly equalAuthorities?: Readonly<Record<string, string>>;
}

const sameSchemes: Readonly<Record<string, string>> = { s3a: 's3', s3n: 's3' };

/**
 * Takes a location apart for comparison. Paths are decoded until nothing is left to decode: engines differ in whether a
 * percent sign is part of a name or of an encoding, so `a%2Fb`, `a%252Fb` and `a/b` are one here; `a/./b` and `a/x/../b`
 * are, too. Two different files
 * may come out as one, never one file as two: use it where that means that a file is kept.
 */
export function parseAddress(location: string, equality: AddressEquality = {}): FileAddress {
  const parts = /^([A-Za-z][A-Za-z0-9+.-]*):(?:\/\/([^/]*))?(.*)$/s.exec(location);
  if (parts === null) return { scheme: '', authority: '', path: canonicalPath(location) };
  const named = (parts[1] ?? '').toLowerCase();
  const scheme = lookUp(equality.equalSchemes, named) ?? lookUp(sameSchemes, named) ?? named;
  const host = (parts[2] ?? '').toLowerCase();
  const authority = scheme === 'file' && host === 'localhost' ? '' : host;
  return {
    scheme: scheme.toLowerCase(),
    authority: (lookUp(equality.equalAuthorities, authority) ?? authority).toLowerCase(),
    path: canonicalPath(parts[3] ?? ''),
  };
}

/** Whether the origin of a location in metadata is that of a listing. One that metadata leaves out may be any. */
export function isSameOrigin(named: FileAddress, listed: FileAddress): boolean {
  return (
    (named.scheme === '' || named.scheme === listed.scheme) &&
    (named.authority === '' || named.authority === listed.authority)
  );
}

/** Whether a path is the folder or lies in it. */
export function isWithin({ path }: FileAddress, folder: FileAddress): boolean {
  return path === folder.path || path.startsWith(folder.path === '/' ? '/' : `${folder.path}/`);
}

/** Whether a location leads upwards somewhere: a store that takes it literally has the file elsewhere than `path` says. */
export function leadsUpwards(location: string): boolean {
  return fullyDecoded(location).split('/').includes('..');
}

/** `scheme://authority`, for messages. */
export function originOf({ scheme, authority }: FileAddress): string {
  return `${scheme}://${authority}`;
}

function canonicalPath(text: string): string {
  const segments: string[] = [];
  for (const segment of fullyDecoded(text).split('/')) {
    // File systems resolve them, object stores do not: as above.
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  return `/${segments.join('/')}`;
}

function fullyDecoded(text: string): string {
  let path = text;
  for (let decoded = decode(path); decoded !== path; decoded = decode(path)) path = decoded;
  return path;
}

/** Decodes what is an encoding; percent signs that are none stay. */
function decode(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/(?:%[0-9A-Fa-f]{2})+/g, (encoded) => {
    try {
      return decodeURIComponent(encoded);
    } catch {
      // Not UTF-8: it stands for itself.
      return encoded;
    }
  });
}

function lookUp(map: Readonly<Record<string, string>> | undefined, key: string): string | undefined {
  return map !== undefined && Object.hasOwn(map, key) ? map[key] : undefined;
}
