import { type ContenderName, contenderNames } from '../peers/contenders.ts';
import type { Group } from './wal-report.ts';

export interface WalBenchOptions {
  readonly rounds: number;
  readonly ms: number;
  readonly contenders: readonly ContenderName[];
  readonly outstanding: readonly number[];
  readonly bytes: readonly number[];
  readonly media: readonly string[];
}

export interface WalBenchFlags {
  readonly rounds?: string | undefined;
  readonly ms?: string | undefined;
  readonly only?: string | undefined;
  readonly outstanding?: string | undefined;
  readonly bytes?: string | undefined;
  readonly media?: string | undefined;
}

const MEDIA = ['disk', 'tmpfs'];

function integer(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${flag} wants whole numbers above 0, not ${text}.`);
  return value;
}

function oneOf<Name extends string>(flag: string, names: readonly Name[], text: string): Name {
  const name = names.find((known) => known === text);
  if (name === undefined) throw new Error(`--${flag} knows ${names.join(', ')}; not ${text}.`);
  return name;
}

/** Fills the defaults: 9 rounds of 900 ms a cell, about 23 minutes. */
export function resolveWalBenchOptions(flags: WalBenchFlags): WalBenchOptions {
  const list = <Value>(text: string | undefined, each: (item: string) => Value, all: readonly Value[]) =>
    text === undefined ? all : text.split(',').map(each);
  return {
    rounds: integer('rounds', flags.rounds ?? '9'),
    ms: integer('ms', flags.ms ?? '900'),
    contenders: list(flags.only, (name) => oneOf('only', contenderNames, name), contenderNames),
    outstanding: list(flags.outstanding, (text) => integer('outstanding', text), [1, 16, 256, 4096]),
    bytes: list(flags.bytes, (text) => integer('bytes', text), [100, 1024, 10_240]),
    media: list(flags.media, (name) => oneOf('media', MEDIA, name), MEDIA),
  };
}

export interface PlannedGroup extends Group {
  readonly round: number;
  /** The order in which they run: each round begins with another one. */
  readonly contenders: readonly ContenderName[];
}

/**
 * What runs, in order. Within a group the contenders follow each other directly, so that a noisy minute hits all
 * alike. 1 KiB on disk, which most targets are about, runs in every round, the rest in every third.
 */
export function planWalBench(options: WalBenchOptions): PlannedGroup[] {
  const plan: PlannedGroup[] = [];
  // The limit of the disk is a question of one append at a time.
  const takesPart = (outstanding: number) => (name: ContenderName) =>
    name !== 'c-loop-over' || outstanding === 1;
  for (let round = 0; round < options.rounds; round++) {
    const first = round % options.contenders.length;
    const contenders = [...options.contenders.slice(first), ...options.contenders.slice(0, first)];
    for (const medium of options.media)
      for (const bytes of options.bytes)
        for (const outstanding of options.outstanding)
          if (round % 3 === 0 || (medium === 'disk' && bytes === 1024))
            plan.push({
              ...{ round, medium, bytes, outstanding },
              contenders: contenders.filter(takesPart(outstanding)),
            });
  }
  return plan;
}
