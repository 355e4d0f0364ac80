/** Two clocks that a test moves: one as people set it, one that only grows. */
export interface TestClock {
  readonly nowMs: () => number;
  readonly elapsedMs: () => number;
  /** Lets time pass on both. */
  pass(ms: number): void;
  /** Sets the clock of the day, which may go backwards. */
  set(byMs: number): void;
}

export function testClock(): TestClock {
  let [now, elapsed] = [Date.UTC(2026, 0, 1), 1_000];
  return {
    nowMs: () => now,
    elapsedMs: () => elapsed,
    pass: (ms) => {
      now += ms;
      elapsed += ms;
    },
    set: (byMs) => {
      now += byMs;
    },
  };
}
