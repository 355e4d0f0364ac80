import { expect, test } from 'vitest';
import { planS3Bench, resolveS3BenchOptions } from './objectstore-plan.ts';

test('every size is put and got in every round, only large ones in parts, and what moves most in every third', () => {
  const plan = planS3Bench(resolveS3BenchOptions({ rounds: '4' }));
  const of = (round: number, bytes: number) =>
    plan
      .filter((group) => group.round === round && group.bytes === bytes)
      .map(({ operation, outstanding }) => `${operation} ${outstanding}`);
  const small = ['put 1', 'put 16', 'get 1', 'get 16'];
  for (const round of [0, 1, 2, 3]) {
    expect(of(round, 1024)).toEqual(small);
    expect(of(round, 2 ** 20)).toEqual(small);
    expect(of(round, 2 ** 26)).toEqual(
      round % 3 === 0
        ? ['put 1', 'put 16', 'put in parts 1', 'put in parts 16', 'get 1', 'get 16']
        : ['put 1', 'put in parts 1', 'get 1'],
    );
  }
});

test('both contenders run in every group, and each begins in half of the rounds', () => {
  const plan = planS3Bench(resolveS3BenchOptions({ rounds: '4' }));
  const begins = new Map<string, string[]>();
  for (const { operation, bytes, outstanding, contenders } of plan) {
    expect(contenders.toSorted()).toEqual(['danube', 'sdk']);
    const group = `${operation} ${bytes} ${outstanding}`;
    begins.set(group, [...(begins.get(group) ?? []), contenders[0]!]);
  }
  for (const [group, firsts] of begins)
    expect(
      firsts.filter((name) => name === 'sdk'),
      group,
    ).toHaveLength(firsts.length / 2);
});

test('a cell has a whole number of requests for each loop, moves a GiB at most, and is warmed up', () => {
  for (const { bytes, outstanding, requests, warmUp, round } of planS3Bench(resolveS3BenchOptions({}))) {
    expect(requests % outstanding).toBe(0);
    expect(requests).toBeGreaterThanOrEqual(outstanding);
    expect(warmUp).toBeGreaterThanOrEqual(requests * (round === 0 ? 0.5 : 0.1));
    expect(requests * bytes).toBeLessThanOrEqual(2 ** 30);
  }
});

test('what the command line says wrongly is refused by name', () => {
  expect(resolveS3BenchOptions({ bytes: '1024', outstanding: '4' })).toEqual({
    ...{ rounds: 15, bytes: [1024], outstanding: [4] },
  });
  expect(() => resolveS3BenchOptions({ rounds: '0' })).toThrow(/--rounds/);
  expect(() => resolveS3BenchOptions({ bytes: '1 MiB' })).toThrow(/--bytes/);
});
