import { ClientError } from './errors.ts';
import { DEFAULT_PORT } from './wire-constants.ts';

/** A broker's URL, taken apart. */
export interface ServiceUrl {
  /** `host:port`, as gRPC wants it. */
  readonly target: string;
  /** True for `https://`. */
  readonly secure: boolean;
  /** True when the host is this machine by name or address. */
  readonly loopback: boolean;
  /** Normalised, for comparison and for messages: `http://host:port`. */
  readonly href: string;
}

/**
 * Parses `http://host[:port]` or `https://host[:port]` ({@link DEFAULT_PORT} when no port is given).
 * Throws `INVALID_ARGUMENT` for anything else.
 */
export function parseServiceUrl(text: string): ServiceUrl {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const scheme = url?.protocol;
  if (
    url === undefined ||
    (scheme !== 'http:' && scheme !== 'https:') ||
    url.hostname === '' ||
    url.username !== '' ||
    url.password !== '' ||
    (url.pathname !== '/' && url.pathname !== '')
  ) {
    // The text may hold a password: it is not repeated.
    throw new ClientError(
      'INVALID_ARGUMENT',
      'a broker URL must be http://host:port or https://host:port, without user, password or path',
    );
  }
  // An explicit :80 or :443 is dropped by URL as the scheme's default; it is read from the text.
  const explicit = /:(\d+)\/?$/.exec(text);
  const port = url.port !== '' ? url.port : (explicit?.[1] ?? String(DEFAULT_PORT));
  const target = `${url.hostname}:${port}`;
  return {
    target,
    secure: scheme === 'https:',
    loopback: /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname),
    href: `${scheme}//${target}`,
  };
}
