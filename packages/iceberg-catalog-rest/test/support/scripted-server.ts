import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** A request as it arrived, whole. */
export interface ReceivedRequest {
  readonly method: string;
  /** Path and query, as sent. */
  readonly target: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** What a test lets the server do with one request. */
export type Answer = (request: ReceivedRequest, response: ServerResponse) => void | Promise<void>;

/** A real HTTP server on loopback whose every answer the test decides. */
export interface ScriptedServer extends AsyncDisposable {
  readonly uri: string;
  /** All requests so far, `GET /v1/config` aside. */
  readonly requests: readonly ReceivedRequest[];
  /** As `POST namespaces/a/tables`, in their order; `/v1/` is left out. */
  readonly calls: readonly string[];
  close(): Promise<void>;
}

/** Answers with JSON; bigints are not printed. */
export const json =
  (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };

/** An error in the form of the specification. */
export const failure = (
  status: number,
  type: string,
  headers: Readonly<Record<string, string>> = {},
): Answer => json(status, { error: { message: `it is ${type}`, type, code: status } }, headers);

/** No content. */
export const nothing: Answer = (_, response) => {
  response.writeHead(204).end();
};

/** A page, as proxies answer with. */
export const page =
  (status: number, headers: Readonly<Record<string, string>> = {}): Answer =>
  (_, response) => {
    response
      .writeHead(status, { 'content-type': 'text/html', ...headers })
      .end('<html><h1>Bad day</h1></html>');
  };

/** The connection ends without a reply. */
export const reset: Answer = (_, response) => {
  response.socket?.destroy();
};

/** No reply, ever. */
export const silence: Answer = () => {};

/**
 * Starts a server. `answer` is asked for every request but that for the configuration, which is `config`: an object, or
 * an answer of its own.
 */
export async function startScriptedServer(
  answer: Answer,
  config: object | Answer = { defaults: {}, overrides: {} },
): Promise<ScriptedServer> {
  const requests: ReceivedRequest[] = [];
  const onRequest = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request = {
      method: message.method ?? '',
      target: message.url ?? '',
      headers: message.headers,
      body: (await buffer(message)).toString('utf8'),
    };
    if (/^\/v1\/config(\?|$)/.test(request.target)) {
      return (typeof config === 'function' ? (config as Answer) : json(200, config))(request, response);
    }
    requests.push(request);
    await answer(request, response);
  };
  const server = createServer((message, response) => {
    onRequest(message, response).catch((error: unknown) => {
      // Seen by the test as a status that no script has.
      response.writeHead(599).end(String(error));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  };
  return {
    uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    get calls() {
      return requests.map(
        ({ method, target }) => `${method} ${target.replace(/^\/v1\//, '').replace(/\?.*/, '')}`,
      );
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** One answer after the other; the last one stays. */
export function inTurn(...answers: readonly Answer[]): Answer {
  let next = 0;
  return (request, response) => {
    const answer = answers[Math.min(next, answers.length - 1)]!;
    next += 1;
    return answer(request, response);
  };
}
