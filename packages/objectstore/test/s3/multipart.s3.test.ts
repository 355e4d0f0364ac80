import { CreateMultipartUploadCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test } from 'vitest';
import { BegunUpload, beginUpload } from '../../src/s3/upload/begin-upload.ts';
import { completeUpload } from '../../src/s3/upload/complete-upload.ts';
import { uploadInParts } from '../../src/s3/upload/multipart-upload.ts';
import { partsOfBytes } from '../../src/s3/upload/part-sources.ts';
import { uploadParts } from '../../src/s3/upload/part-uploads.ts';
import { removeStaleUploads } from '../../src/s3/upload/stale-uploads.ts';
import { listUploads } from '../../src/s3/upload/uploads.ts';
import { putObject } from '../../src/s3/write/put-object.ts';
import { PUT_TOKEN, withoutPutToken } from '../../src/s3/write/put-outcome.ts';
import { outcome } from '../local/helpers.ts';
import type { ProxiedRequest } from '../support/fault-proxy.ts';
import { startMoto, startVersitygw } from '../support/s3-servers.ts';
import { type Bucket, body, chunks, connect, connectFaulty, MIB, openBucket } from './put-harness.ts';

const ROUNDS = Number(process.env['DANUBE_RACE_ROUNDS'] ?? 25);
const RACERS = 12;

/** A request by what it does. */
function step({ method, query }: ProxiedRequest): string {
  if (method === 'POST') return query.startsWith('uploads') ? 'begin' : 'complete';
  if (method === 'DELETE') return 'abort';
  return /partNumber=(\d+)/.exec(query)?.[1] ?? method;
}

describe.each([
  ['versitygw', () => startVersitygw()],
  ['moto', () => startMoto()],
])('uploads in parts on %s', (_, start) => {
  let bucket: Bucket;
  beforeAll(async () => {
    bucket = await openBucket(start());
  });

  test.each([5 * MIB, 10 * MIB, 12 * MIB + 1])(
    '%i bytes, whole and as a stream, are the same object',
    async (size) => {
      const { proxy, put } = await connectFaulty(bucket);
      const content = body(size);
      const whole = await put(`whole-${size}`, content, { ifAbsent: true });
      const count = Math.ceil(size / (5 * MIB));
      const parts = Array.from({ length: count }, (_, index) => String(index + 1));
      const steps = proxy.requests.map(step);
      expect([steps[0], ...steps.slice(1, -1).toSorted(), steps.at(-1)]).toEqual([
        'begin',
        ...parts,
        'complete',
      ]);
      const streamed = await put(`streamed-${size}`, chunks(content, 100_001));
      expect(whole).toEqual({ sizeBytes: size, etag: expect.stringMatching(new RegExp(`-${count}"?$`)) });
      expect(streamed).toEqual(whole);
      expect((await bucket.read(`whole-${size}`))?.equals(content)).toBe(true);
      expect((await bucket.read(`streamed-${size}`))?.equals(content)).toBe(true);
      expect(await bucket.uploads()).toEqual([]);
    },
  );

  test('parts and object have our checksum, and the object its attributes and a token', async () => {
    const { proxy, put } = await connectFaulty(bucket);
    const content = Buffer.alloc(10 * MIB, 'danube');
    await put('described', content, { contentType: 'text/plain', metadata: { origin: 'here' } });
    const metadata = await bucket.metadata('described');
    expect(metadata[PUT_TOKEN]).toMatch(/^[0-9a-f-]{36}$/);
    expect(withoutPutToken(metadata)).toEqual({ origin: 'here' });
    const [begin, first, second, complete] = proxy.requests;
    expect(begin?.headers['x-amz-checksum-type']).toBe('FULL_OBJECT');
    // crc32 of Python's zlib of the same bytes.
    expect(first?.headers['x-amz-checksum-crc32']).toBe('PpkC0Q==');
    expect(second?.headers['x-amz-checksum-crc32']).toBe('YAK5ZA==');
    expect(complete?.headers['x-amz-checksum-crc32']).toBe('gc7y2g==');
  });

  test('a server that takes no checksum of the whole object gets those of the parts', async () => {
    const { proxy, connection } = await connectFaulty(bucket);
    const key = 'composite';
    const at = { Bucket: bucket.name, Key: key };
    const begin = new CreateMultipartUploadCommand({
      ...at,
      ChecksumAlgorithm: 'CRC32',
      ChecksumType: 'COMPOSITE',
    });
    const { UploadId = '' } = await bucket.client.send(begin);
    const upload = new BegunUpload(connection, key, { UploadId }, { note: undefined, twin: false });
    const content = body(6 * MIB);
    const sent = await uploadParts(connection, upload, partsOfBytes(content, 5 * MIB), undefined);
    const put = { key, sizeBytes: sent.sizeBytes, options: {}, token: undefined };
    const { etag } = await completeUpload(connection, put, upload, sent);
    expect(etag).toMatch(/-2$/);
    expect(proxy.requests.map(({ headers }) => headers['x-amz-checksum-crc32'] !== undefined)).toEqual([
      true,
      true,
      false,
    ]);
    expect((await bucket.read(key))?.equals(content)).toBe(true);
  });

  test('a stream is read no further than the parts under way and one more', async () => {
    const { put, proxy } = await connectFaulty(bucket, { partConcurrency: 2 });
    proxy.rule('slow parts', {
      query: /partNumber=[12](?:&|$)/,
      times: 2,
      fault: { kind: 'pass', delayMs: 1_000 },
    });
    const content = body(40 * MIB);
    let read = 0;
    let mostAhead = 0;
    async function* source() {
      for await (const chunk of chunks(content, MIB)) {
        read += chunk.byteLength;
        const stored = proxy.requests.filter(({ query, status }) => query.includes('partNumber') && status);
        mostAhead = Math.max(mostAhead, read - stored.length * 5 * MIB);
        yield chunk;
      }
    }
    await put('slow', source());
    expect(proxy.fired('slow parts')).toBe(2);
    expect(mostAhead).toBe(15 * MIB);
    expect((await bucket.read('slow'))?.equals(content)).toBe(true);
  });
});

describe('stale uploads on versitygw', () => {
  let bucket: Bucket;
  beforeAll(async () => {
    bucket = await openBucket(startVersitygw());
  });

  test('go by prefix and age; others stay', async () => {
    const connection = await connect(bucket);
    for (const key of ['stale/a', 'stale/b', 'stale/b', 'stale/c', 'kept/d']) {
      await beginUpload(connection, key, {}, 'token');
    }
    expect(await removeStaleUploads(connection, { prefix: 'stale/', olderThanMs: 60_000 })).toBe(0);
    expect(await removeStaleUploads(connection, { prefix: 'stale/b', olderThanMs: 0 })).toBe(2);
    expect(await bucket.uploads()).toEqual(['kept/d', 'stale/a', 'stale/c']);
    expect(await removeStaleUploads(connection, { prefix: '', olderThanMs: 0 })).toBe(3);
    expect(await bucket.uploads()).toEqual([]);
  });

  test('are looked for page by page', async () => {
    // By the proxy: versitygw does not find its own upload markers again, and moto has no pages.
    const { proxy, connection } = await connectFaulty(bucket);
    const page = (keys: readonly string[], next = '') => ({
      method: 'GET',
      fault: {
        kind: 'answer' as const,
        status: 200,
        body: `<?xml version="1.0"?><ListMultipartUploadsResult><IsTruncated>${next !== ''}</IsTruncated>${next}${keys
          .map((key) => `<Upload><Key>${key}</Key><UploadId>id-${key}</UploadId></Upload>`)
          .join('')}</ListMultipartUploadsResult>`,
      },
    });
    const next = '<NextKeyMarker>b</NextKeyMarker><NextUploadIdMarker>id-b</NextUploadIdMarker>';
    proxy.rule('first page', page(['a', 'b'], next));
    proxy.rule('second page', { ...page(['b', 'c']), nth: 2 });
    const uploads = await listUploads(connection, '', undefined, 2);
    expect(uploads.map(({ uploadId }) => uploadId)).toEqual(['id-a', 'id-b', 'id-b', 'id-c']);
    const asked = proxy.requests.map(({ query }) => new URLSearchParams(query));
    expect(asked.map((query) => [query.get('key-marker'), query.get('upload-id-marker')])).toEqual([
      [null, null],
      ['b', 'id-b'],
    ]);
  });

  test('options that are none, or make no sense, are refused', async () => {
    const connection = await connect(bucket);
    for (const options of [
      { prefix: '', olderThan: 0 },
      { olderThanMs: 1 },
      { prefix: '', olderThanMs: -1 },
    ]) {
      expect(await outcome(removeStaleUploads(connection, options as never))).toBe('INVALID_ARGUMENT');
    }
  });
});

describe('races on versitygw', () => {
  let bucket: Bucket;
  beforeAll(async () => {
    bucket = await openBucket(startVersitygw());
  });

  test(`of ${RACERS} uploads that are completed at once with ifAbsent exactly one wins, in ${ROUNDS} rounds`, async () => {
    const connection = await connect(bucket);
    for (let round = 0; round < ROUNDS; round += 1) {
      const key = `race/${round}`;
      let go = () => {};
      const allAreUploaded = new Promise<void>((resolve) => {
        go = resolve;
      });
      let waiting = 0;
      const outcomes = await Promise.all(
        Array.from({ length: RACERS }, (_, racer) => {
          const parts = partsOfBytes(Buffer.from(`racer ${racer}`), 5 * MIB);
          const next = async () => {
            const part = await parts.next();
            if (part === undefined) {
              waiting += 1;
              if (waiting === RACERS) go();
              await allAreUploaded;
            }
            return part;
          };
          return outcome(uploadInParts(connection, key, { ...parts, next }, { ifAbsent: true }));
        }),
      );
      const winner = outcomes.indexOf('done');
      expect(outcomes.toSorted()).toEqual([...Array(RACERS - 1).fill('ALREADY_EXISTS'), 'done']);
      expect((await bucket.read(key))?.toString()).toBe(`racer ${winner}`);
    }
    expect(await bucket.uploads()).toEqual([]);
  }, 90_000);

  test('of 6 puts of 6 MiB with ifAbsent exactly one wins', async () => {
    const connection = await connect(bucket);
    const contents = Array.from({ length: 6 }, () => body(6 * MIB));
    const outcomes = await Promise.all(
      contents.map((content) => outcome(putObject(connection, 'large-race', content, { ifAbsent: true }))),
    );
    expect(outcomes.toSorted()).toEqual([...Array(5).fill('ALREADY_EXISTS'), 'done']);
    const winner = contents[outcomes.indexOf('done')] as Buffer;
    expect((await bucket.read('large-race'))?.equals(winner)).toBe(true);
    expect(await bucket.uploads()).toEqual([]);
  });
});
