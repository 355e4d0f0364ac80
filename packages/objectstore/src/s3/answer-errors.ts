import { ObjectStoreError } from '../errors.ts';
import type { S3Call, S3Connection } from './connection/s3-connection.ts';

/** A body that ended before its last byte, though in order: as Node.js reports one that was cut. */
export function brokenOff(): Error {
  return Object.assign(new Error('the body ended before its last byte'), { code: 'ECONNRESET' });
}

/** `CORRUPT`: a body that is not the one that was stored. */
export function damaged(connection: S3Connection, key: string, retryable = false): ObjectStoreError {
  return new ObjectStoreError(
    'CORRUPT',
    `the bytes of "${key}" do not have the checksum that the server gives`,
    {
      context: connection.facts({ operation: 'get', key }),
      retryable,
    },
  );
}

/** `IO_ERROR`: an answer with a good status that is not one of S3, as a captive portal gives it. Nothing in it is believed. */
export function noS3Answer(
  connection: S3Connection,
  call: Pick<S3Call, 'operation' | 'key'>,
  missing: string,
): ObjectStoreError {
  const context = connection.facts(call);
  return new ObjectStoreError(
    'IO_ERROR',
    `${context['endpoint']} does not answer as S3 does: without ${missing}`,
    { context },
  );
}

/** `TIMEOUT`: a body of which no byte came for too long. */
export function idleError(connection: S3Connection, key: string, limitMs: number): ObjectStoreError {
  return new ObjectStoreError('TIMEOUT', `no byte of "${key}" came for ${limitMs} ms`, {
    context: { ...connection.facts({ operation: 'get', key }), timeoutMs: limitMs },
    retryable: true,
  });
}
