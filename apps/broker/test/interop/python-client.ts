// What the published Python client sends and receives, and what the table must then hold.
import { expect } from 'vitest';
import type { TableReading } from './judges.ts';

/** What a run of `danube_client.py` says: how many messages it sent, and those that arrived, in order. */
export interface PythonRun {
  readonly sent: number;
  readonly received: readonly Delivered[];
}

interface Delivered {
  readonly offset: number;
  readonly payload: string;
  readonly attributes: Record<string, string>;
  readonly publishTimeMs: number;
  readonly producerName: string;
  readonly subscription: string;
}

/** Everything came in order and whole, published at `since` (ms) or later. */
export function expectDelivered({ sent, received }: PythonRun, count: number, since: number): void {
  expect(sent).toBe(count);
  expect(received.map(({ offset }) => offset)).toEqual(Array.from({ length: count }, (_, i) => i));
  for (const [number, message] of received.entries()) {
    const payload = Buffer.from(message.payload, 'base64');
    expect(payload.readBigUInt64BE(0)).toBe(BigInt(number));
    expect(message.attributes).toEqual({ number: String(number), ключ: `värde-${number}` });
    expect(message.subscription).toBe('python-sub');
    expect(message.publishTimeMs).toBeGreaterThanOrEqual(since);
  }
}

/** All readers see the same rows, which are what was delivered, to the byte and the millisecond. */
export function expectStored({ sent, received }: PythonRun, { readers, rows }: TableReading): void {
  for (const [name, seen] of Object.entries(readers)) {
    expect(seen, name).toEqual({
      ...readers['pyiceberg-static'],
      count: sent,
      distinct: sent,
      first: 0,
      last: sent - 1,
    });
  }
  const stored = rows.map((row) => ({
    offset: row.offset,
    payload: row.payload,
    attributes: row.attributes,
    publishTimeMs: row.publishTimeMicros / 1000,
    producerName: row.producerName,
  }));
  expect(stored).toEqual(received.map(({ subscription: _subscription, ...message }) => message));
}
