const itemsAhead = 3;

/**
 * Runs an asynchronous step over items in order, a few started ahead. What was read is let go of as soon as the
 * consumer has it.
 */
export async function* readAhead<T, R>(
  items: readonly T[],
  step: (item: T) => Promise<R>,
): AsyncGenerator<{ item: T; result: R }> {
  const started: Promise<R>[] = [];
  for (const [index, item] of items.entries()) {
    for (let next = started.length; next <= Math.min(index + itemsAhead, items.length - 1); next += 1) {
      const promise = step(items[next] as T);
      // Should the consumer stop, or an earlier step fail, nobody awaits this one: its failure is not unhandled.
      promise.catch(() => {});
      started.push(promise);
    }
    const result = await (started[index] as Promise<R>);
    // Let go of what was read: the list would keep every result alive.
    started[index] = Promise.resolve(undefined as R);
    yield { item, result };
  }
}
