import type { Socket } from 'node:net';

/** The peer went away in the middle of a message. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

/** Reads a socket on demand. What has been received stays readable after the peer has ended or reset. */
export class SocketReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #buffered: Buffer = Buffer.alloc(0);
  #coming: Promise<boolean> | undefined;

  constructor(socket: Socket) {
    this.#chunks = socket.iterator({ destroyOnReturn: false });
  }

  /** Waits for more bytes than there are; false when the peer has ended. More than one may wait. */
  more(): Promise<boolean> {
    this.#coming ??= this.#receive().finally(() => {
      this.#coming = undefined;
    });
    return this.#coming;
  }

  async #receive(): Promise<boolean> {
    // An error is an end: what matters here is whether bytes come.
    const next = await this.#chunks.next().catch(() => ({ done: true as const, value: undefined }));
    if (next.done) return false;
    this.#buffered = this.#buffered.length === 0 ? next.value : Buffer.concat([this.#buffered, next.value]);
    return true;
  }

  #take(length: number): Buffer {
    const taken = this.#buffered.subarray(0, length);
    this.#buffered = this.#buffered.subarray(length);
    return taken;
  }

  /** The bytes up to and with `delimiter`; undefined when the peer ended before the first of them. */
  async through(delimiter: string): Promise<Buffer | undefined> {
    for (;;) {
      const at = this.#buffered.indexOf(delimiter);
      if (at >= 0) return this.#take(at + delimiter.length);
      if (await this.more()) continue;
      if (this.#buffered.length === 0) return undefined;
      throw new ConnectionLost('the peer ended inside a line');
    }
  }

  /** From 1 to `max` bytes; undefined when the peer has ended. */
  async some(max: number): Promise<Buffer | undefined> {
    while (this.#buffered.length === 0) if (!(await this.more())) return undefined;
    return this.#take(max);
  }
}

/** The first line of a message and its headers, as they came and taken apart. */
export interface Head {
  readonly raw: Buffer;
  /** The words of the first line: method, target and version, or version, status and reason. */
  readonly words: readonly string[];
  /** By lower-case name; of a repeated one the last. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Reads the head of the next message; undefined when the peer ended before it. */
export async function readHead(reader: SocketReader): Promise<Head | undefined> {
  const raw = await reader.through('\r\n\r\n');
  if (raw === undefined) return undefined;
  const [first = '', ...lines] = raw.toString('latin1').trimEnd().split('\r\n');
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { raw, words: first.split(' '), headers };
}

/** How the end of a body is found: a number of bytes, chunks, or the end of the connection. */
export type Framing = number | 'chunked' | 'until-end';

function framingOf({ headers }: Head, otherwise: Framing): Framing {
  if (/\bchunked\b/i.test(headers['transfer-encoding'] ?? '')) return 'chunked';
  const length = headers['content-length'];
  return length === undefined ? otherwise : Number(length);
}

/** The framing of a request's body. */
export const requestFraming = (head: Head): Framing => framingOf(head, 0);

/** The framing of the body of the answer to `method`. */
export function responseFraming(head: Head, method: string): Framing {
  const bodiless = method === 'HEAD' || /^(1..|204|304)$/.test(head.words[1] ?? '');
  return bodiless ? 0 : framingOf(head, 'until-end');
}

/** A part of a body as it came. `payload` is false for what only frames chunks. */
export interface Piece {
  readonly raw: Buffer;
  readonly payload: boolean;
}

/** Reads a body to its end in pieces. Throws `ConnectionLost` if the peer ends before. */
export async function* bodyPieces(reader: SocketReader, framing: Framing): AsyncGenerator<Piece> {
  if (framing === 'chunked') {
    yield* chunkedPieces(reader);
    return;
  }
  for (let left = framing === 'until-end' ? Number.POSITIVE_INFINITY : framing; left > 0; ) {
    const raw = await reader.some(left);
    if (raw === undefined && framing === 'until-end') return;
    if (raw === undefined) throw new ConnectionLost(`the peer ended ${left} bytes before the end of a body`);
    yield { raw, payload: true };
    left -= raw.length;
  }
}

async function* chunkedPieces(reader: SocketReader): AsyncGenerator<Piece> {
  const line = async (): Promise<Buffer> => {
    const raw = await reader.through('\r\n');
    if (raw === undefined) throw new ConnectionLost('the peer ended between two chunks');
    return raw;
  };
  for (;;) {
    const sizeLine = await line();
    yield { raw: sizeLine, payload: false };
    const size = Number.parseInt(sizeLine.toString('latin1'), 16);
    if (size === 0) break;
    yield* bodyPieces(reader, size);
    yield { raw: await line(), payload: false };
  }
  // Trailers, up to and with an empty line.
  for (let raw = await line(); ; raw = await line()) {
    yield { raw, payload: false };
    if (raw.length === 2) return;
  }
}
