/** The two clocks that the age of a token is told by. */
export interface TokenClocks {
  /** Milliseconds since the epoch. Can be set, also backwards. */
  readonly nowMs: () => number;
  /** Milliseconds that only grow, but may stand still while the machine sleeps. */
  readonly elapsedMs: () => number;
}

/**
 * Starts to count the age of a token, and returns what tells it. It is what the clock says that has gone further: one
 * that is set back does not make a token young again, and one that slept does not keep it young.
 */
export function startTokenAge({ nowMs, elapsedMs }: TokenClocks): () => number {
  const [now, elapsed] = [nowMs(), elapsedMs()];
  return () => Math.max(0, nowMs() - now, elapsedMs() - elapsed);
}
