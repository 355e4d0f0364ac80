import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { IcebergError } from '@danube/iceberg';
import { Agent, type Dispatcher } from 'undici';
import { AttemptError } from './attempt-error.ts';
import { safeCause } from './auth/safe-cause.ts';

const inflate = promisify(gunzip);
const TOO_LONG = 'REPLY_TOO_LONG';

/** One request, with everything that goes over the wire. */
export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE';
  readonly url: URL;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
  readonly signal: AbortSignal;
  /** Called when it is about to go out over a connection: before that, nothing was sent. */
  readonly onSend: () => void;
}

/** A whole reply, whatever its status. */
export interface HttpReply {
  readonly status: number;
  /** The first value of a header; its name in lower case. */
  header(name: string): string | undefined;
  readonly body: Uint8Array;
}

/** Connections to the server of one catalog. */
export interface HttpTransport {
  /**
   * Sends a request and reads the whole reply. Follows no redirect. Rejects with an `AttemptError`: `not-sent` if no
   * connection came about or a header cannot be sent, `unreadable` for a reply that is too long, else `lost`.
   */
  send(request: HttpRequest): Promise<HttpReply>;
  /** Ends all connections; waits for requests under way. */
  close(): Promise<void>;
}

/** Settings of {@link openHttpTransport}. */
export interface HttpTransportOptions {
  readonly connectTimeoutMs: number;
  readonly maxConnections: number;
  readonly maxReplyBytes: number;
}

/** An undici agent of its own: closing it touches nobody else's connections. Time limits are those of the signals. */
export function openHttpTransport(options: HttpTransportOptions): HttpTransport {
  const { maxReplyBytes } = options;
  const agent = new Agent({
    connections: options.maxConnections,
    allowH2: false,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: options.connectTimeoutMs },
  });
  const dispatcher = agent.compose(tellingOfSends);
  return {
    async send({ method, url, headers, body, signal, onSend }) {
      let isSent = false;
      const tell: OnSend = () => {
        isSent = true;
        onSend();
      };
      try {
        const reply = await dispatcher.request({
          origin: url.origin,
          path: url.pathname + url.search,
          method,
          headers,
          body: body ?? null,
          signal,
          opaque: tell,
        });
        const bytes = await readAll(reply.body, maxReplyBytes);
        const header = (name: string) => {
          const value = reply.headers[name];
          return Array.isArray(value) ? value[0] : value;
        };
        const isGzip = /^(x-)?gzip$/i.test(header('content-encoding') ?? '') && bytes.length > 0;
        return {
          status: reply.statusCode,
          header,
          body: isGzip ? await inflate(bytes, { maxOutputLength: maxReplyBytes }) : bytes,
        };
      } catch (cause) {
        const code = (cause as { readonly code?: unknown }).code;
        if (code === 'UND_ERR_INVALID_ARG') throw notSendable(url, cause);
        // The only certain sign, since codes as ECONNRESET mean both.
        if (!isSent) throw notConnected(url, cause);
        if (code === TOO_LONG || code === 'ERR_BUFFER_TOO_LARGE') throw tooLong(url, maxReplyBytes);
        throw lost(url, cause);
      }
    },
    close: () => agent.close(),
  };
}

type OnSend = () => void;

/** Calls what a request has as `opaque` when undici is about to write the request to a connection. */
const tellingOfSends: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) =>
  dispatch(options, {
    onRequestStart: (...args) => {
      (options as { readonly opaque?: OnSend }).opaque?.();
      handler.onRequestStart?.(...args);
    },
    onRequestUpgrade: (...args) => handler.onRequestUpgrade?.(...args),
    onResponseStart: (...args) => handler.onResponseStart?.(...args),
    onResponseData: (...args) => handler.onResponseData?.(...args),
    onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
    onResponseError: (...args) => handler.onResponseError?.(...args),
  });

async function readAll(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    // Leaving the loop ends the connection.
    if (size > maxBytes) throw Object.assign(new RangeError('too long'), { code: TOO_LONG });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

function notConnected(url: URL, cause: unknown): AttemptError {
  return new AttemptError('not-sent', `no connection to ${url.host} (${detail(cause)})`, {
    cause: safeCause(cause),
  });
}

/** undici checks a request before it looks for a connection, and names the header in its message, not the value. */
function notSendable(url: URL, cause: unknown): AttemptError {
  const message = `a request to ${url.host} cannot be sent: ${(cause as Error).message}`;
  return new AttemptError('not-sent', message, {
    cause: new IcebergError('INVALID_ARGUMENT', message),
    isFinal: true,
  });
}

/** It would be as long the next time, and says nothing against the server. */
function tooLong(url: URL, maxBytes: number): AttemptError {
  return new AttemptError(
    'unreadable',
    `a reply of ${url.host} is longer than maxReplyBytes, ${maxBytes} bytes`,
  );
}

function lost(url: URL, cause: unknown): AttemptError {
  return new AttemptError('lost', `no whole reply from ${url.host} (${detail(cause)})`, {
    cause: safeCause(cause),
  });
}

function detail(cause: unknown): string {
  const { code, message } = cause as { readonly code?: unknown; readonly message?: unknown };
  return typeof code === 'string' ? code : String(message);
}
