import fc from 'fast-check';
import type { LogModel } from '../crash/log-model.ts';
import type { SimulatedLog } from './simulated-log.ts';

/** A command: everything it does depends on its own numbers, so that it can shrink and be replayed. */
export type LogCommand = fc.AsyncCommand<LogModel, SimulatedLog>;

const paddings = fc.constantFrom(0, 3, 40, 200, 900);

/** How long the next command waits: for everything asked for so far, or for some turns of the microtask queue. */
const pause = fc.oneof(fc.constant('all' as const), fc.nat({ max: 12 }));
type Pause = 'all' | number;

/** Every kind of command, the ones that work more often than the ones that break. */
export const logCommands: fc.Arbitrary<LogCommand>[] = [
  fc
    .tuple(fc.array(paddings, { minLength: 1, maxLength: 5 }), pause)
    .map(([sizes, then]) =>
      calling('append', [sizes], then, ({ life }) => sizes.map((size) => life.append(size))),
    ),
  fc
    .tuple(fc.array(paddings, { minLength: 2, maxLength: 4 }), pause)
    .map(([sizes, then]) => calling('appendBatch', [sizes], then, ({ life }) => life.appendBatch(sizes))),
  fc
    .tuple(fc.array(paddings, { minLength: 1, maxLength: 3 }), pause)
    .map(([sizes, then]) =>
      calling('append', [sizes], then, ({ life }) => sizes.map((size) => life.append(size))),
    ),
  pause.map((then) => calling('sync', [], then, ({ life }) => life.sync())),
  pause.map((then) => calling('rotate', [], then, ({ life }) => life.rotate())),
  fc.tuple(fc.nat({ max: 100 }), pause).map(([percent, then]) =>
    calling('truncateBefore', [percent], then, ({ life }) => {
      const { firstOffset, nextOffset } = life.log;
      life.truncateBefore(firstOffset + Math.round(((nextOffset - firstOffset) * percent) / 100));
    }),
  ),
  fc.nat({ max: 100 }).map((percent) =>
    calling('follow', [percent], 0, ({ life }) => {
      const { firstOffset, nextOffset } = life.log;
      life.follow(firstOffset + Math.round(((nextOffset - firstOffset) * percent) / 100));
    }),
  ),
  fc.constant(calling('openAgain', [], 'all', ({ life }) => life.openAgain())),
  fc.constant(calling('runTimers', [], 'all', ({ life }) => life.fireTimers())),
  fc
    .tuple(fc.nat({ max: 40 }), fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 2 }))
    .map(([after, openings]) =>
      command('powerLoss', [after, openings], (log) => log.powerLoss(after, openings)),
    ),
  fc.nat({ max: 30 }).map((turns) => command('kill', [turns], (log) => log.kill(turns))),
  fc.constant(command('reopen', [], (log) => log.reopen())),
  fc
    .tuple(fc.constantFrom('close' as const, 'kill' as const), fc.nat({ max: 2 ** 20 }), fc.nat({ max: 7 }))
    .map(([ending, place, bit]) =>
      command('flip', [ending, place, bit], (log) => log.flip(ending, place, bit)),
    ),
];

function calling(
  name: string,
  args: readonly unknown[],
  then: Pause,
  call: (log: SimulatedLog) => unknown,
): LogCommand {
  return command(name, [...args, then], async (log) => {
    call(log);
    if (then === 'all') await log.life.settle();
    else for (let turn = 0; turn < then; turn++) await undefined;
    log.life.noteDurable();
  });
}

function command(
  name: string,
  args: readonly unknown[],
  run: (log: SimulatedLog) => Promise<void>,
): LogCommand {
  return {
    check: () => true,
    run: (_, log) => run(log),
    toString: () => `${name}(${args.map((arg) => JSON.stringify(arg)).join(', ')})`,
  };
}
