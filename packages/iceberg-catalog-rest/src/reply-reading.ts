import { type JsonValue, parseJson } from '@danube/iceberg';
import { parseRetryAfter } from '@danube/resilience';
import { AttemptError } from './attempt-error.ts';
import { readErrorModel } from './error-model.ts';
import type { HttpReply } from './http-transport.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });

/** What a reply that is no success says. `secrets` are blotted out of it. */
export function refusal(reply: HttpReply, secrets: readonly string[]): AttemptError {
  const isPage = /^text\/html/i.test(reply.header('content-type') ?? '');
  const model = isPage ? undefined : readErrorModel(reply.body, secrets);
  return new AttemptError('refused', `status ${reply.status}${isPage ? ' with a page of HTML' : ''}`, {
    status: reply.status,
    retryAfterMs: parseRetryAfter(reply.header('retry-after'), Date.now()),
    model,
    isPage,
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
