import { expect, test } from 'vitest';
import { contenderNames } from '../peers/contenders.ts';
import { planWalBench, resolveWalBenchOptions } from './wal-plan.ts';

test('1 KiB on disk runs in every round, everything else in every third', () => {
  const plan = planWalBench(resolveWalBenchOptions({ rounds: '4' }));
  const rounds = (medium: string, bytes: number) =>
    plan
      .filter((group) => group.medium === medium && group.bytes === bytes && group.outstanding === 16)
      .map(({ round }) => round);
  expect(rounds('disk', 1024)).toEqual([0, 1, 2, 3]);
  expect(rounds('disk', 100)).toEqual([0, 3]);
  expect(rounds('tmpfs', 1024)).toEqual([0, 3]);
});

test('every contender runs in every group once, the limit of the disk only at 1 outstanding, and no one always runs first', () => {
  const plan = planWalBench(resolveWalBenchOptions({ rounds: '9', media: 'disk', bytes: '1024' }));
  for (const { contenders, outstanding } of plan) {
    const all = contenderNames.filter((name) => outstanding === 1 || name !== 'c-loop-over');
    expect(contenders.toSorted()).toEqual(all.toSorted());
  }
  expect(new Set(plan.map(({ contenders }) => contenders[0]))).toEqual(new Set(contenderNames));
});

test('what the command line does not say has a default, and what it says wrongly is refused by name', () => {
  const options = resolveWalBenchOptions({ only: 'danube,c-loop', outstanding: '1,16', bytes: '1024' });
  expect(options).toMatchObject({ contenders: ['danube', 'c-loop'], outstanding: [1, 16], bytes: [1024] });
  expect(options.media).toEqual(['disk', 'tmpfs']);
  expect(() => resolveWalBenchOptions({ only: 'leveldb' })).toThrow(/--only knows c-loop, .*not leveldb/);
  expect(() => resolveWalBenchOptions({ rounds: '0' })).toThrow(/--rounds/);
  expect(() => resolveWalBenchOptions({ ms: 'x' })).toThrow(/--ms/);
});
