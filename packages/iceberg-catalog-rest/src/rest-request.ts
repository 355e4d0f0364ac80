import type { JsonValue } from '@danube/iceberg';
import type { OperationName } from './retry-rules.ts';

/** One request of the REST specification. */
export interface RestRequest<T> {
  readonly operation: OperationName;
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Printed as JSON, 64-bit values as they are. */
  readonly body?: object;
  /** Makes every operation safe to send again, until that time (Unix milliseconds). */
  readonly key?: { readonly text: string; readonly validUntilMs: number } | undefined;
  /** Makes the result of a successful reply. What it throws is an unreadable reply. */
  readonly read: (reply: RestReply) => T;
}

/** A reply of success, or a 304 where the request allows it. */
export interface RestReply {
  readonly status: number;
  readonly etag: string | undefined;
  /** Undefined if the reply has no body. */
  readonly json: JsonValue | undefined;
}
