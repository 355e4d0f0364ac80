import { once } from 'node:events';
import { describe, expect, test, vi } from 'vitest';
import type { ObjectStore } from '../../src/object-store.ts';
import { keys } from '../local/helpers.ts';
import { answerError } from '../support/fault-proxy.ts';
import { failure, openFaulty, openStore, readAll, startScripted } from './read-harness.ts';

const head = { etag: '"v1"', 'last-modified': 'Wed, 25 Nov 2026 10:00:00 GMT' };

describe('a body that stops coming in the middle', () => {
  test.each([
    ['get', async (store: ObjectStore) => (await store.get('k')).bytes],
    ['getStream', async (store: ObjectStore) => readAll((await store.getStream('k')).stream)],
  ] as const)('%s: TIMEOUT, asked again, and the connection is let go', async (_, read) => {
    let requests = 0;
    const server = await startScripted((request, response) => {
      requests += 1;
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const range = { 'content-range': `bytes ${from}-9/10` };
      response.writeHead(from ? 206 : 200, { ...head, 'content-length': 10 - from, ...(from ? range : {}) });
      // The first answer stops behind half of its bytes and stays open.
      if (requests === 1) response.write('01234');
      else response.end('0123456789'.slice(from));
    });
    const errors: unknown[] = [];
    const store = await openStore(server.endpoint, {
      requestTimeoutMs: 1500,
      onEvent: (event) => void errors.push('error' in event ? event.error : event),
    });
    expect(Buffer.from(await read(store)).toString()).toBe('0123456789');
    expect(requests).toBe(2);
    expect(errors).toMatchObject([{ code: 'TIMEOUT' }]);
    await vi.waitUntil(() => server.connections.open <= 1);
  });

  test('a reader that waits longer than the time limit loses nothing', async () => {
    const body = Buffer.alloc(1024 * 1024, 'x');
    let requests = 0;
    const server = await startScripted((_, response) => {
      requests += 1;
      response.writeHead(200, { ...head, 'content-length': body.byteLength }).end(body);
    });
    const store = await openStore(server.endpoint, { requestTimeoutMs: 500 });
    const { stream } = await store.getStream('k');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect((await readAll(stream)).byteLength).toBe(body.byteLength);
    expect(requests).toBe(1);
  });
});

test('a stream that is destroyed lets its connection go; one that is read to its end leaves it for the next call', async () => {
  const server = await startScripted((_, response) => {
    response.writeHead(200, { ...head, 'content-length': 10_000_000 });
    response.write(Buffer.alloc(1_000_000));
  });
  const store = await openStore(server.endpoint);
  const { stream } = await store.getStream('k');
  await vi.waitUntil(() => server.connections.open === 1);
  stream.destroy();
  await once(stream, 'close');
  await vi.waitUntil(() => server.connections.open === 0);
  expect(server.connections).toEqual({ made: 1, open: 0 });
});

test('many calls in turn, failed ones among them, share one connection', async () => {
  let requests = 0;
  const server = await startScripted((_, response) => {
    requests += 1;
    if (requests % 3 === 0) response.writeHead(404, { 'content-type': 'application/xml' }).end(noSuchKey);
    else response.writeHead(200, { ...head, 'content-length': 5 }).end('01234');
  });
  const store = await openStore(server.endpoint);
  for (let i = 0; i < 10; i += 1) {
    await store.get('k').catch(() => {});
    await store.getStream('k').then(
      ({ stream }) => readAll(stream),
      () => {},
    );
  }
  expect(requests).toBe(20);
  expect(server.connections.made).toBe(1);
});

const noSuchKey = '<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>';

test.each([
  ['ignores the range', { status: 200, headers: { 'content-length': '10' }, body: '0123456789' }],
  [
    'gives another range',
    { status: 206, headers: { 'content-range': 'bytes 0-3/10', 'content-length': '4' }, body: '0123' },
  ],
  [
    'gives fewer bytes than the range says',
    { status: 206, headers: { 'content-range': 'bytes 2-5/10', 'content-length': '3' }, body: '234' },
  ],
  [
    'gives an unreadable range',
    { status: 206, headers: { 'content-range': 'bytes */10', 'content-length': '4' }, body: '2345' },
  ],
])('a server that %s: CORRUPT, and no wrong byte', async (_, { status, headers, body }) => {
  const server = await startScripted((_request, response) => {
    response.writeHead(status, { ...head, ...headers }).end(body);
  });
  const store = await openStore(server.endpoint);
  const range = { start: 2, endExclusive: 6 };
  expect(await failure(store.get('k', { range }))).toMatchObject({ code: 'CORRUPT' });
  expect(await failure(store.getStream('k', { range }))).toMatchObject({ code: 'CORRUPT' });
});

test('an answer with other bytes than were asked for is not read: its connection is let go', async () => {
  const server = await startScripted((_, response) => {
    response.writeHead(200, { ...head, 'content-length': 50_000_000 }).write(Buffer.alloc(5_000_000));
  });
  const store = await openStore(server.endpoint);
  const range = { start: 2, endExclusive: 6 };
  expect(await failure(store.get('k', { range }))).toMatchObject({ code: 'CORRUPT' });
  await vi.waitUntil(() => server.connections.open === 0);
});

test('listed names are decoded as AWS encodes them, with + for a space, and literal where a server does not encode', async () => {
  let encoding = '<EncodingType>url</EncodingType>';
  const contents = (...keys: string[]) =>
    keys
      .map(
        (key) =>
          `<Contents><Key>${key}</Key><Size>1</Size><ETag>"e"</ETag><LastModified>2026-11-25T10:00:00Z</LastModified></Contents>`,
      )
      .join('');
  let listed = contents('100%zz', 'a+b', 'a%20c', 'a%25e', 'a%2Bd', '%ED%95%9C/%07');
  const server = await startScripted((_, response) => {
    response
      .writeHead(200, { 'content-type': 'application/xml' })
      .end(
        `<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated>${encoding}${listed}</ListBucketResult>`,
      );
  });
  const store = await openStore(server.endpoint);
  expect(await keys(store, '')).toEqual(['a b', 'a c', 'a%e', 'a+d', '한/\u0007']);
  encoding = '';
  listed = contents('100%zz', 'a%20c', 'a+b');
  expect(await keys(store, '')).toEqual(['100%zz', 'a%20c', 'a+b']);
});

describe('answers and what they mean', () => {
  const table: readonly (readonly [number, string, string, boolean])[] = [
    [404, 'NoSuchKey', 'NOT_FOUND', false],
    [404, 'NoSuchBucket', 'BUCKET_NOT_FOUND', false],
    [412, 'PreconditionFailed', 'PRECONDITION_FAILED', false],
    [409, 'ConditionalRequestConflict', 'UNAVAILABLE', true],
    [409, 'OperationAborted', 'UNAVAILABLE', true],
    [416, 'InvalidRange', 'INVALID_RANGE', false],
    [400, 'ExpiredToken', 'UNAUTHENTICATED', false],
    [403, 'InvalidAccessKeyId', 'UNAUTHENTICATED', false],
    [403, 'SignatureDoesNotMatch', 'UNAUTHENTICATED', false],
    [404, 'XAdminUserNotFound', 'UNAUTHENTICATED', false],
    [401, 'Whatever', 'UNAUTHENTICATED', false],
    [403, 'AccessDenied', 'PERMISSION_DENIED', false],
    [403, 'Whatever', 'PERMISSION_DENIED', false],
    [403, 'RequestTimeTooSkewed', 'UNAUTHENTICATED', false],
    [429, 'Whatever', 'THROTTLED', true],
    [503, 'SlowDown', 'THROTTLED', true],
    [503, 'RequestLimitExceeded', 'THROTTLED', true],
    [503, 'ServiceUnavailable', 'UNAVAILABLE', true],
    [400, 'BadDigest', 'CORRUPT', true],
    [400, 'XAmzContentChecksumMismatch', 'CORRUPT', true],
    [400, 'EntityTooSmall', 'INVALID_ARGUMENT', false],
    [400, 'RequestTimeout', 'TIMEOUT', true],
    [500, 'InternalError', 'UNAVAILABLE', true],
    [502, 'Whatever', 'UNAVAILABLE', true],
    [504, 'Whatever', 'UNAVAILABLE', true],
    [501, 'NotImplemented', 'NOT_SUPPORTED', false],
    [507, 'Whatever', 'NO_SPACE', false],
    [418, 'Whatever', 'IO_ERROR', false],
  ];
  test.each(table)('%i %s is %s, retryable: %s', async (status, code, expected, retryable) => {
    const { store, proxy } = await openFaulty();
    proxy.rule('answer', { times: Number.POSITIVE_INFINITY, fault: answerError(status, code) });
    const error = await failure(store.get('k'));
    expect(error).toMatchObject({
      code: expected,
      retryable,
      context: { status, s3Code: code, operation: 'get', key: 'k' },
    });
    expect(error.message.startsWith(`${expected}: `)).toBe(true);
    const skewed = code === 'RequestTimeTooSkewed';
    expect(proxy.count()).toBe(retryable ? 4 : skewed ? 2 : 1);
  });

  test.each([
    ['nothing', ''],
    ['a page of HTML', '<html><head><title>Oops</title></head><body><p>Bad</body></html>'],
    ['XML of somebody else', '<?xml version="1.0"?><oops/>'],
    ['half of an error', '<?xml version="1.0"?><Error><Code>NoSuch'],
  ])('with %s in the body only the status counts', async (_, body) => {
    const { store, proxy } = await openFaulty();
    for (const [status, code] of [
      [502, 'UNAVAILABLE'],
      [503, 'UNAVAILABLE'],
      [500, 'UNAVAILABLE'],
      [429, 'THROTTLED'],
      [401, 'UNAUTHENTICATED'],
      [403, 'PERMISSION_DENIED'],
    ] as const) {
      const headers = { 'Content-Type': 'text/html' };
      proxy.rule(`${status}`, {
        times: code === 'UNAVAILABLE' || code === 'THROTTLED' ? 4 : 1,
        fault: { kind: 'answer', status, body, headers },
      });
      expect(await failure(store.get('k'))).toMatchObject({ code, context: { status } });
    }
  });

  test('a page of HTML that says 404 or 412 knows nothing of objects: IO_ERROR, not NOT_FOUND', async () => {
    const { store, proxy } = await openFaulty();
    const body = '<html><head><title>Not found</title></head><body><p>nginx</body></html>';
    for (const status of [404, 409, 412]) {
      proxy.rule(`${status}`, {
        fault: { kind: 'answer', status, body, headers: { 'Content-Type': 'text/html' } },
      });
      expect(await failure(store.get('k'))).toMatchObject({ code: 'IO_ERROR', context: { status } });
    }
  });

  test('304 without a body is NOT_MODIFIED', async () => {
    const { store, proxy } = await openFaulty();
    proxy.rule('304', { times: 3, fault: { kind: 'answer', status: 304 } });
    expect(await failure(store.get('k', { ifNoneMatch: 'v1' }))).toMatchObject({ code: 'NOT_MODIFIED' });
  });

  test.each([301, 307, 400])('%i from another region names it', async (status) => {
    const { store, proxy } = await openFaulty();
    const code =
      { 301: 'PermanentRedirect', 307: 'TemporaryRedirect', 400: 'AuthorizationHeaderMalformed' }[status] ??
      '';
    proxy.rule('redirect', { fault: answerError(status, code, { 'x-amz-bucket-region': 'eu-central-1' }) });
    const error = await failure(store.get('k'));
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', context: { region: 'eu-central-1' } });
    expect(error.message).toContain('eu-central-1');
    expect(proxy.count()).toBe(1);
  });

  test('an error in the body of a 200 to a copy is an error', async () => {
    const { store, proxy } = await openFaulty();
    proxy.rule('head', {
      method: 'HEAD',
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'answer', status: 200, headers: head },
    });
    const body = '<?xml version="1.0"?><Error><Code>InternalError</Code><Message>late</Message></Error>';
    proxy.rule('copy', {
      method: 'PUT',
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'answer', status: 200, body },
    });
    expect(await failure(store.copy('k', 'to'))).toMatchObject({ code: 'PUT_STATE_UNKNOWN' });
    expect(proxy.count('PUT')).toBe(4);
  });
});

describe('where there is no server', () => {
  test('a refused connection is UNAVAILABLE, and a put that met it has not happened', async () => {
    const store = await openStore('http://127.0.0.1:9');
    expect(await failure(store.get('k'))).toMatchObject({
      code: 'UNAVAILABLE',
      context: { code: 'ECONNREFUSED' },
    });
    expect(await failure(store.put('k', Buffer.from('x')))).toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('a connection that is not made in time is TIMEOUT, and a put that met it has not happened', async () => {
    const store = await openStore('http://slow.invalid', {
      connectTimeoutMs: 100,
      // Node.js counts the look-up of the name as a part of connecting. This one never ends.
      components: { lookup: () => {} },
    });
    expect(await failure(store.get('k'))).toMatchObject({ code: 'TIMEOUT', retryable: true });
    expect(await failure(store.put('k', Buffer.from('x')))).toMatchObject({ code: 'TIMEOUT' });
  });

  test('an unknown host is UNAVAILABLE', async () => {
    const store = await openStore('http://nowhere.invalid');
    const error = await failure(store.put('k', Buffer.from('x'), { ifAbsent: true }));
    expect(error).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    expect(['ENOTFOUND', 'EAI_AGAIN']).toContain(error.context['code']);
  });
});

test('deleteMany: keys that may be tried again are, the others fail with the error of delete, in order', async () => {
  const sent: string[][] = [];
  const answers = [
    '<Deleted><Key>a</Key></Deleted><Error><Key>b</Key><Code>AccessDenied</Code></Error><Error><Key>c</Key><Code>InternalError</Code></Error><Error><Key>d</Key><Code>SlowDown</Code></Error>',
    '<Deleted><Key>c</Key></Deleted><Error><Key>d</Key><Code>SlowDown</Code></Error>',
    '<Deleted><Key>d</Key></Deleted>',
  ];
  const server = await startScripted((request, response) => {
    let xml = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      xml += chunk;
    });
    request.on('end', () => {
      sent.push([...xml.matchAll(/<Key>(.*?)<\/Key>/g)].map(([, key]) => key ?? ''));
      const errors = answers[sent.length - 1] ?? '';
      response
        .writeHead(200, { 'content-type': 'application/xml' })
        .end(`<?xml version="1.0"?><DeleteResult>${errors}</DeleteResult>`);
    });
  });
  const store = await openStore(server.endpoint);
  const failures = await store.deleteMany(['a', 'b', 'c', 'd', '/no key', 'b']);
  expect(sent).toEqual([['a', 'b', 'c', 'd'], ['c', 'd'], ['d']]);
  expect(failures.map(({ key, error }) => [key, error.code])).toEqual([
    ['b', 'PERMISSION_DENIED'],
    ['/no key', 'INVALID_PATH'],
    ['b', 'PERMISSION_DENIED'],
  ]);
});
