import { once } from 'node:events';
import { createServer, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CallEvent, createCallPolicy, type Failure, parseRetryAfter } from '@danube/resilience';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { failureOf } from './support/policy.ts';

/** What the server does with the requests that come, the last step for all that follow. */
let steps: ((response: ServerResponse) => void)[] = [];
let requests = 0;
let server: Server;

beforeEach(async () => {
  requests = 0;
  server = createServer((_request, response) => {
    requests += 1;
    steps[Math.min(requests, steps.length) - 1]?.(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const ok = (response: ServerResponse) => response.end('hello');
const busy = (retryAfter: string) => (response: ServerResponse) =>
  response.writeHead(503, { 'retry-after': retryAfter }).end();
const reset = (response: ServerResponse) => response.socket?.resetAndDestroy();
const hang = () => {};
const missing = (response: ServerResponse) => response.writeHead(404).end();

class HttpError extends Error {
  readonly status: number;
  readonly retryAfter: string | undefined;
  constructor(status: number, retryAfter: string | undefined) {
    super(`HTTP ${status}`);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** A GET over the network: safe to repeat whatever happened. */
async function get(signal: AbortSignal): Promise<string> {
  const { port } = server.address() as AddressInfo;
  const sent = request({ port, host: '127.0.0.1', signal, agent: false }).end();
  const [response] = await once(sent, 'response');
  const body = (await response.toArray()).join('');
  if (response.statusCode !== 200) throw new HttpError(response.statusCode, response.headers['retry-after']);
  return body;
}

function classify(error: unknown): Failure {
  if (!(error instanceof HttpError)) return { retry: true, endpointFault: true };
  const retryAfterMs = parseRetryAfter(error.retryAfter, Date.now());
  return { retry: error.status >= 500, endpointFault: error.status >= 500, retryAfterMs };
}

function setUp() {
  const events: CallEvent[] = [];
  const policy = createCallPolicy({
    name: 'http server',
    retry: { initialDelayMs: 5, maxDelayMs: 10, maxRetryAfterMs: 3000 },
    timeoutMs: 600,
    breaker: { opensAfter: { kind: 'consecutive', failures: 3 }, halfOpenAfterMs: 50 },
    onEvent: (event) => events.push(event),
  });
  const call = () => policy.execute(({ signal }) => get(signal), { operation: 'GET /', classify });
  return { policy, events, call };
}

test('a connection that is reset and an answer that never comes are tried again until there is one', async () => {
  steps = [reset, hang, ok];
  const { events, call } = setUp();
  expect(await call()).toBe('hello');
  expect(requests).toBe(3);
  expect(events).toMatchObject([
    { kind: 'retry', attempt: 1, error: { code: 'ECONNRESET' } },
    { kind: 'timed-out', attempt: 2, timeoutMs: 600 },
    { kind: 'retry', attempt: 2, error: { code: 'TIMEOUT' } },
  ]);
});

test('503 with Retry-After is tried again no sooner than that, and not at all when it is too long', async () => {
  steps = [busy('1'), ok];
  const { events, call } = setUp();
  const startMs = performance.now();
  expect(await call()).toBe('hello');
  expect(performance.now() - startMs).toBeGreaterThan(990);
  expect(events).toMatchObject([{ kind: 'retry', delayMs: 1000 }]);

  steps = [busy(new Date(Date.now() + 60_000).toUTCString())];
  requests = 0;
  expect(await failureOf(call())).toMatchObject({ message: 'HTTP 503' });
  expect(requests).toBe(1);
});

test('a server that only fails is left alone, and used again once a probe got through', async () => {
  steps = [reset, reset, reset, missing, ok];
  const { policy, events, call } = setUp();
  expect(await failureOf(call())).toMatchObject({ code: 'ECONNRESET' });
  expect([requests, policy.breakerState]).toEqual([3, 'open']);
  expect(await failureOf(call())).toMatchObject({ code: 'BREAKER_OPEN' });
  expect(requests).toBe(3);
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(await failureOf(call())).toMatchObject({ message: 'HTTP 404' });
  expect(policy.breakerState).toBe('closed');
  expect(await call()).toBe('hello');
  const states = events.map(({ kind }) => kind).filter((kind) => kind.startsWith('breaker'));
  expect(states).toEqual(['breaker-opened', 'breaker-half-open', 'breaker-closed']);
});
