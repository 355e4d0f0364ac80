/** How subscriptions of reliable topics hand out messages. */
export interface DispatchSettings {
  /**
   * Messages of one subscription that may be delivered and not yet acknowledged, 1–10,000. Default 10 (as
   * upstream). More hides the round trip of slow consumers; fewer means fewer redelivered after a crash.
   */
  readonly maxUnackedMessages: number;
  /** Milliseconds after which a delivered, unacknowledged message is delivered again. Default 30,000. */
  readonly ackTimeoutMs: number;
  /** Milliseconds before a refused (nacked) message is delivered again, doubled with each refusal. Default 1,000. */
  readonly baseRedeliveryDelayMs: number;
  /** Upper bound of that delay. Default 60,000. */
  readonly maxRedeliveryDelayMs: number;
}

/** The documented defaults of {@link DispatchSettings}. */
export const defaultDispatchSettings: DispatchSettings = {
  maxUnackedMessages: 10,
  ackTimeoutMs: 30_000,
  baseRedeliveryDelayMs: 1_000,
  maxRedeliveryDelayMs: 60_000,
};
