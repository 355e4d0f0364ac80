import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type ObjectStore, ObjectStoreError } from '@danube/objectstore';
import { onCleanUp } from './clean-up.ts';

/** What somebody did with an object. */
export interface S3Request {
  readonly method: string;
  /** `bucket/key` */
  readonly path: string;
  /** The access key that signed it. The signature is not checked. */
  readonly accessKeyId: string | undefined;
}

/** Serves one bucket out of a store on loopback: whole objects, and as much of the protocol as small tables use. */
export async function startS3Server(bucket: string, store: ObjectStore) {
  const requests: S3Request[] = [];
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://s3').pathname).slice(1);
    const accessKeyId = /Credential=([^/]+)\//.exec(request.headers.authorization ?? '')?.[1];
    requests.push({ method: request.method ?? '', path, accessKeyId });
    try {
      const key = path.slice(bucket.length + 1);
      if (request.method === 'PUT') {
        const { etag } = await store.put(key, body, { ifAbsent: request.headers['if-none-match'] === '*' });
        response.writeHead(200, { etag: etag ?? '"x"' }).end();
        return;
      }
      const { bytes, meta } = await store.get(key);
      const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
      const [start, end] = [Number(first ?? 0), last ? Number(last) + 1 : bytes.byteLength];
      const part = bytes.subarray(start, end);
      const range = `bytes ${start}-${start + part.byteLength - 1}/${bytes.byteLength}`;
      response.writeHead(first === undefined ? 200 : 206, {
        etag: meta.etag ?? '"x"',
        'last-modified': new Date(meta.lastModifiedMs).toUTCString(),
        'content-length': part.byteLength,
        ...(first !== undefined && { 'content-range': range }),
      });
      response.end(request.method === 'HEAD' ? undefined : part);
    } catch (error) {
      const isThere = ObjectStoreError.is(error) && error.code === 'ALREADY_EXISTS';
      const [status, code] = isThere ? [412, 'PreconditionFailed'] : [404, 'NoSuchKey'];
      response.writeHead(status, { 'content-type': 'application/xml' });
      response.end(`<Error><Code>${code}</Code><Message>${code}</Message></Error>`);
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onCleanUp(() => {
    server.closeAllConnections();
    server.close();
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}
