import type { Wal } from '@danube/wal';
import type { EventHub } from './events.ts';
import type { LogPins } from './log-reader.ts';
import type { SegmentMap } from './segment-map.ts';
import type { TopicState } from './topic-state.ts';

/**
 * Lets the log forget (④): whole segments in which no topic has a record above what metadata of a successful
 * reply or a load confirmed. Never inferred from what was sent. The dictionary lines that say what was
 * confirmed are on the disk before.
 */
export class WalTruncation {
  readonly #wal: Wal;
  readonly #segments: SegmentMap;
  readonly #pins: LogPins;
  readonly #hub: EventHub;
  readonly #topics: () => Iterable<TopicState>;
  #acknowledged = -1;
  #running: Promise<void> | undefined;
  #again = false;

  constructor(
    wal: Wal,
    segments: SegmentMap,
    pins: LogPins,
    hub: EventHub,
    topics: () => Iterable<TopicState>,
  ) {
    this.#wal = wal;
    this.#segments = segments;
    this.#pins = pins;
    this.#hub = hub;
    this.#topics = topics;
  }

  /** A record was acknowledged: everything up to it is in the topics' indexes. */
  acknowledged(walOffset: number): void {
    if (walOffset > this.#acknowledged) this.#acknowledged = walOffset;
  }

  /** Looks, soon, whether segments can go. */
  soon(): void {
    if (this.#running !== undefined) {
      this.#again = true;
      return;
    }
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      if (this.#again) {
        this.#again = false;
        this.soon();
      }
    });
  }

  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    try {
      if (this.#boundary() <= this.#wal.firstOffset) return;
      await this.#wal.sync();
      const boundary = this.#boundary();
      if (boundary <= this.#wal.firstOffset) return;
      // Readers must not find their way into what is about to go.
      for (const topic of this.#topics()) topic.index.truncate(boundary);
      this.#segments.truncate(boundary);
      await this.#wal.truncateBefore(boundary);
      this.#hub.emit('truncated', { walOffset: boundary });
    } catch {
      // The log keeps more than it must; if it failed, the next append or commit says so.
    }
  }

  /** The start of the first segment that must stay. */
  #boundary(): number {
    // Records on their way to an acknowledgement are not in any index yet.
    let needed = Math.min(this.#acknowledged + 1, this.#pins.lowest);
    for (const topic of this.#topics()) {
      const lowest = topic.index.lowestWalOffsetAbove(topic.confirmed);
      if (lowest !== undefined) needed = Math.min(needed, lowest);
      // Its newest message says what the next offset is, until a dictionary line that says so was taken by the log.
      const newest = topic.index.lastWalOffset;
      if (newest !== undefined && topic.recordedNext <= topic.index.last) needed = Math.min(needed, newest);
    }
    let boundary = this.#wal.firstOffset;
    for (const segment of this.#wal.segments()) {
      if (!segment.sealed || segment.nextOffset > needed) break;
      boundary = segment.nextOffset;
    }
    return boundary;
  }
}
