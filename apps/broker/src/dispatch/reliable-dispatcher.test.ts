import { StorageError } from '@danube/storage';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { until } from '../../test/support/clean-up.ts';
import { MemoryTopic } from '../../test/support/memory-storage.ts';
import type { ConsumerSink, Delivery } from './delivery.ts';
import { type DispatchSettings, defaultDispatchSettings } from './dispatch-settings.ts';
import { ReliableDispatcher } from './reliable-dispatcher.ts';

class TestSink implements ConsumerSink {
  readonly offsets: number[] = [];
  ready = true;
  ended: unknown;

  deliver(message: Delivery): void {
    this.offsets.push(message.offset);
  }

  end(reason: unknown): void {
    this.ended = reason;
  }
}

const open: ReliableDispatcher[] = [];
afterEach(() => {
  for (const dispatcher of open.splice(0)) dispatcher.close();
});

function dispatcherOn(log: MemoryTopic, settings: Partial<DispatchSettings> = {}, cursor = -1) {
  const skipped: [number, number][] = [];
  const dispatcher = new ReliableDispatcher({
    log: log as never,
    cursor,
    settings: { ...defaultDispatchSettings, ...settings },
    events: {
      cursorMoved: () => {},
      delivered: () => {},
      acked: () => {},
      skipped: (first, last) => skipped.push([first, last]),
      readFailed: () => {},
    },
  });
  open.push(dispatcher);
  return { dispatcher, skipped };
}

async function topicWith(count: number): Promise<MemoryTopic> {
  const log = new MemoryTopic('/default/t');
  for (let i = 0; i < count; i += 1) await publish(log);
  return log;
}

const publish = (log: MemoryTopic) =>
  log.append({
    requestId: 0n,
    producerId: 1n,
    producerName: 'p',
    payload: Buffer.from('x'),
    publishTimeMs: 0,
  });

describe('ReliableDispatcher', () => {
  test('delivers no more than the window, and goes on as acknowledgements come', async () => {
    const { dispatcher } = dispatcherOn(await topicWith(30), { maxUnackedMessages: 10 });
    const sink = new TestSink();
    dispatcher.attach(sink);
    await until('the window is full', () => sink.offsets.length === 10);
    dispatcher.ack(3);
    dispatcher.ack(0);
    expect(sink.offsets).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(dispatcher.cursor).toBe(0);
  });

  test('shared consumers take turns; one that is not ready is passed over', async () => {
    const { dispatcher } = dispatcherOn(await topicWith(6));
    const [a, b, stuck] = [new TestSink(), new TestSink(), new TestSink()];
    stuck.ready = false;
    for (const sink of [stuck, a, b]) dispatcher.attach(sink);
    await until('all are out', () => a.offsets.length + b.offsets.length === 6);
    expect([a.offsets, b.offsets, stuck.offsets]).toEqual([[0, 2, 4], [1, 3, 5], []]);
  });

  test('what a leaving consumer had not acknowledged goes to the others', async () => {
    const { dispatcher } = dispatcherOn(await topicWith(4));
    const [a, b] = [new TestSink(), new TestSink()];
    dispatcher.attach(a);
    dispatcher.attach(b);
    await until('all are out', () => a.offsets.length + b.offsets.length === 4);
    dispatcher.ack(0);
    dispatcher.detach(a);
    expect(b.offsets).toEqual([1, 3, 2]);
  });

  test('the next consumer after none starts above the cursor, without what was acknowledged out of order', async () => {
    const { dispatcher } = dispatcherOn(await topicWith(5));
    const first = new TestSink();
    dispatcher.attach(first);
    await until('all are out', () => first.offsets.length === 5);
    dispatcher.ack(0);
    dispatcher.ack(3);
    dispatcher.detach(first);
    const second = new TestSink();
    dispatcher.attach(second);
    await until('the rest is out', () => second.offsets.length === 3);
    expect(second.offsets).toEqual([1, 2, 4]);
  });

  test('a message whose acknowledgement is late is delivered again', async () => {
    const { dispatcher } = dispatcherOn(await topicWith(2), { ackTimeoutMs: 60 });
    const sink = new TestSink();
    dispatcher.attach(sink);
    await until('both are out', () => sink.offsets.length === 2);
    dispatcher.ack(0);
    await until('the other comes again', () => sink.offsets.length > 2);
    expect(sink.offsets.slice(0, 3)).toEqual([0, 1, 1]);
  });

  test('a clock set back holds up no redelivery', async () => {
    const { dispatcher } = dispatcherOn(await topicWith(3), { ackTimeoutMs: 150 });
    const sink = new TestSink();
    dispatcher.attach(sink);
    await until('all are out', () => sink.offsets.length === 3);
    dispatcher.nack(2, 100);
    const now = Date.now;
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() - 3_600_000);
    try {
      await until('all come again', () => new Set(sink.offsets.slice(3)).size === 3);
    } finally {
      clock.mockRestore();
    }
  });

  test('a refused message comes again, and counts in the window meanwhile', async () => {
    const { dispatcher } = dispatcherOn(await topicWith(3), { maxUnackedMessages: 2 });
    const sink = new TestSink();
    dispatcher.attach(sink);
    await until('the window is full', () => sink.offsets.length === 2);
    dispatcher.nack(0, 50);
    expect([dispatcher.unacked, sink.offsets]).toEqual([2, [0, 1]]);
    await until('it comes again', () => sink.offsets.length === 3);
    expect(sink.offsets).toEqual([0, 1, 0]);
  });

  test('pulls batches only as fast as they are acknowledged', async () => {
    const log = await topicWith(1_000);
    const { dispatcher } = dispatcherOn(log);
    const sink = new TestSink();
    dispatcher.attach(sink);
    await until('the window is full', () => sink.offsets.length === 10);
    expect(log.batchesRead).toBe(1);
    for (let next = 0; next < 1_000; next += 1) {
      await until(`${next} is out`, () => sink.offsets.length > next);
      dispatcher.ack(next);
    }
    expect(sink.offsets).toEqual(Array.from({ length: 1_000 }, (_, offset) => offset));
  });

  test('offsets that hold no message do not hold up the cursor', async () => {
    const log = await topicWith(2);
    log.nextOffset = 7; // A jump at open.
    await publish(log);
    const { dispatcher, skipped } = dispatcherOn(log);
    const sink = new TestSink();
    dispatcher.attach(sink);
    await until('all are out', () => sink.offsets.length === 3);
    for (const offset of sink.offsets) dispatcher.ack(offset);
    expect([sink.offsets, skipped, dispatcher.cursor]).toEqual([[0, 1, 7], [[2, 6]], 7]);
  });

  test('an acknowledgement from before a restart counts; one for an offset that does not exist is refused', async () => {
    const { dispatcher } = dispatcherOn(await topicWith(3));
    dispatcher.ack(1);
    expect(() => dispatcher.ack(3)).toThrow(/INVALID_REQUEST/);
    expect(() => dispatcher.nack(3, 0)).toThrow(/INVALID_REQUEST/);
    const sink = new TestSink();
    dispatcher.attach(sink);
    await until('the rest is out', () => sink.offsets.length === 2);
    expect(sink.offsets).toEqual([0, 2]);
  });

  test('a read that can succeed later is tried again without the consumer noticing', async () => {
    const log = await topicWith(2);
    log.readErrors.push(new StorageError('CATALOG_UNAVAILABLE', 'on demand'));
    const { dispatcher } = dispatcherOn(log);
    const sink = new TestSink();
    dispatcher.attach(sink);
    await until('both are out', () => sink.offsets.length === 2);
    expect(sink.ended).toBeUndefined();
  });

  test('a read that cannot succeed ends the stream with the reason, and the next consumer tries anew', async () => {
    const log = await topicWith(2);
    const failure = new StorageError('UNREADABLE', 'on demand');
    log.readErrors.push(failure);
    const { dispatcher } = dispatcherOn(log);
    const [first, second] = [new TestSink(), new TestSink()];
    dispatcher.attach(first);
    await until('the stream ended', () => first.ended === failure);
    dispatcher.attach(second);
    await until('both are out', () => second.offsets.length === 2);
  });
});
