import { IcebergError } from '@danube/iceberg';

/** A request as it is about to be sent, for who proves the identity of its sender. */
export interface AuthRequest {
  readonly method: string;
  /** Sent as it stands: path and query are not encoded again. */
  readonly url: URL;
  /** Names in lower case; not yet those that `authorize` gives. */
  readonly headers: Readonly<Record<string, string>>;
  /** The bytes that are sent, not copied: read them, and leave them as they are. */
  readonly body: Uint8Array | undefined;
  /** Fires when the attempt is over or its time is up. */
  readonly signal: AbortSignal;
}

/**
 * How a catalog proves to the server who calls. Any number of requests may ask at once.
 *
 * An instance belongs to the catalog that it is given to: the catalog closes it.
 */
export interface RestAuth {
  /**
   * Headers that prove who calls, for this request; called for every attempt. They are added to the request's own and
   * replace those of the same name. What it throws ends the call; nothing was sent then.
   */
  authorize(request: AuthRequest): Promise<Readonly<Record<string, string>>>;
  /**
   * The server answered 401 or 419 to a request authorised with what `authorize` gave: whether another attempt with
   * fresh proof makes sense. Asked once per call of the catalog, with the signal that the request had: the proof given
   * for that request was refused, which is not always the one in use now.
   */
  renew?(signal: AbortSignal): Promise<boolean>;
  close?(): Promise<void>;
}

/** No proof: for catalogs that take requests of anybody, or where a header of the options or a proxy is the proof. */
export function noAuth(): RestAuth {
  return { authorize: async () => ({}) };
}

/**
 * One bearer token for every request, never renewed. Throws `INVALID_ARGUMENT` for text that cannot be in a header;
 * the message does not contain it.
 */
export function bearerToken(token: string): RestAuth {
  if (typeof token !== 'string' || !isHeaderToken(token)) {
    throw new IcebergError(
      'INVALID_ARGUMENT',
      'the bearer token is empty or has characters no header may have',
    );
  }
  return { authorize: async (request) => bearerHeader(request, token) };
}

/** Whether text can follow `Bearer ` in a header. */
export function isHeaderToken(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}

/**
 * The header of a bearer token. `INVALID_ARGUMENT` if the request has an `Authorization` of its own already: one of the
 * two would be lost without a word.
 */
export function bearerHeader({ headers }: AuthRequest, token: string): Readonly<Record<string, string>> {
  if (headers['authorization'] === undefined) return { authorization: `Bearer ${token}` };
  throw new IcebergError(
    'INVALID_ARGUMENT',
    'REST catalog: the headers have an Authorization beside auth; take one of the two away',
    { context: { option: 'headers', header: 'authorization' } },
  );
}
