/** Waits until a condition holds, looking again whenever the event loop has turned; the test's own limit ends it. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** The value a counter comes to rest at: above 0, and unchanged for half a second. */
export async function settled(counter: () => number): Promise<number> {
  for (let last = 0, since = performance.now(); ; ) {
    const now = counter();
    if (now !== last) {
      last = now;
      since = performance.now();
    }
    if (now > 0 && performance.now() - since > 500) return now;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Reads `count` messages. */
export async function take<T>(source: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  if (count === 0) return taken;
  for await (const item of source) {
    taken.push(item);
    if (taken.length === count) break;
  }
  return taken;
}

/** The bytes of a text. */
export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
/** The text of bytes. */
export const text = (data: Uint8Array): string => new TextDecoder().decode(data);
