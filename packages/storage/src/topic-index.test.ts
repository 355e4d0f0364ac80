import { describe, expect, it } from 'vitest';
import { TopicIndex } from './topic-index.ts';

/** A topic that owns every third record of the log; a segment is 1,000 records. */
function filled(count: number): TopicIndex {
  const index = new TopicIndex();
  for (let offset = 0; offset < count; offset += 1) {
    const walOffset = offset * 3 + 1;
    index.add(offset, walOffset, Math.floor(walOffset / 1000) * 1000, 100, offset);
  }
  return index;
}

describe('the sparse index', () => {
  it('never starts reading above the wanted record, and not far below', () => {
    const index = filled(5000);
    for (let offset = 0; offset < 5000; offset += 37) {
      const place = index.seek(offset);
      expect(place?.walOffset).toBeLessThanOrEqual(offset * 3 + 1);
      expect(place?.walOffset).toBeGreaterThan(offset * 3 + 1 - 3 * 256 - 3);
    }
    expect(index.seek(5000)).toBeUndefined();
  });

  it('knows exactly what is left after a truncation at a segment', () => {
    const index = filled(5000);
    index.truncate(6000);
    expect(index.first).toBe(2000);
    index.truncate(15_000);
    expect(index.first).toBeUndefined();
  });

  it('counts pending bytes and age never too low', () => {
    const index = filled(5000);
    for (const through of [-1, 0, 999, 4000, 4998, 4999]) {
      const exact = (4999 - through) * 100;
      expect(index.bytesAbove(through)).toBeGreaterThanOrEqual(exact);
      expect(index.bytesAbove(through)).toBeLessThanOrEqual(exact === 0 ? 0 : exact + 256 * 100);
      const time = index.timeAbove(through);
      if (exact === 0) expect(time).toBeUndefined();
      else expect(time).toBeLessThanOrEqual(through + 1);
      const lowest = index.lowestWalOffsetAbove(through);
      if (exact > 0) expect(lowest).toBeLessThanOrEqual((through + 1) * 3 + 1);
    }
  });

  it('does not grow with payloads', () => {
    const index = new TopicIndex();
    index.add(0, 0, 0, 1e9, 0);
    index.add(1, 1, 0, 1e9, 0);
    expect(index.bytes).toBe(2e9);
    expect(index.seek(1)).toEqual({ walOffset: 1, endOffsetExclusive: 2 });
  });
});
