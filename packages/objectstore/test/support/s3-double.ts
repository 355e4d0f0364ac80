import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as the double executes it: at once, later, twice or never, as the test decides. */
export interface DoubleRequest {
  readonly key: string;
  /** What is asked for: `put`, `head`, `begin`, `part`, `complete`, `abort` or `list`. */
  readonly kind: 'put' | 'head' | 'begin' | 'part' | 'complete' | 'abort' | 'list';
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface DoubleAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Where servers differ. */
export interface Habits {
  /** Answers 412 rather than "no such upload" to a conditional completion of an upload that is used up. */
  readonly conditionFirst: boolean;
  /** Answers "done" to a completion that is repeated, as AWS does. */
  readonly completesAgain: boolean;
}

interface Version {
  readonly body: string;
  readonly etag: string;
  readonly metadata: Readonly<Record<string, string>>;
}

interface Upload {
  readonly metadata: Readonly<Record<string, string>>;
  readonly parts: Map<number, Buffer>;
}

/** One key of an S3 server, in memory: requests take effect in the order in which they are executed. */
export class KeyDouble {
  readonly habits: Habits;
  /** What was visible, in order; undefined for nothing. The last entry is what is there now. */
  readonly history: (string | undefined)[] = [undefined];
  readonly uploads = new Map<string, Upload>();
  readonly #completed = new Map<string, string>();
  #version: Version | undefined;
  #uploadsBegun = 0;

  constructor(habits: Habits) {
    this.habits = habits;
  }

  get etag(): string | undefined {
    return this.#version?.etag;
  }

  /** Makes a body visible, as anybody. */
  write(body: string | undefined, metadata: Readonly<Record<string, string>> = {}): void {
    this.#version = body === undefined ? undefined : { body, etag: etagOf(body), metadata };
    this.history.push(body);
  }

  execute(request: DoubleRequest): DoubleAnswer {
    return this[`_${request.kind}`](request);
  }

  _put({ headers, body }: DoubleRequest): DoubleAnswer {
    const refused = this.#refusal(headers);
    if (refused !== undefined) return refused;
    this.write(body.toString(), metadataIn(headers));
    return { status: 200, headers: { etag: this.etag as string } };
  }

  _head(): DoubleAnswer {
    if (this.#version === undefined) return { status: 404 };
    const { etag, metadata } = this.#version;
    const given = Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]);
    return { status: 200, headers: { etag, ...Object.fromEntries(given) } };
  }

  _begin({ key, headers }: DoubleRequest): DoubleAnswer {
    this.#uploadsBegun += 1;
    const id = `${key}-${this.#uploadsBegun}`;
    this.uploads.set(id, { metadata: metadataIn(headers), parts: new Map() });
    return xml(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
  }

  _part({ query, body }: DoubleRequest): DoubleAnswer {
    const upload = this.uploads.get(query.get('uploadId') ?? '');
    if (upload === undefined) return answerOf(404, 'NoSuchUpload');
    upload.parts.set(Number(query.get('partNumber')), body);
    return { status: 200, headers: { etag: etagOf(body.toString()) } };
  }

  _complete({ query, headers }: DoubleRequest): DoubleAnswer {
    const id = query.get('uploadId') ?? '';
    const upload = this.uploads.get(id);
    const refused = this.#refusal(headers);
    const again = this.#completed.get(id);
    if (again !== undefined && this.habits.completesAgain) return completed(again);
    if (refused !== undefined && (upload !== undefined || this.habits.conditionFirst)) return refused;
    if (upload === undefined) return answerOf(404, 'NoSuchUpload');
    const parts = [...upload.parts].sort(([one], [other]) => one - other).map(([, part]) => part);
    this.write(Buffer.concat(parts).toString(), upload.metadata);
    this.uploads.delete(id);
    this.#completed.set(id, this.etag as string);
    return completed(this.etag as string);
  }

  _abort({ query }: DoubleRequest): DoubleAnswer {
    return this.uploads.delete(query.get('uploadId') ?? '') ? { status: 204 } : answerOf(404, 'NoSuchUpload');
  }

  _list({ key }: DoubleRequest): DoubleAnswer {
    const uploads = [...this.uploads.keys()].map(
      (id) => `<Upload><Key>${key}</Key><UploadId>${id}</UploadId></Upload>`,
    );
    return xml(`<ListMultipartUploadsResult>${uploads.join('')}</ListMultipartUploadsResult>`);
  }

  #refusal(headers: IncomingMessage['headers']): DoubleAnswer | undefined {
    if (headers['if-none-match'] === '*' && this.#version !== undefined)
      return answerOf(412, 'PreconditionFailed');
    const wanted = headers['if-match'];
    if (wanted === undefined) return undefined;
    if (this.#version === undefined) return answerOf(404, 'NoSuchKey');
    return wanted === this.#version.etag ? undefined : answerOf(412, 'PreconditionFailed');
  }
}

export function etagOf(body: string): string {
  return `"${createHash('md5').update(body).digest('hex')}"`;
}

/** The answer of a server that refuses or fails. */
export function answerOf(status: number, code: string): DoubleAnswer {
  return { ...xml(`<Error><Code>${code}</Code></Error>`), status };
}

function completed(etag: string): DoubleAnswer {
  return xml(`<CompleteMultipartUploadResult><ETag>${etag}</ETag></CompleteMultipartUploadResult>`);
}

function xml(body: string): DoubleAnswer {
  const headers = { 'content-type': 'application/xml' };
  return { status: 200, headers, body: `<?xml version="1.0"?>${body}` };
}

function metadataIn(headers: IncomingMessage['headers']): Record<string, string> {
  const start = 'x-amz-meta-';
  const given = Object.entries(headers).filter(([name]) => name.startsWith(start));
  return Object.fromEntries(given.map(([name, value]) => [name.slice(start.length), String(value)]));
}

/** Serves requests for any key of one bucket. `serve` is called when a request has arrived whole. */
export async function serveDouble(
  serve: (request: DoubleRequest, response: ServerResponse) => void,
): Promise<{ readonly endpoint: string; close(): void }> {
  const server = createServer(async (incoming, response) => {
    const body = Buffer.concat(await incoming.toArray().catch(() => []));
    const { pathname, searchParams: query } = new URL(incoming.url ?? '', 'http://double');
    const key = query.get('prefix') ?? pathname.split('/').slice(2).join('/');
    const method = incoming.method ?? '';
    serve({ key, kind: kindOf(method, query), query, headers: incoming.headers, body }, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function kindOf(method: string, query: URLSearchParams): DoubleRequest['kind'] {
  if (method === 'HEAD') return 'head';
  if (method === 'GET') return 'list';
  if (method === 'DELETE') return 'abort';
  if (method === 'POST') return query.has('uploads') ? 'begin' : 'complete';
  return query.has('partNumber') ? 'part' : 'put';
}

export function reply(response: ServerResponse, { status, headers = {}, body = '' }: DoubleAnswer): void {
  response.writeHead(status, headers).end(body);
}
