import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { allOf, cut, flipped, middle, slowed } from './fault-pieces.ts';
import type { End, FaultRules, Reply, Verdict } from './fault-rules.ts';
import {
  bodyPieces,
  ConnectionLost,
  type Head,
  type Piece,
  readHead,
  requestFraming,
  responseFraming,
  SocketReader,
} from './http-reader.ts';

/** A connection with the reader of its incoming bytes. */
interface Peer {
  readonly socket: Socket;
  readonly reader: SocketReader;
}

/** Resolves when the bytes were handed to the kernel, or cannot be any more: a peer that is gone shows when read. */
const write = ({ socket }: Peer, bytes: Buffer | string): Promise<void> =>
  new Promise((resolve) => socket.write(bytes, () => resolve()));

function endClient({ socket }: Peer, by: End): void {
  if (by === 'rst') socket.resetAndDestroy();
  else socket.end();
}

/** Serves one client until it or a fault ends the connection. */
export async function serveConnection(
  socket: Socket,
  target: NetConnectOpts,
  rules: FaultRules,
): Promise<void> {
  const client = { socket, reader: new SocketReader(socket) };
  try {
    for (;;) {
      const head = await readHead(client.reader);
      if (head === undefined) break;
      const [method = '', url = ''] = head.words;
      const [path = '', query = ''] = url.split(/\?(.*)/s);
      const verdict = rules.judge({ method, path, query, headers: head.headers });
      if (!(await serveRequest(client, head, target, verdict))) break;
    }
  } catch (error) {
    // Whoever went away, the other one sees it: an answer that cannot be completed must not look complete.
    if (!(error instanceof ConnectionLost)) throw error;
    socket.resetAndDestroy();
  } finally {
    if (!socket.destroyed) socket.destroySoon();
  }
}

/** Returns whether the connection can take another request. */
async function serveRequest(
  client: Peer,
  head: Head,
  target: NetConnectOpts,
  verdict: Verdict,
): Promise<boolean> {
  const { fault, fire } = verdict;
  if (fault.kind === 'reset-before') {
    endClient(client, 'rst');
    fire();
    return false;
  }
  if (fault.kind === 'answer') return answer(client, head, fault, verdict);
  if (fault.kind === 'pass' && fault.delayMs !== undefined) {
    await sleep(fault.delayMs);
    fire();
  }
  if (fault.kind === 'late-request') return forwardLate(client, head, target, fault.byMs, verdict);
  const server = connectTo(target);
  try {
    return await forward(client, head, server, verdict);
  } finally {
    server.socket.destroy();
  }
}

function connectTo(target: NetConnectOpts): Peer {
  const socket = connect({ ...target, noDelay: true });
  socket.on('error', () => {}); // the reader notices
  return { socket, reader: new SocketReader(socket) };
}

/** Writes to a client that is gone go nowhere, and nothing tells the server. */
async function forwardLate(
  client: Peer,
  head: Head,
  target: NetConnectOpts,
  byMs: number,
  { request, fire, answered }: Verdict,
): Promise<boolean> {
  const body = await allOf(bodyPieces(client.reader, requestFraming(head)));
  await sleep(byMs);
  const server = connectTo(target);
  try {
    for (const bytes of [head.raw, ...body.map(({ raw }) => raw)]) await write(server, bytes);
    const response = await readHead(server.reader);
    if (response === undefined) throw new ConnectionLost('the server ended before it answered');
    const pieces = await allOf(bodyPieces(server.reader, responseFraming(response, request.method)));
    answered(Number(response.words[1]));
    fire();
    for (const bytes of [response.raw, ...pieces.map(({ raw }) => raw)]) await write(client, bytes);
    return !closes(head) && !closes(response);
  } finally {
    server.socket.destroy();
  }
}

const waitsForContinue = ({ headers }: Head): boolean => /100-continue/i.test(headers['expect'] ?? '');

async function answer(client: Peer, head: Head, reply: Reply, { fire, answered }: Verdict): Promise<boolean> {
  // A client that waits for `100 Continue` sends no body after a final answer, or does: only closing is unambiguous.
  const last = waitsForContinue(head);
  if (!last) for await (const _ of bodyPieces(client.reader, requestFraming(head)));
  // Before the client can know of it: a test may look as soon as its client has the answer.
  answered(reply.status);
  fire();
  await writeReply(client, head, reply, last ? { Connection: 'close' } : {});
  return !last;
}

async function writeReply(
  client: Peer,
  request: Head,
  { status, headers = {}, body = '' }: Reply,
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  const all = { ...headers, 'Content-Length': Buffer.byteLength(body), ...more };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  const withBody = request.words[0] !== 'HEAD' && status !== 204 && status !== 304;
  await write(client, `HTTP/1.1 ${status} Fault\r\n${lines.join('')}\r\n${withBody ? body : ''}`);
}

async function forward(client: Peer, head: Head, server: Peer, verdict: Verdict): Promise<boolean> {
  await write(server, head.raw);
  const flip = verdict.fault.kind === 'flip-request-byte' ? (verdict.fault.at ?? middle(head)) : undefined;
  const cutAfter = verdict.fault.kind === 'cut-request' ? verdict.fault.afterBytes : Number.POSITIVE_INFINITY;
  const reset = () => {
    verdict.fire();
    server.socket.resetAndDestroy();
  };
  let sent = false;
  const sending = (async () => {
    const pieces = flipped(bodyPieces(client.reader, requestFraming(head)), flip, verdict.fire);
    for await (const piece of cut(pieces, cutAfter, reset)) await write(server, piece.raw);
    sent = true;
  })();
  const gone = gaveUp(client, server, sending);

  let response = await readHead(server.reader);
  for (; response?.words[1]?.startsWith('1'); response = await readHead(server.reader)) {
    await write(client, response.raw);
  }
  if (response === undefined) throw new ConnectionLost('the server ended before it answered');
  verdict.answered(Number(response.words[1]));
  const alive = await reply(client, head, response, server, gone, verdict);
  if (!alive || (!sent && waitsForContinue(head))) return false;
  // A server may answer early. A client that is still sending is heard to the end, so that it reads the answer.
  server.socket.destroy();
  await sending;
  return !closes(head) && !closes(response);
}

/** Resolves when the client has ended, in its request or after it, and lets the server see it; or when all is over. */
async function gaveUp(client: Peer, server: Peer, sending: Promise<void>): Promise<void> {
  await sending.catch(() => {});
  while (!server.socket.destroyed && (await client.reader.more()));
  server.socket.destroy();
}

const closes = ({ headers, words }: Head): boolean =>
  /\bclose\b/i.test(headers['connection'] ?? '') || words.includes('HTTP/1.0');

/** Gives the client the answer, or what the fault leaves of it. Returns whether the connection is whole. */
async function reply(
  client: Peer,
  head: Head,
  response: Head,
  server: Peer,
  gone: Promise<void>,
  { fault, fire, request }: Verdict,
): Promise<boolean> {
  const framing = responseFraming(response, request.method);
  let pieces: AsyncIterable<Piece> | Piece[] = bodyPieces(server.reader, framing);
  switch (fault.kind) {
    case 'lose-reply':
      for await (const _ of pieces);
      endClient(client, fault.by ?? 'rst');
      fire();
      return false;
    case 'hold-reply':
      pieces = await allOf(pieces);
      fire();
      if (!(await held(gone, fault.forMs))) return false;
      break;
    case 'replace-reply': {
      const payload = (await allOf(pieces)).filter((piece) => piece.payload);
      const body = Buffer.concat(payload.map(({ raw }) => raw)).toString();
      fire();
      const own = { status: Number(response.words[1]), headers: typeOf(response), body };
      await writeReply(client, head, fault.by(own));
      return true;
    }
    case 'slow-response':
      pieces = slowed(await allOf(pieces), fault.pieceBytes, fault.pauseMs);
      fire();
      break;
    case 'flip-response-byte':
      pieces = flipped(pieces, fault.at ?? middle(response), fire);
      break;
    case 'cut-response':
      pieces = cut(pieces, fault.afterBytes, () => {
        endClient(client, fault.by);
        fire();
      });
  }
  await write(client, response.raw);
  for await (const piece of pieces) await write(client, piece.raw);
  return framing !== 'until-end' && !client.socket.writableEnded && !client.socket.destroyed;
}

const typeOf = ({ headers }: Head): Readonly<Record<string, string>> =>
  headers['content-type'] === undefined ? {} : { 'Content-Type': headers['content-type'] };

/** Waits; returns false if the client gave up meanwhile. */
async function held(gone: Promise<void>, forMs: number | undefined): Promise<boolean> {
  const endless = gone.then(() => false);
  return forMs === undefined ? endless : Promise.race([endless, sleep(forMs, true)]);
}
