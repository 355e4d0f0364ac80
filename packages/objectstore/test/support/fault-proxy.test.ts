import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { internalError, openFaultProxy, type Rule, slowDown } from './fault-proxy.ts';

type Handler = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

/** A server that reads each request whole and then answers with `handler`, and a proxy in front of it. */
async function setUp(handler: Handler, rules: Record<string, Rule> = {}) {
  const seen: string[] = [];
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('error', () => {});
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      seen.push(`${incoming.method} ${incoming.url}`);
      handler(incoming, response, Buffer.concat(chunks));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await openFaultProxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  for (const [name, rule] of Object.entries(rules)) proxy.rule(name, rule);
  onTestFinished(async () => {
    await proxy.close();
    server.closeAllConnections();
    server.close();
  });
  return { server, proxy, seen };
}

interface Ask {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  /** Several pieces are sent in chunks, one with its length. */
  readonly body?: readonly Buffer[];
  readonly agent?: Agent;
  readonly signal?: AbortSignal;
}

/** What a client gets: the whole answer, or what came of it before the error. */
interface Got {
  status?: number;
  headers?: IncomingMessage['headers'];
  body: Buffer;
  error?: string;
}

function ask(
  endpoint: string,
  { method = 'GET', path = '/', headers = {}, body = [], agent, signal }: Ask = {},
) {
  return new Promise<Got>((resolve) => {
    const got: Got = { body: Buffer.alloc(0) };
    const fail = (error: NodeJS.ErrnoException) => resolve({ ...got, error: error.code ?? error.message });
    const length = body.length === 1 ? { 'Content-Length': String(body[0]?.length) } : {};
    const sent = request(`${endpoint}${path}`, {
      method,
      headers: { ...length, ...headers },
      agent: agent ?? false,
      ...(signal ? { signal } : {}),
    });
    const send = () => {
      for (const piece of body) sent.write(piece);
      sent.end();
    };
    sent.on('error', fail).on('response', (response) => {
      Object.assign(got, { status: response.statusCode, headers: response.headers });
      response.on('error', fail).on('data', (chunk: Buffer) => {
        got.body = Buffer.concat([got.body, chunk]);
      });
      response.on('end', () => resolve(got));
    });
    if (headers['Expect']) sent.flushHeaders();
    if (headers['Expect']) sent.on('continue', send);
    else send();
  });
}

function keptAlive(): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  return agent;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

const echo: Handler = (_, response, body) => response.end(body);
const bytes = Buffer.from('0123456789');

describe('without a rule that matches', () => {
  test('bodies with a length and in chunks pass both ways, over one connection, with the Host header as sent', async () => {
    const hosts: (string | undefined)[] = [];
    const { proxy } = await setUp((incoming, response, body) => {
      hosts.push(incoming.headers.host);
      if (incoming.url === '/length') response.setHeader('Content-Length', body.length);
      else for (let at = 0; at < body.length; at += 70_000) response.write(body.subarray(at, at + 70_000));
      response.end(incoming.url === '/length' ? body : undefined);
    });
    const agent = keptAlive();
    const ports = new Set<number | undefined>();
    agent.on('free', (socket) => ports.add(socket.localPort));
    for (const size of [0, 1, 65_536, 300_001]) {
      const whole = randomBytes(size);
      const halves = [whole.subarray(0, size >> 1), whole.subarray(size >> 1)];
      for (const path of ['/length', '/chunks?list-type=2&prefix=a%2Fb']) {
        for (const body of [[whole], halves.filter((half) => half.length > 0)]) {
          const got = await ask(proxy.endpoint, { method: 'PUT', path, body, agent });
          expect(got.error).toBeUndefined();
          expect(got.body.equals(whole), `${size} ${path} ${body.length}`).toBe(true);
        }
      }
    }
    expect(ports.size).toBe(1);
    expect(new Set(hosts)).toEqual(new Set([new URL(proxy.endpoint).host]));
    expect(proxy.requests[2]).toMatchObject({
      path: '/chunks',
      query: 'list-type=2&prefix=a%2Fb',
      status: 200,
    });
  });

  test('HEAD, 204 and 304 have no body, whatever their length says, and the connection goes on', async () => {
    const { proxy } = await setUp((incoming, response) => {
      if (incoming.method !== 'HEAD') response.writeHead(Number(incoming.url?.slice(1))).end();
      else response.setHeader('Content-Length', 1000).end();
    });
    const agent = keptAlive();
    expect((await ask(proxy.endpoint, { method: 'HEAD', agent })).headers?.['content-length']).toBe('1000');
    for (const path of ['/204', '/304', '/404']) {
      expect((await ask(proxy.endpoint, { path, agent })).status).toBe(Number(path.slice(1)));
    }
    expect(proxy.count('GET')).toBe(3);
    expect(proxy.count()).toBe(4);
  });

  test('a client that expects 100 Continue gets it and sends its body then', async () => {
    const { proxy } = await setUp(echo);
    const ask100: Ask = { method: 'PUT', headers: { Expect: '100-continue' }, body: [bytes] };
    expect(await ask(proxy.endpoint, ask100)).toMatchObject({ status: 200, body: bytes });
  });

  test('a server that refuses instead of 100 Continue is heard, and no next request is taken for the body', async () => {
    const { server, proxy } = await setUp(echo);
    server.on('checkContinue', (_, response) => response.writeHead(412).end('no'));
    const ask100: Ask = { method: 'PUT', headers: { Expect: '100-continue' }, body: [bytes] };
    expect(await ask(proxy.endpoint, ask100)).toMatchObject({ status: 412, body: Buffer.from('no') });
    const socket = connect(Number(new URL(proxy.endpoint).port), '127.0.0.1');
    socket.write('PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 412 .*\r\nno\r\n0\r\n\r\n$/s);
  });

  test('an answer that comes before the body was sent is read, and the connection goes on', async () => {
    const { server, proxy } = await setUp(echo);
    server.removeAllListeners('request').on('request', (incoming, response) => {
      response.end('early');
      incoming.resume();
    });
    const agent = keptAlive();
    const ports = new Set<number | undefined>();
    agent.on('free', (socket) => ports.add(socket.localPort));
    for (const body of [[randomBytes(8_000_000)], [randomBytes(4_000_000), randomBytes(4_000_000)], []]) {
      const got = await ask(proxy.endpoint, { method: 'PUT', body, agent });
      expect(got).toMatchObject({ status: 200, body: Buffer.from('early') });
    }
    expect(ports.size).toBe(1);
  });

  test('an answer without a length, and a server that breaks off, end the connection as it did', async () => {
    const { proxy } = await setUp((incoming, { socket }) => {
      if (incoming.url === '/whole') socket?.end('HTTP/1.1 200 OK\r\n\r\n0123456789');
      else if (incoming.url === '/part')
        socket?.end('HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n0123456789');
      else socket?.destroy();
    });
    expect(await ask(proxy.endpoint, { path: '/whole' })).toMatchObject({ status: 200, body: bytes });
    expect(await ask(proxy.endpoint, { path: '/part', agent: keptAlive() })).toMatchObject({
      body: bytes,
      error: 'ECONNRESET',
    });
    expect(await ask(proxy.endpoint, { path: '/none' })).toMatchObject({ error: 'ECONNRESET' });
    expect(proxy.requests.map(({ status }) => status)).toEqual([200, 200, undefined]);
  });

  test('a server that is not there looks like a reset', async () => {
    const { server, proxy } = await setUp(echo);
    server.close();
    expect((await ask(proxy.endpoint)).error).toBe('ECONNRESET');
  });
});

describe('a connection that fails', () => {
  test('reset before: the server sees nothing, the next try passes', async () => {
    const { proxy, seen } = await setUp(echo, { reset: { method: 'PUT', fault: { kind: 'reset-before' } } });
    const put: Ask = { method: 'PUT', path: '/k', body: [bytes] };
    expect((await ask(proxy.endpoint, put)).error).toBe('ECONNRESET');
    expect(seen).toEqual([]);
    expect((await ask(proxy.endpoint, put)).status).toBe(200);
    expect(proxy.fired('reset')).toBe(1);
    expect(proxy.requests.map(({ status, rule }) => [status, rule])).toEqual([
      [undefined, 'reset'],
      [200, undefined],
    ]);
  });

  test('cut request: the server sees the beginning and then a reset, and so does the client', async () => {
    const { server, proxy, seen } = await setUp(echo, {
      cut: { fault: { kind: 'cut-request', afterBytes: 4_000 } },
    });
    const came: Buffer[] = [];
    const broken = new Promise<string>((resolve) => {
      server.once('request', (incoming: IncomingMessage) => {
        incoming.on('data', (chunk: Buffer) => came.push(chunk));
        incoming.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      });
    });
    const body = randomBytes(100_000);
    expect((await ask(proxy.endpoint, { method: 'PUT', body: [body] })).error).toBe('ECONNRESET');
    expect(await broken).toBe('ECONNRESET');
    expect(Buffer.concat(came).equals(body.subarray(0, 4_000))).toBe(true);
    expect(seen).toEqual([]);
    expect(proxy.fired('cut')).toBe(1);
  });

  test.each(['fin', 'rst'] as const)(
    'lost reply by %s: the server has taken all and answered all',
    async (by) => {
      let done = false;
      const slowly: Handler = async (_, response, body) => {
        response.write(body);
        await sleep(20);
        done = true;
        response.end(body);
      };
      const { proxy, seen } = await setUp(slowly, { lost: { fault: { kind: 'lose-reply', by } } });
      const got = await ask(proxy.endpoint, {
        method: 'PUT',
        path: '/k',
        body: [bytes, randomBytes(100_000)],
      });
      expect(got).toEqual({ body: Buffer.alloc(0), error: 'ECONNRESET' });
      expect(done).toBe(true);
      expect(seen).toEqual(['PUT /k']);
      expect(proxy.requests[0]?.status).toBe(200);
      expect(proxy.fired('lost')).toBe(1);
    },
  );

  test('held reply: the server is done, the client gives up, or gets the answer late', async () => {
    const { proxy, seen } = await setUp(echo, {
      held: { fault: { kind: 'hold-reply' } },
      late: { nth: 2, fault: { kind: 'hold-reply', forMs: 30 } },
    });
    const agent = keptAlive();
    const patience = new AbortController();
    const waiting = ask(proxy.endpoint, { method: 'PUT', body: [bytes], agent, signal: patience.signal });
    await until(() => proxy.fired('held') === 1);
    expect(seen).toEqual(['PUT /']);
    patience.abort();
    expect((await waiting).error).toBe('ABORT_ERR');
    for (const fired of [1, 1]) {
      expect(await ask(proxy.endpoint, { method: 'PUT', body: [bytes], agent })).toMatchObject({
        body: bytes,
      });
      expect(proxy.fired('late')).toBe(fired);
    }
  });

  test('late request: it lands when the client has given up, or is answered then', async () => {
    const { proxy, seen } = await setUp(echo, {
      late: { times: 2, fault: { kind: 'late-request', byMs: 60 } },
    });
    const put: Ask = { method: 'PUT', path: '/k', body: [bytes, randomBytes(100_000)] };
    expect((await ask(proxy.endpoint, { ...put, signal: AbortSignal.timeout(20) })).error).toBe('ABORT_ERR');
    expect(seen).toEqual([]);
    await until(() => proxy.fired('late') === 1);
    expect(seen).toEqual(['PUT /k']);
    expect(proxy.requests[0]?.status).toBe(200);
    const agent = keptAlive();
    for (const _ of [1, 2])
      expect((await ask(proxy.endpoint, { method: 'PUT', body: [bytes], agent })).body).toEqual(bytes);
    expect(proxy.fired('late')).toBe(2);
  });

  test('slow response: all of it comes, a piece at a time', async () => {
    const { proxy } = await setUp(echo, {
      slow: { fault: { kind: 'slow-response', pieceBytes: 4, pauseMs: 15 } },
    });
    const began = performance.now();
    expect((await ask(proxy.endpoint, { method: 'PUT', body: [bytes] })).body).toEqual(bytes);
    expect(performance.now() - began, 'three waits').toBeGreaterThan(40);
    expect(proxy.fired('slow')).toBe(1);
  });

  test.each(['fin', 'rst'] as const)(
    'cut by %s: the client gets exactly so many bytes, then an error',
    async (by) => {
      const { proxy } = await setUp(
        (incoming, response, body) => {
          if (incoming.url === '/length') response.setHeader('Content-Length', body.length);
          response.write(body.subarray(0, 3));
          response.end(body.subarray(3));
        },
        { cut: { times: 6, fault: { kind: 'cut-response', afterBytes: 5, by } } },
      );
      for (const path of ['/length', '/chunks']) {
        const put = { method: 'PUT', path };
        const got = await ask(proxy.endpoint, { ...put, body: [bytes] });
        expect(got).toMatchObject({ status: 200, body: bytes.subarray(0, 5), error: 'ECONNRESET' });
        // A body of no more than that stays whole, and the fault did not happen.
        const short = bytes.subarray(0, 5);
        expect(await ask(proxy.endpoint, { ...put, body: [short] })).not.toHaveProperty('error');
      }
      expect(proxy.fired('cut')).toBe(2);
    },
  );

  test('a client that gives up waiting hangs up on the server, too', async () => {
    const patience = new AbortController();
    let hungUp = false;
    const { proxy } = await setUp((_, response) => {
      response.on('close', () => {
        hungUp = true;
      });
      patience.abort();
    });
    expect((await ask(proxy.endpoint, { signal: patience.signal })).error).toBe('ABORT_ERR');
    await until(() => hungUp);
    expect(proxy.requests[0]?.status).toBeUndefined();
  });

  test('an upload that the client breaks off is broken off for the server', async () => {
    const { server, proxy, seen } = await setUp(echo);
    const aborted = once(server, 'request').then(([incoming]) => once(incoming as IncomingMessage, 'error'));
    const sent = request(proxy.endpoint, { method: 'PUT', headers: { 'Content-Length': '20' } });
    sent.on('error', () => {});
    sent.write(bytes);
    await once(server, 'request');
    sent.destroy();
    await aborted;
    expect(seen).toEqual([]);
  });
});

describe('bytes that change on the way', () => {
  test.each([
    ['of the answer', 'flip-response-byte'],
    ['of the request', 'flip-request-byte'],
  ] as const)('one bit %s is inverted, with a length and in chunks', async (_, kind) => {
    const arrived: string[] = [];
    const { proxy } = await setUp(
      (_, response, body) => {
        arrived.push(body.toString());
        // In chunks if it came in chunks.
        if (_.headers['content-length']) response.setHeader('Content-Length', body.length);
        response.write(body.subarray(0, 3));
        response.end(body.subarray(3));
      },
      {
        middle: { fault: { kind } },
        fourth: { nth: 2, times: 2, fault: { kind, at: 4 } },
        beyond: { nth: 4, fault: { kind, at: 10 } },
      },
    );
    const bodies = [[bytes], [bytes], [bytes.subarray(0, 4), bytes.subarray(4)], [bytes]];
    const got: string[] = [];
    for (const body of bodies) got.push((await ask(proxy.endpoint, { method: 'PUT', body })).body.toString());
    const changed = ['0123446789', '0123556789', '0123556789', '0123456789'];
    expect(got).toEqual(changed);
    expect(arrived).toEqual(kind === 'flip-request-byte' ? changed : Array(4).fill('0123456789'));
    expect(['middle', 'fourth', 'beyond'].map(proxy.fired)).toEqual([1, 2, 0]);
  });
});

describe('answers of the proxy', () => {
  test('a reply is replaced: the server has done what it was asked, the client gets something else', async () => {
    const { proxy, seen } = await setUp(
      (_, response, body) => response.writeHead(201, { 'Content-Type': 'text/x' }).end(body),
      {
        half: {
          fault: { kind: 'replace-reply', by: (own) => ({ ...own, body: own.body?.slice(0, 4) ?? '' }) },
        },
        gateway: { nth: 2, fault: { kind: 'replace-reply', by: () => ({ status: 502, body: '<html>' }) } },
      },
    );
    const agent = keptAlive();
    const put: Ask = { method: 'PUT', body: [bytes.subarray(0, 3), bytes.subarray(3)], agent };
    const half = await ask(proxy.endpoint, put);
    expect(half).toMatchObject({ status: 201, body: bytes.subarray(0, 4) });
    expect(half.headers?.['content-type']).toBe('text/x');
    expect(half).not.toHaveProperty('error');
    expect(await ask(proxy.endpoint, put)).toMatchObject({ status: 502, body: Buffer.from('<html>') });
    expect((await ask(proxy.endpoint, put)).body).toEqual(bytes);
    expect(seen).toHaveLength(3);
    expect(proxy.requests.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(['half', 'gateway'].map(proxy.fired)).toEqual([1, 1]);
  });

  test('503 SlowDown with Retry-After, 500 InternalError and others never reach the server', async () => {
    const { proxy, seen } = await setUp(echo, {
      slow: { fault: slowDown(7) },
      broken: { nth: 2, fault: internalError() },
      head: { method: 'HEAD', fault: slowDown() },
      bare: { nth: 4, fault: { kind: 'answer', status: 429 } },
    });
    const agent = keptAlive();
    const ports = new Set<number | undefined>();
    agent.on('free', (socket) => ports.add(socket.localPort));
    const put: Ask = { method: 'PUT', body: [bytes], agent };
    const slow = await ask(proxy.endpoint, put);
    expect(slow).toMatchObject({
      status: 503,
      headers: { 'retry-after': '7', 'content-type': 'application/xml' },
    });
    expect(slow.body.toString()).toContain('<Code>SlowDown</Code>');
    expect((await ask(proxy.endpoint, put)).body.toString()).toContain('<Code>InternalError</Code>');
    expect(await ask(proxy.endpoint, { method: 'HEAD', agent })).toMatchObject({
      status: 503,
      body: Buffer.alloc(0),
    });
    expect((await ask(proxy.endpoint, put)).status).toBe(429);
    expect(seen).toEqual([]);
    expect((await ask(proxy.endpoint, put)).body).toEqual(bytes);
    expect(ports.size, 'the connection is kept').toBe(1);
    expect(['slow', 'broken', 'head', 'bare'].map(proxy.fired)).toEqual([1, 1, 1, 1]);
  });

  test('a client that expects 100 Continue is answered at once and sends no body', async () => {
    const { proxy, seen } = await setUp(echo, { slow: { fault: slowDown() } });
    const ask100: Ask = {
      method: 'PUT',
      headers: { Expect: '100-continue' },
      body: [bytes],
      agent: keptAlive(),
    };
    expect((await ask(proxy.endpoint, ask100)).status).toBe(503);
    expect((await ask(proxy.endpoint, ask100)).status).toBe(200);
    expect(seen).toEqual(['PUT /']);
  });
});

describe('rules', () => {
  test('a fault may be chosen for each request anew', async () => {
    const statuses = [418, 200, 419];
    const { proxy } = await setUp(echo, {
      drawn: {
        times: Number.POSITIVE_INFINITY,
        fault: () => {
          const status = statuses.shift() ?? 200;
          return status === 200 ? { kind: 'pass' } : { kind: 'answer', status };
        },
      },
    });
    const got: (number | undefined)[] = [];
    for (const _ of [1, 2, 3, 4]) got.push((await ask(proxy.endpoint)).status);
    expect(got).toEqual([418, 200, 419, 200]);
    expect(proxy.fired('drawn')).toBe(2);
  });

  test('match by method, path and query; each counts what it matches; the first one whose turn it is wins', async () => {
    const { proxy } = await setUp(echo, {
      parts: {
        method: 'PUT',
        path: /^\/b\/k$/,
        query: /partNumber=/,
        nth: 2,
        times: 2,
        fault: internalError(),
      },
      list: { query: /^list-type=2/g, times: Number.POSITIVE_INFINITY, fault: slowDown() },
      third: { nth: 3, fault: { kind: 'answer', status: 418 } },
    });
    const statuses: unknown[] = [];
    const calls = ['PUT /b/k?partNumber=1', 'PUT /b/kk?partNumber=2', 'PUT /b/k?partNumber=2'];
    const more = [
      'PUT /b/k?partNumber=3',
      'PUT /b/k?partNumber=4',
      'GET /b?list-type=2',
      'GET /b?list-type=2',
    ];
    for (const call of [...calls, ...more]) {
      const [method = '', path = ''] = call.split(' ');
      statuses.push((await ask(proxy.endpoint, { method, path })).status);
    }
    expect(statuses).toEqual([200, 200, 500, 500, 200, 503, 503]);
    expect(['parts', 'list', 'third'].map(proxy.fired)).toEqual([2, 2, 0]);
    expect(proxy.requests.map(({ rule }) => rule)).toEqual([
      undefined,
      undefined,
      'parts',
      'parts',
      undefined,
      'list',
      'list',
    ]);
  });

  test('a delay comes before the server sees the request', async () => {
    const { proxy, seen } = await setUp(echo, { late: { fault: { kind: 'pass', delayMs: 60 } } });
    const started = performance.now();
    const answered = ask(proxy.endpoint);
    await until(() => proxy.requests.length === 1);
    expect(seen).toEqual([]);
    expect((await answered).status).toBe(200);
    // Timers count whole milliseconds.
    expect(performance.now() - started).toBeGreaterThan(58);
    expect(proxy.fired('late')).toBe(1);
  });

  test('a name that is taken and one that is not known are refused', async () => {
    const { proxy } = await setUp(echo, { slow: { fault: slowDown() } });
    expect(() => proxy.rule('slow', { fault: slowDown() })).toThrow('a rule called slow already');
    expect(() => proxy.fired('fast')).toThrow('no rule called fast');
  });
});
