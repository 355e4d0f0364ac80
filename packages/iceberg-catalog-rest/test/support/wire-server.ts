import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** What a test lets the server do with one request: whatever can be done to a socket. */
export type WireAnswer = (socket: Socket) => void;

/** A server below HTTP: its answers are bytes, and no rule of the protocol binds them. */
export interface WireServer extends AsyncDisposable {
  readonly uri: string;
  /** First lines of all requests that have arrived whole, those for the configuration aside. */
  readonly requests: readonly string[];
  /** Connections that are open. */
  readonly openCount: number;
}

/** A reply with a length, which keeps its connection open. */
export function wireReply(status: string, body = '', headers = ''): string {
  return `HTTP/1.1 ${status}\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** Starts a server on loopback that answers every request with `answer`, and the configuration with an empty one. */
export async function startWireServer(answer: WireAnswer): Promise<WireServer> {
  const sockets = new Set<Socket>();
  const requests: string[] = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // Clients end connections that say nonsense.
    socket.on('error', () => {});
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      const headEnd = text.indexOf('\r\n\r\n') + 4;
      const length = Number(/^content-length: (\d+)/im.exec(text)?.[1] ?? 0);
      if (headEnd === 3 || text.length < headEnd + length) return;
      const line = text.slice(0, text.indexOf('\r\n'));
      text = '';
      if (line.startsWith('GET /v1/config')) return void socket.write(wireReply('200 OK', '{}'));
      requests.push(line);
      answer(socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    get openCount() {
      return sockets.size;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}
