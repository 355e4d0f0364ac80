import { randomUUID } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { PutBody, PutOptions, PutResult } from '../../object-store.ts';
import { chunksOf, isBytes } from '../../put-body.ts';
import { sendingTimeoutMs } from '../connection/request-time.ts';
import type { S3Connection } from '../connection/s3-connection.ts';
import { sendToEnd } from '../connection/send-to-end.ts';
import { uploadInParts } from '../upload/multipart-upload.ts';
import { type BodyPart, PartReader } from '../upload/part-reader.ts';
import { partSizeFor } from '../upload/part-sizes.ts';
import { partsOfBytes, partsOfStream } from '../upload/part-sources.ts';
import { encodeCrc32 } from './checksum.ts';
import { concludePut, conditionOf, resultOf, withPutToken } from './put-outcome.ts';

/*
 * Where a put goes: `putObject` here, in one request by `putWhole`, whose outcome put-outcome.ts finds out; or in parts by
 * ../upload/multipart-upload.ts, which begins (begin-upload.ts), sends the parts (part-uploads.ts, fed by part-sources.ts)
 * and completes (complete-upload.ts, which finds out what became of it).
 */

/**
 * Stores an object: in one request, or in parts from `multipartThresholdBytes` on. Of a stream, as much as that is read
 * before anything is sent. `options` have been checked.
 *
 * Memory, beside a body that is given whole: `partConcurrency` + 1 parts (see `partSizeOf` for how large those of a
 * stream become), but at least twice the threshold.
 *
 * Errors and outcome as `ObjectStore.put`.
 */
export async function putObject(
  connection: S3Connection,
  key: string,
  body: PutBody,
  options: PutOptions = {},
): Promise<PutResult> {
  // Refused before the body is touched.
  withPutToken(options.metadata, undefined);
  const { multipartThresholdBytes, partSizeBytes } = connection.options;
  if (!isBytes(body)) return putStream(connection, key, body, options);
  if (body.byteLength < multipartThresholdBytes) {
    return putWhole(connection, key, { bytes: body, crc: crc32(body) }, options);
  }
  const parts = partsOfBytes(body, partSizeFor(body.byteLength, partSizeBytes));
  return uploadInParts(connection, key, parts, options);
}

async function putStream(
  connection: S3Connection,
  key: string,
  body: AsyncIterable<Uint8Array>,
  options: PutOptions,
): Promise<PutResult> {
  const { multipartThresholdBytes, partSizeBytes } = connection.options;
  const stopped = new AbortController();
  const signals = options.signal === undefined ? [stopped.signal] : [options.signal, stopped.signal];
  const reader = new PartReader(chunksOf(body, AbortSignal.any(signals)));
  try {
    const read: BodyPart[] = [];
    let sizeBytes = 0;
    while (sizeBytes < multipartThresholdBytes) {
      const part = await reader.next(partSizeBytes);
      read.push(part);
      sizeBytes += part.bytes.byteLength;
      if (part.bytes.byteLength < partSizeBytes) break;
    }
    if (sizeBytes < multipartThresholdBytes) return await putWhole(connection, key, joined(read), options);
    const parts = partsOfStream(read, reader, partSizeBytes, stopped);
    return await uploadInParts(connection, key, parts, options);
  } finally {
    await reader.end();
  }
}

function joined(parts: readonly BodyPart[]): BodyPart {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  const bytes = Buffer.concat(parts.map((part) => part.bytes));
  return { bytes, crc: crc32(bytes) };
}

/** One request. Its checksum is made here, once: the server refuses what is damaged on the way, and it is sent again. */
async function putWhole(
  connection: S3Connection,
  key: string,
  { bytes, crc }: BodyPart,
  options: PutOptions,
): Promise<PutResult> {
  const { signal, contentType, metadata } = options;
  const conditional = options.ifAbsent || options.ifMatch !== undefined;
  const token = conditional ? randomUUID() : undefined;
  const put = { key, sizeBytes: bytes.byteLength, options, token };
  const command = new connection.sdk.PutObjectCommand({
    Bucket: connection.bucket,
    Key: key,
    Body: bytes,
    ContentLength: bytes.byteLength,
    ChecksumCRC32: encodeCrc32(crc),
    Metadata: withPutToken(metadata, token),
    ...(contentType !== undefined && { ContentType: contentType }),
    ...conditionOf(options),
  });
  const timeoutMs = sendingTimeoutMs(connection.options, bytes.byteLength);
  const ended = await sendToEnd(connection, command, { operation: 'put', key, signal, timeoutMs });
  const result = ended.ok ? resultOf(put, ended.reply) : undefined;
  return result ?? concludePut(connection, put, ended);
}
