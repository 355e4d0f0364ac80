import { describe, expect, test } from 'vitest';
import { AckTracker } from './ack-tracker.ts';

describe('AckTracker', () => {
  test('the cursor moves over contiguous acknowledgements only', () => {
    const acks = new AckTracker(-1);
    acks.add(1);
    acks.add(2);
    expect(acks.cursor).toBe(-1);
    acks.add(0);
    expect(acks.cursor).toBe(2);
    expect(acks.runCount).toBe(0);
  });

  test('a repeated acknowledgement, or one below the cursor, changes nothing', () => {
    const acks = new AckTracker(4);
    expect(acks.add(3)).toBe(false);
    expect(acks.add(6)).toBe(true);
    expect(acks.add(6)).toBe(false);
    expect(acks.cursor).toBe(4);
  });

  test('ranges merge with what they touch and overlap', () => {
    const acks = new AckTracker(-1);
    acks.addRange(5, 6);
    acks.addRange(10, 12);
    acks.addRange(7, 9);
    expect(acks.runCount).toBe(1);
    acks.addRange(0, 20);
    expect([acks.cursor, acks.runCount]).toEqual([20, 0]);
  });

  test('agrees with a plain set over random orders', () => {
    const seed = Number(process.env['DANUBE_SEED'] ?? Date.now() % 2 ** 31);
    console.log(`seed ${seed}`);
    let state = seed || 1;
    const random = (below: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state % below;
    };
    for (let round = 0; round < 50; round += 1) {
      const acks = new AckTracker(-1);
      const model = new Set<number>();
      for (let step = 0; step < 300; step += 1) {
        const first = random(200);
        const last = first + (random(4) === 0 ? random(10) : 0);
        acks.addRange(first, last);
        for (let offset = first; offset <= last; offset += 1) model.add(offset);
        let cursor = -1;
        while (model.has(cursor + 1)) cursor += 1;
        expect(acks.cursor).toBe(cursor);
        const probe = random(210);
        expect(acks.has(probe)).toBe(model.has(probe));
      }
    }
  });
});
