import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { CallEvent } from '@danube/resilience';
import { onTestFinished } from 'vitest';
import type { ObjectStoreError } from '../../src/errors.ts';
import type { ObjectStore } from '../../src/object-store.ts';
import type { S3ObjectStoreOptions } from '../../src/s3/options.ts';
import { openS3ObjectStore, type S3ObjectStore } from '../../src/s3/s3-store.ts';
import { type FaultProxy, openFaultProxy } from '../support/fault-proxy.ts';
import type { S3Server } from '../support/s3-servers.ts';

/** What may differ in a test from a store that retries at once and has no breaker. */
export type Settings = Partial<S3ObjectStoreOptions>;

/** A store behind a fault proxy. */
export interface Faulty {
  readonly store: ObjectStore;
  readonly proxy: FaultProxy;
  /** All events so far. */
  readonly events: readonly CallEvent[];
}

export const MIB = 1024 * 1024;
export const KEYS = { accessKeyId: 'judge', secretAccessKey: 'judge-secret' };
const quick = { retry: { maxAttempts: 4, initialDelayMs: 1, maxDelayMs: 5 }, breaker: false } as const;

/** A store on a bucket, closed at the end of the test. */
export async function openStore(endpoint: string, settings: Settings = {}): Promise<S3ObjectStore> {
  const store = await openS3ObjectStore({
    bucket: 'reads',
    endpoint,
    region: 'us-east-1',
    pathStyle: true,
    credentials: KEYS,
    resilience: quick,
    ...settings,
  });
  onTestFinished(() => store.close());
  return store;
}

/** A store behind a fault proxy before a server (by default one that is not there, for proxies that answer themselves). */
export async function openFaulty(server?: S3Server, settings: Settings = {}): Promise<Faulty> {
  const proxy = await openFaultProxy(server?.endpoint ?? 'http://127.0.0.1:9');
  onTestFinished(() => proxy.close());
  const events: CallEvent[] = [];
  const onEvent = (event: CallEvent) => void events.push(event);
  return { proxy, events, store: await openStore(proxy.endpoint, { onEvent, ...settings }) };
}

/** A server that answers as the test wants. */
export interface ScriptedServer {
  readonly endpoint: string;
  /** Connections that were ever made, and those that are open. */
  readonly connections: { made: number; open: number };
}

/** Starts a server for the time of the test. */
export async function startScripted(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<ScriptedServer> {
  const server = createServer((request, response) => {
    request.resume();
    answer(request, response);
  });
  const connections = { made: 0, open: 0 };
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    connections.made += 1;
    connections.open += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      connections.open -= 1;
      sockets.delete(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, connections };
}

/** The bytes of a stream. */
export async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The error that a call fails with. */
export async function failure(call: Promise<unknown>): Promise<ObjectStoreError> {
  const outcome = await call.then(
    () => new Error('the call succeeded'),
    (error: unknown) => error,
  );
  return outcome as ObjectStoreError;
}

/** The kinds of events, for a look at their order. */
export function kinds(events: readonly CallEvent[]): string[] {
  return events.map(({ kind }) => kind);
}
