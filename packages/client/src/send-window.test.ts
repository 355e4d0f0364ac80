import { expect, test } from 'vitest';
import { SendWindow } from './send-window.ts';

/** Enters each weight in turn and notes who is in. */
function enterAll(window: SendWindow, sizes: readonly number[]) {
  const inside: number[] = [];
  const weights = sizes.map((size) => SendWindow.weigh(size));
  weights.forEach((weight, i) => {
    const turn = window.enter(weight);
    if (turn === undefined) inside.push(i);
    else void turn.then(() => inside.push(i));
  });
  return { inside, leave: (i: number) => window.leave(weights[i]!) };
}
const turns = () => new Promise((resolve) => setImmediate(resolve));

test('messages of one frame go together until the window is full, then one for one', async () => {
  const { inside, leave } = enterAll(
    new SendWindow(),
    Array.from({ length: 40 }, () => 1_000),
  );
  expect(inside).toHaveLength(28);
  leave(0);
  await turns();
  expect(inside).toHaveLength(29);
});

test('a message of several frames goes alone, and nothing overtakes it while it waits', async () => {
  const { inside, leave } = enterAll(new SendWindow(), [10, 16_380, 10, 10]);
  expect(inside).toEqual([0]);
  leave(0);
  await turns();
  expect(inside).toEqual([0, 1]);
  leave(1);
  await turns();
  expect(inside).toEqual([0, 1, 2, 3]);
});
