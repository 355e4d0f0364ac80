/** A producer registered on a topic. There is no message for leaving: it is gone when it has been silent for long. */
export interface Producer {
  readonly id: bigint;
  readonly name: string;
  readonly topic: string;
  exclusive: boolean;
  /** Unix milliseconds of its last call or health check. */
  lastSeenMs: number;
  /** Unix milliseconds when the broker that took it over from its last run was there for clients; 0 when it came in this run. */
  restoredMs: number;
}

/** A client asks for its health every 5 s; after three of them without a word it no longer counts as present. */
export const PRESENCE_TIMEOUT_MS = 15_000;

/** A producer or consumer silent for this long is forgotten; its next call is answered NOT_FOUND. */
export const FORGET_AFTER_MS = 3_600_000;

/**
 * Whether a client was silent for longer than the presence rule allows. While the broker was away nobody could
 * show life, so a restored client's silence counts from the start at the earliest.
 */
export function isAbsent(
  client: { readonly lastSeenMs: number; readonly restoredMs: number },
  nowMs: number,
): boolean {
  return nowMs - Math.max(client.lastSeenMs, client.restoredMs) >= PRESENCE_TIMEOUT_MS;
}
