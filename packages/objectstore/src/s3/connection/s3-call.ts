/** What a request, or several that are one attempt, are for. */
export interface S3Call {
  /** As events and errors name it, such as `put`. */
  readonly operation: string;
  /** The object it is about, for errors. */
  readonly key?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /**
   * Whether a request whose outcome is unknown may be sent again. `only-if-not-executed`: a lost reply, a time-out or a
   * 5xx is final; what surely was not executed is sent again all the same.
   */
  readonly retry: 'when-safe-to-repeat' | 'only-if-not-executed';
  /** Time limit of one attempt. Default: `requestTimeoutMs`. */
  readonly timeoutMs?: number | undefined;
  /** Default: that of the options. */
  readonly maxAttempts?: number | undefined;
}
