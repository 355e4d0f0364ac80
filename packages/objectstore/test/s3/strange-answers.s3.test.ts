import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import type { ObjectStore } from '../../src/object-store.ts';
import { keys } from '../local/helpers.ts';
import { failure, openStore, readAll, startScripted } from './read-harness.ts';

const head = { etag: '"v1"', 'last-modified': 'Wed, 25 Nov 2026 10:00:00 GMT' };
const html =
  '<html><head><title>Log in</title></head><body><p>Welcome to our guest network</p></body></html>';
const reads: readonly (readonly [string, (store: ObjectStore) => Promise<unknown>])[] = [
  ['get', (store) => store.get('k')],
  ['getStream', async (store) => readAll((await store.getStream('k')).stream)],
  ['head', (store) => store.head('k')],
];

// Goal: a page that a captive portal or a proxy gives, with status 200, is never taken for the answer of an S3 server.
describe('a page of HTML with status 200', () => {
  const calls: typeof reads = [
    ...reads,
    ['list', (store) => keys(store, '')],
    ['delete', (store) => store.delete('k')],
    [
      'deleteMany',
      async (store) => {
        const [failed] = await store.deleteMany(['k']);
        if (failed !== undefined) throw failed.error;
      },
    ],
  ];
  test.each(calls)('%s fails', async (_, call) => {
    const server = await startScripted((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html', 'content-length': html.length }).end(html);
    });
    const store = await openStore(server.endpoint);
    expect(['IO_ERROR', 'UNAVAILABLE']).toContain((await failure(call(store))).code);
    await vi.waitUntil(() => server.connections.open <= 1);
  });
});

test('deleteMany of a text deletes nothing', async () => {
  let requests = 0;
  const server = await startScripted((_, response) => {
    requests += 1;
    response.writeHead(200, { 'content-type': 'application/xml' }).end('<DeleteResult/>');
  });
  const store = await openStore(server.endpoint);
  expect(await failure(store.deleteMany('abc' as never))).toMatchObject({ code: 'INVALID_ARGUMENT' });
  expect(requests).toBe(0);
});

test('head without a size is an error, not an empty object', async () => {
  const server = await startScripted((_, response) => {
    response.writeHead(200, { ...head, 'transfer-encoding': 'chunked' }).end();
  });
  const store = await openStore(server.endpoint);
  expect(await failure(store.head('k'))).toMatchObject({ code: 'IO_ERROR' });
});

test('a body that a proxy has compressed is CORRUPT', async () => {
  const server = await startScripted((_, response) => {
    const headers = { ...head, etag: 'W/"v1"', 'content-encoding': 'gzip', 'content-length': 3 };
    response.writeHead(200, headers).end('zip');
  });
  const store = await openStore(server.endpoint);
  expect(await failure(store.get('k'))).toMatchObject({ code: 'CORRUPT' });
});

describe('a server that ignores conditions', () => {
  test('a stream that breaks never goes on with another version', async () => {
    let requests = 0;
    const server = await startScripted((request, response) => {
      requests += 1;
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const range = from ? { 'content-range': `bytes ${from}-9/10` } : {};
      const headers = { ...head, etag: `"v${requests}"`, 'content-length': 10 - from, ...range };
      response.writeHead(from ? 206 : 200, headers);
      if (requests === 1) response.write('01234', () => response.socket?.resetAndDestroy());
      else response.end('abcdefghij'.slice(from));
    });
    const store = await openStore(server.endpoint);
    const { stream } = await store.getStream('k');
    expect(await failure(readAll(stream))).toMatchObject({ code: 'PRECONDITION_FAILED' });
  });

  test.each(reads)('%s: an answer without etag is no answer of S3', async (_, read) => {
    const server = await startScripted((_request, response) => {
      response.writeHead(200, { 'last-modified': head['last-modified'], 'content-length': 4 }).end('body');
    });
    const store = await openStore(server.endpoint);
    expect(await failure(read(store))).toMatchObject({ code: 'IO_ERROR' });
  });
});

test('an object beyond all memory: get says so, and lets the connection go', async () => {
  let requests = 0;
  const server = await startScripted((_, response) => {
    requests += 1;
    response.writeHead(200, { ...head, 'content-length': 2 ** 52 }).write('x');
  });
  const store = await openStore(server.endpoint);
  expect(await failure(store.get('k'))).toMatchObject({ code: 'IO_ERROR', retryable: false });
  expect(requests).toBe(1);
  await vi.waitUntil(() => server.connections.open === 0);
});

test('a server that denies bytes it says it has is asked a few times, not for ever', async () => {
  let requests = 0;
  const server = await startScripted((request, response) => {
    requests += 1;
    if (request.method === 'HEAD') response.writeHead(200, { ...head, 'content-length': 10 }).end();
    else
      response
        .writeHead(416, { 'content-type': 'application/xml' })
        .end('<Error><Code>InvalidRange</Code></Error>');
  });
  const store = await openStore(server.endpoint);
  const read = failure(store.get('k', { range: { start: 3 }, signal: AbortSignal.timeout(3000) }));
  expect(await read).toMatchObject({ code: 'UNAVAILABLE' });
  expect(requests).toBeLessThan(20);
});

describe('a listing', () => {
  const contents = (...names: string[]) =>
    names
      .map(
        (key) =>
          `<Contents><Key>${key}</Key><Size>1</Size><ETag>"e"</ETag><LastModified>2026-11-25T10:00:00Z</LastModified></Contents>`,
      )
      .join('');
  const more = (token: string) =>
    `<IsTruncated>true</IsTruncated>${token && `<NextContinuationToken>${token}</NextContinuationToken>`}`;
  const end = '<IsTruncated>false</IsTruncated>';
  const cases: readonly (readonly [string, readonly string[], string])[] = [
    ['with a token that never ends', [contents('p1') + more('t')], 'p'],
    ['of empty pages with a token that never ends', [more('t')], 'p'],
    ['that is cut, without a token', [contents('p1') + more('')], 'p'],
    [
      'that gives a page twice',
      [contents('p1') + more('a'), contents('p1') + more('b'), contents('p2') + end],
      'p',
    ],
    ['in no order', [contents('p2', 'p1') + end], 'p'],
    ['of another prefix', [contents('p1', 'q1') + end], 'p'],
    ['that does not say whether it is whole', [contents('p1')], 'p'],
    ['without a time', [`<Contents><Key>p1</Key><Size>1</Size></Contents>${end}`], 'p'],
  ];
  test.each(cases)('%s is an error, not a listing', async (_, answers, prefix) => {
    let requests = 0;
    const server = await startScripted((_request, response) => {
      const answer = answers[Math.min(requests, answers.length - 1)];
      requests += 1;
      response
        .writeHead(200, { 'content-type': 'application/xml' })
        .end(`<?xml version="1.0"?><ListBucketResult><Name>reads</Name>${answer}</ListBucketResult>`);
    });
    const store = await openStore(server.endpoint);
    const listing = async () => {
      for await (const _page of store.list(prefix, { signal: AbortSignal.timeout(3000) }));
    };
    expect(await failure(listing())).toMatchObject({ code: 'IO_ERROR' });
  });

  test('in order by UTF-8, which is not that of UTF-16, is whole', async () => {
    const names = ['p', 'p-', 'p/a', 'p0', 'p\u{fffd}', 'p\u{1f600}'];
    const server = await startScripted((_request, response) => {
      response
        .writeHead(200, { 'content-type': 'application/xml' })
        .end(`<?xml version="1.0"?><ListBucketResult>${contents(...names)}${end}</ListBucketResult>`);
    });
    expect(await keys(await openStore(server.endpoint), 'p')).toEqual(names);
  });

  test('with characters that a server could not write is listed as it says, in whatever order they leave', async () => {
    const names = ['p\u{fffd}a', 'p!', 'p\u{fffd}', 'p0'];
    const server = await startScripted((_request, response) => {
      response
        .writeHead(200, { 'content-type': 'application/xml' })
        .end(`<?xml version="1.0"?><ListBucketResult>${contents(...names)}${end}</ListBucketResult>`);
    });
    expect(await keys(await openStore(server.endpoint), 'p')).toEqual(names);
  });
});

describe('deleteMany', () => {
  test.each([
    ['an error without a key', '<Error><Code>InternalError</Code></Error>'],
    ['nothing about the key', ''],
    ['another key', '<Deleted><Key>other</Key></Deleted>'],
  ])('when the server says %s: it is not believed to be deleted', async (_, result) => {
    const server = await startScripted((_request, response) => {
      response
        .writeHead(200, { 'content-type': 'application/xml' })
        .end(`<?xml version="1.0"?><DeleteResult>${result}</DeleteResult>`);
    });
    const store = await openStore(server.endpoint);
    expect((await store.deleteMany(['k'])).map(({ key, error }) => [key, error.code])).toEqual([
      ['k', 'IO_ERROR'],
    ]);
  });
});

describe('a stream that nobody reads', () => {
  test('and whose store is closed does not end the process', async () => {
    const server = await startScripted((_, response) => {
      response.writeHead(200, { ...head, 'content-length': 10_000_000 }).write(Buffer.alloc(1_000_000));
    });
    const store = await openStore(server.endpoint);
    const uncaught: unknown[] = [];
    const note = (error: unknown) => void uncaught.push(error);
    process.on('uncaughtException', note);
    try {
      const { stream } = await store.getStream('k');
      await store.close();
      await vi.waitUntil(() => server.connections.open === 0);
      await sleep(50);
      expect(uncaught).toEqual([]);
      expect(await failure(readAll(stream))).toMatchObject({ code: 'CLOSED' });
    } finally {
      process.off('uncaughtException', note);
    }
  });

  test('for longer than the server waits, again and again, goes on where it was', async () => {
    const size = 2_000_000;
    let requests = 0;
    const server = await startScripted((request, response) => {
      requests += 1;
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const range = from ? { 'content-range': `bytes ${from}-${size - 1}/${size}` } : {};
      response.writeHead(from ? 206 : 200, { ...head, 'content-length': size - from, ...range });
      // As servers do: a connection on which nothing goes on is given up.
      response.write(Buffer.alloc(100_000, 'x'));
      setTimeout(() => response.socket?.resetAndDestroy(), 300);
    });
    const store = await openStore(server.endpoint);
    const { stream } = await store.getStream('k');
    let sizeBytes = 0;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      sizeBytes += chunk.byteLength;
      if (requests < 8) await sleep(1200);
      if (requests >= 8) break;
    }
    expect(requests).toBe(8);
    expect(sizeBytes).toBeGreaterThan(7 * 60_000);
    stream.destroy();
    await once(stream, 'close').catch(() => {});
  }, 60_000);
});

test.each([
  ['a key that may not be read', 403, 'AccessDenied'],
  ['keys that are not known', 403, 'InvalidAccessKeyId'],
  ['a page of somebody else', 404, ''],
])('%s leaves the breaker closed, and other objects readable', async (_, status, code) => {
  const server = await startScripted((request, response) => {
    if (request.url?.includes('good')) response.writeHead(200, { ...head, 'content-length': 4 }).end('body');
    else
      response
        .writeHead(status, { 'content-type': 'application/xml' })
        .end(code && `<Error><Code>${code}</Code></Error>`);
  });
  const breaker = { opensAfter: { kind: 'consecutive', failures: 2 } } as const;
  const store = await openStore(server.endpoint, { resilience: { breaker } });
  for (let i = 0; i < 5; i += 1) {
    await failure(store.get('bad'));
    await failure(store.head('bad'));
    await failure(store.getStream('bad'));
  }
  expect((await store.get('good')).bytes.byteLength).toBe(4);
});

// Goal: what is listed of uploads is aborted, so nothing is aborted on the word of a server that lists something else.
describe('a list of uploads', () => {
  const upload = (key: string) =>
    `<Upload><Key>${key}</Key><UploadId>1</UploadId><Initiated>2026-11-20T10:00:00.000Z</Initiated></Upload>`;
  const page = (content: string) => `<ListMultipartUploadsResult>${content}</ListMultipartUploadsResult>`;
  test.each([
    ['a page of HTML', html],
    ['with names outside the prefix', page(`<IsTruncated>false</IsTruncated>${upload('of/others')}`)],
    ['cut off without a marker', page(`<IsTruncated>true</IsTruncated>${upload('ours/a')}`)],
    [
      'that starts over',
      page(
        `<IsTruncated>true</IsTruncated><NextKeyMarker>ours/a</NextKeyMarker><NextUploadIdMarker>1</NextUploadIdMarker>${upload('ours/a')}`,
      ),
    ],
  ])('%s is an error, and nothing is aborted', async (_, body) => {
    const methods: (string | undefined)[] = [];
    const server = await startScripted((request, response) => {
      methods.push(request.method);
      response.writeHead(200, { 'content-type': 'application/xml', 'content-length': body.length }).end(body);
    });
    const store = await openStore(server.endpoint);
    const signal = AbortSignal.timeout(3000);
    const removing = store.removeStaleUploads({ prefix: 'ours/', olderThanMs: 0, signal });
    expect(['IO_ERROR', 'UNAVAILABLE']).toContain((await failure(removing)).code);
    expect(methods).not.toContain('DELETE');
  });
});
