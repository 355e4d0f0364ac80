import { IcebergError, type JsonValue, parseJson } from '@danube/iceberg';
import { parseRetryAfter } from '@danube/resilience';
import { AttemptError } from './attempt-error.ts';
import { isErrorBody, readErrorModel } from './error-model.ts';
import type { HttpReply } from './http-transport.ts';
import type { RestReply } from './rest-request.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });

/** What a reply that is no success says. `secrets` are blotted out of it; `hasKey`: the request had an idempotency key. */
export function refusal(reply: HttpReply, secrets: readonly string[], hasKey: boolean): AttemptError {
  const { status } = reply;
  const mediaType = reply.header('content-type') ?? '';
  const model = /^text\/html/i.test(mediaType) ? undefined : readErrorModel(reply, secrets);
  const isPage = model === undefined && mediaType !== '' && !/json/i.test(mediaType);
  const retryAfterMs = parseRetryAfter(reply.header('retry-after'), Date.now());
  return new AttemptError('refused', `status ${status}${isPage ? ' with a page instead of JSON' : ''}`, {
    status,
    retryAfterMs,
    model,
    isPage,
    // A conflict does not go by itself: only this asks to come back with the same request.
    isUnderWay: hasKey && status === 409 && retryAfterMs !== undefined,
  });
}

/** The JSON of a reply, if it has a body. One that is cut off, or a page of a proxy, is as good as no reply. */
export function readBody(reply: HttpReply): JsonValue | undefined {
  if (reply.body.length === 0) return undefined;
  try {
    return parseJson(decoder.decode(reply.body));
  } catch {
    // The parser's message quotes the body, which may hold credentials.
    throw new AttemptError('lost', `the reply with status ${reply.status} is no JSON`);
  }
}

/**
 * Reads a reply of which only the success counts. Throws for one that is none: gateways answer 200 with an error in it,
 * and 202 for what they have not begun.
 */
export function readNothing({ status, json }: RestReply): undefined {
  if (status === 202 || isErrorBody(json))
    throw new IcebergError(
      'INVALID_METADATA',
      `the reply with status ${status} does not say that it is done`,
    );
}

/** The tag of a reply, if it can be sent back as it is. */
export function entityTag(reply: HttpReply): string | undefined {
  const tag = reply.header('etag');
  return tag !== undefined && /^[\x21-\x7e]+$/.test(tag) ? tag : undefined;
}
