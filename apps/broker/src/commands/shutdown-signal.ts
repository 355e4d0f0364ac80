/** What a person or supervisor sends to end the broker. */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** One Ctrl-C can arrive twice: from the terminal and passed on by a parent (there also as SIGTERM). */
const SAME_SIGNAL_MS = 250;

/**
 * From the call on, the first of SIGINT, SIGTERM and SIGHUP resolves the promise instead of ending the
 * process, and another of the same kind (250 ms later or more) ends it at once with 128 + its number. Install
 * it before saying that the broker is ready.
 */
export function shutdownSignal(onSecond: () => void): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of signals) {
      let firstAtMs: number | undefined;
      process.on(signal, () => {
        if (firstAtMs === undefined) {
          firstAtMs = performance.now();
          process.send?.('stopping'); // To the launcher, which then sends no second one.
          resolve(signal); // Of several kinds the first counts.
        } else if (performance.now() - firstAtMs >= SAME_SIGNAL_MS) {
          onSecond();
          process.exit(exitCodes[signal]);
        }
      });
    }
  });
}
