import { setTimeout as sleep } from 'node:timers/promises';
import type { StoredMessage, TopicLog } from '@danube/storage';
import { BrokerError } from '../errors.ts';
import { AckTracker } from './ack-tracker.ts';
import type { ConsumerSink, Dispatcher } from './delivery.ts';
import { RoundRobin } from './delivery.ts';
import type { DispatchSettings } from './dispatch-settings.ts';
import { RedeliveryQueue } from './redelivery-queue.ts';

/** Most runs of acknowledged offsets above the cursor; more come only from acknowledging what was never delivered. */
const MAX_ACK_RUNS = 20_000;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 10_000;

/** Deadlines are kept on a clock that is never set: the wall clock may go back or jump. */
const nowMs = () => performance.now();

interface InFlight {
  readonly message: StoredMessage;
  readonly sink: ConsumerSink;
  readonly deadlineMs: number;
  /** Deliveries so far, this one included. */
  readonly attempt: number;
}

/** What happens in a dispatcher, for cursors, metrics and logs. */
export interface ReliableDispatcherEvents {
  /** The cursor moved; called after the change. */
  cursorMoved(): void;
  delivered(redelivery: boolean): void;
  acked(): void;
  /** Offsets that no message has any more were passed over. */
  skipped(first: number, last: number): void;
  /** Reading failed. Streams were ended unless the read will be tried again. */
  readFailed(error: unknown, retryInMs: number | undefined): void;
}

/** What a {@link ReliableDispatcher} works on. */
export interface ReliableDispatcherOptions {
  readonly log: Pick<TopicLog, 'read' | 'nextOffset'>;
  /** Highest offset acknowledged in full; delivery begins above it. */
  readonly cursor: number;
  readonly settings: DispatchSettings;
  readonly events: ReliableDispatcherEvents;
}

/**
 * Delivers a reliable topic to one subscription, at least once and in offset order apart from redeliveries.
 *
 * One reader follows the topic's log from the cursor; it is pulled only as fast as messages fit into the
 * window of unacknowledged messages, so a subscriber that is far behind costs the broker one batch and loses
 * nothing (the log reads from memory, its files or the table, wherever the offset is). A message leaves the
 * window when it is acknowledged; it is delivered again when its acknowledgement is late, when its consumer
 * goes, or when it is refused. While no consumer is attached nothing is read or held; the next one starts
 * above the cursor, without what was acknowledged out of order.
 */
export class ReliableDispatcher implements Dispatcher {
  readonly #log: ReliableDispatcherOptions['log'];
  readonly #settings: DispatchSettings;
  readonly #events: ReliableDispatcherEvents;
  readonly #acks: AckTracker;
  readonly #sinks = new RoundRobin();
  /** By offset; insertion order is delivery order and therefore deadline order. */
  readonly #inFlight = new Map<number, InFlight>();
  readonly #redelivery = new RedeliveryQueue();
  #reader: Reader | undefined;
  #batch: readonly StoredMessage[] = [];
  #batchIndex = 0;
  /** Next offset to take from the reader. */
  #position: number;
  #timer: NodeJS.Timeout | undefined;
  #timerDueMs = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(options: ReliableDispatcherOptions) {
    this.#log = options.log;
    this.#settings = options.settings;
    this.#events = options.events;
    this.#acks = new AckTracker(options.cursor);
    this.#position = options.cursor + 1;
  }

  /** Highest offset up to which everything is acknowledged; -1 for nothing. */
  get cursor(): number {
    return this.#acks.cursor;
  }

  /** Messages delivered and not acknowledged, those waiting for redelivery included. */
  get unacked(): number {
    return this.#inFlight.size + this.#redelivery.size;
  }

  attach(sink: ConsumerSink): void {
    if (this.#closed) return;
    this.#sinks.add(sink);
    if (this.#reader === undefined) this.#startReader();
    this.wake();
  }

  detach(sink: ConsumerSink): void {
    if (!this.#sinks.remove(sink)) return;
    if (this.#sinks.size === 0) {
      this.#rewind();
      return;
    }
    for (const [offset, entry] of this.#inFlight) {
      if (entry.sink === sink) this.#giveBack(offset, entry, 0);
    }
    this.wake();
  }

  /**
   * Acknowledges one message; a second time, or below the cursor, changes nothing. Also takes acknowledgements
   * for messages delivered before a restart.
   *
   * @throws BrokerError `INVALID_REQUEST` for an offset the topic does not have, `LIMIT_REACHED`
   */
  ack(offset: number): void {
    this.#checkOffset(offset);
    if (this.#acks.has(offset)) return;
    if (this.#acks.runCount >= MAX_ACK_RUNS && offset !== this.#acks.cursor + 1) {
      throw new BrokerError(
        'LIMIT_REACHED',
        'Too many acknowledgements above a gap; acknowledge the oldest messages first.',
      );
    }
    this.#acks.add(offset);
    this.#inFlight.delete(offset);
    this.#redelivery.delete(offset);
    this.#events.acked();
    this.#events.cursorMoved();
    this.wake();
  }

  /**
   * Refuses a delivered message: it comes again after `delayMs`, or after the back-off of the settings.
   * Changes nothing for a message that is not in the window.
   *
   * @throws BrokerError `INVALID_REQUEST` for an offset the topic does not have
   */
  nack(offset: number, delayMs: number | undefined): void {
    this.#checkOffset(offset);
    const entry = this.#inFlight.get(offset);
    if (entry === undefined) return;
    const { baseRedeliveryDelayMs: base, maxRedeliveryDelayMs: max } = this.#settings;
    this.#giveBack(offset, entry, Math.min(delayMs ?? base * 2 ** Math.min(entry.attempt - 1, 30), max));
    this.wake();
  }

  /** Delivers what can be delivered now. */
  wake(): void {
    if (this.#closed) return;
    const now = nowMs();
    for (let sink = this.#sinks.peek(); sink !== undefined; sink = this.#sinks.peek()) {
      const again = this.#redelivery.takeDue(now);
      const message = again?.message ?? this.#takeFresh();
      if (message === undefined) break;
      this.#sinks.advance();
      const attempt = (again?.attempt ?? 0) + 1;
      this.#inFlight.set(message.offset, {
        message,
        sink,
        attempt,
        deadlineMs: now + this.#settings.ackTimeoutMs,
      });
      sink.deliver(message);
      this.#events.delivered(attempt > 1);
    }
    this.#armTimer();
  }

  close(): void {
    this.#closed = true;
    this.#rewind();
  }

  /** The next message never delivered, if the window has room and the reader has one. */
  #takeFresh(): StoredMessage | undefined {
    if (this.unacked >= this.#settings.maxUnackedMessages) return undefined;
    for (
      let message = this.#batch[this.#batchIndex];
      message !== undefined;
      message = this.#batch[this.#batchIndex]
    ) {
      this.#batchIndex += 1;
      if (message.offset < this.#position) continue;
      if (message.offset > this.#position) this.#skip(this.#position, message.offset - 1);
      this.#position = message.offset + 1;
      if (!this.#acks.has(message.offset)) return message;
    }
    this.#batch = [];
    this.#batchIndex = 0;
    this.#reader?.takeNext();
    return undefined;
  }

  /** Offsets that hold no message (removed by retention, or never given out) must not hold up the cursor. */
  #skip(first: number, last: number): void {
    this.#acks.addRange(first, last);
    this.#events.skipped(first, last);
    this.#events.cursorMoved();
  }

  #giveBack(offset: number, entry: InFlight, delayMs: number): void {
    this.#inFlight.delete(offset);
    this.#redelivery.add({ message: entry.message, attempt: entry.attempt, dueMs: nowMs() + delayMs });
  }

  #checkOffset(offset: number): void {
    if (offset < 0 || offset >= this.#log.nextOffset) {
      throw new BrokerError(
        'INVALID_REQUEST',
        `The topic has no offset ${offset}; the next to be given out is ${this.#log.nextOffset}.`,
      );
    }
  }

  /** Forgets what is in flight; whoever attaches next starts above the cursor. */
  #rewind(): void {
    this.#reader?.stop();
    this.#reader = undefined;
    this.#inFlight.clear();
    this.#redelivery.clear();
    this.#batch = [];
    this.#batchIndex = 0;
    this.#position = this.#acks.cursor + 1;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerDueMs = Number.POSITIVE_INFINITY;
  }

  #startReader(): void {
    const reader = new Reader();
    this.#reader = reader;
    void this.#read(reader);
  }

  async #read(reader: Reader): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    while (this.#reader === reader) {
      try {
        for await (const batch of this.#log.read({
          from: this.#position,
          follow: true,
          signal: reader.signal,
        })) {
          if (this.#reader !== reader) return;
          retryMs = FIRST_RETRY_MS;
          this.#batch = batch;
          this.#batchIndex = 0;
          const consumed = reader.untilTaken();
          this.wake();
          await consumed;
          if (this.#reader !== reader) return;
        }
        return; // Only an abort ends a following read without an error.
      } catch (error) {
        if (this.#reader !== reader) return;
        const again =
          typeof error === 'object' && error !== null && 'retryable' in error && error.retryable === true;
        this.#events.readFailed(error, again ? retryMs : undefined);
        if (!again) return this.#giveUp(error);
        await reader.pause(retryMs);
        retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
      }
    }
  }

  /** The topic cannot be read on: say so to every consumer instead of falling silent. */
  #giveUp(error: unknown): void {
    const sinks = [...this.#sinks];
    for (const sink of sinks) this.#sinks.remove(sink);
    this.#rewind();
    for (const sink of sinks) sink.end(error);
  }

  /** One timer for the earliest of: an acknowledgement is late, a redelivery is due. */
  #armTimer(): void {
    const oldest = this.#inFlight.values().next();
    // A redelivery that is due already waits for a ready consumer, and readiness wakes us; a timer would spin.
    const redeliveryMs =
      this.#redelivery.nextDueMs > nowMs() ? this.#redelivery.nextDueMs : Number.POSITIVE_INFINITY;
    const dueMs = Math.min(oldest.done ? Number.POSITIVE_INFINITY : oldest.value.deadlineMs, redeliveryMs);
    if (dueMs >= this.#timerDueMs || !Number.isFinite(dueMs)) return;
    clearTimeout(this.#timer);
    this.#timerDueMs = dueMs;
    this.#timer = setTimeout(() => this.#onTimer(), Math.max(1, dueMs - nowMs()));
    this.#timer.unref();
  }

  #onTimer(): void {
    this.#timerDueMs = Number.POSITIVE_INFINITY;
    const now = nowMs();
    for (const [offset, entry] of this.#inFlight) {
      if (entry.deadlineMs > now) break;
      this.#giveBack(offset, entry, 0);
    }
    this.wake();
  }
}

/** The turn-taking between a reading loop and a dispatcher that takes one batch at a time. */
class Reader {
  readonly #abort = new AbortController();
  #taken: (() => void) | undefined;

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Resolves when the dispatcher asks for the next batch, or on stop. */
  untilTaken(): Promise<void> {
    return new Promise((resolve) => {
      this.#taken = resolve;
    });
  }

  takeNext(): void {
    this.#taken?.();
    this.#taken = undefined;
  }

  /** Resolves after the delay, or on stop. */
  async pause(delayMs: number): Promise<void> {
    await sleep(delayMs, undefined, { signal: this.#abort.signal }).catch(() => {}); // Only stop() rejects it.
  }

  stop(): void {
    this.#abort.abort();
    this.takeNext();
  }
}
