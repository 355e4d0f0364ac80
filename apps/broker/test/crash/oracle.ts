// The oracle of every crash test: durably acked ⊆ table ⊆ sent, and the table has each offset exactly once.

/** A row as some reader saw it: the topic's offset, and which message (`id`) its payload proved to be. */
export interface SeenRow {
  readonly offset: number;
  readonly id: number;
}

export interface OracleInput {
  /** Ids of all messages handed to the broker, whatever came back. */
  readonly sent: ReadonlySet<number>;
  /** Ids the broker acknowledged. */
  readonly acked: ReadonlySet<number>;
  readonly table: readonly SeenRow[];
  /** What the consumer received: offset to id, all deliveries. */
  readonly consumed: ReadonlyMap<number, number>;
}

const sample = (values: readonly number[]) => `${values.length} (${values.slice(0, 5).join(', ')}…)`;

/** Returns every way in which the promise is broken, as sentences; empty when it holds. */
export function findViolations({ sent, acked, table, consumed }: OracleInput): string[] {
  const violations: string[] = [];
  const byOffset = new Map<number, number>();
  const ids = new Set<number>();
  for (const { offset, id } of table) {
    if (byOffset.has(offset)) violations.push(`offset ${offset} is in the table twice`);
    if (ids.has(id)) violations.push(`message ${id} is in the table twice`);
    if (!sent.has(id)) violations.push(`message ${id} in the table was never sent`);
    byOffset.set(offset, id);
    ids.add(id);
  }
  const lost = [...acked].filter((id) => !ids.has(id));
  if (lost.length > 0) violations.push(`acknowledged but not in the table: ${sample(lost)}`);
  if (byOffset.size > 0) {
    let first = Number.POSITIVE_INFINITY;
    let last = Number.NEGATIVE_INFINITY;
    for (const offset of byOffset.keys()) {
      first = Math.min(first, offset);
      last = Math.max(last, offset);
    }
    if (byOffset.size !== last - first + 1) {
      violations.push(`offsets ${first}–${last} hold ${byOffset.size} rows, expected ${last - first + 1}`);
    }
  }
  const delivered = new Set(consumed.values());
  const undelivered = [...acked].filter((id) => !delivered.has(id));
  if (undelivered.length > 0) violations.push(`acknowledged but not delivered: ${sample(undelivered)}`);
  for (const [offset, id] of consumed) {
    if (byOffset.get(offset) !== id) {
      violations.push(
        `offset ${offset} was delivered as message ${id}, the table has ${byOffset.get(offset)}`,
      );
    }
  }
  return violations;
}
