import {
  type S3Cell,
  type S3Contender,
  type S3Operation,
  s3Contenders,
  s3Operations,
} from '../peers/s3-cell.ts';

export interface S3BenchOptions {
  readonly rounds: number;
  readonly bytes: readonly number[];
  readonly outstanding: readonly number[];
}

export interface S3BenchFlags {
  readonly rounds?: string | undefined;
  readonly bytes?: string | undefined;
  readonly outstanding?: string | undefined;
}

/** One cell for each contender, one directly after the other. */
export interface PlannedS3Group extends S3Cell {
  readonly round: number;
  /** The order in which they run. */
  readonly contenders: readonly S3Contender[];
}

const [KIB, MIB] = [1024, 2 ** 20];
/** Of two parts of 8 MiB; below there is nothing to send in parts. */
const LEAST_IN_PARTS = 16 * MIB;
/** What a cell moves, as far as `MOST_REQUESTS` allows: short cells, so that the two contenders meet the same machine. */
const BYTES_A_CELL = 128 * MIB;
const MOST_REQUESTS = 500;

/** Fills the defaults: 15 rounds, 1 KiB, 1 MiB and 64 MiB, 1 and 16 outstanding. */
export function resolveS3BenchOptions(flags: S3BenchFlags): S3BenchOptions {
  const list = (flag: string, text: string | undefined, all: readonly number[]) =>
    text === undefined ? all : text.split(',').map((item) => integer(flag, item));
  return {
    rounds: integer('rounds', flags.rounds ?? '15'),
    bytes: list('bytes', flags.bytes, [KIB, MIB, 64 * MIB]),
    outstanding: list('outstanding', flags.outstanding, [1, 16]),
  };
}

function integer(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${flag} wants whole numbers above 0, not ${text}.`);
  return value;
}

/**
 * What runs, in order; who begins changes with every comparison and every round. Cells that move more than others, since
 * each loop has one request at least, take part in every third round.
 */
export function planS3Bench({ rounds, bytes: sizes, outstanding: counts }: S3BenchOptions): PlannedS3Group[] {
  const plan: PlannedS3Group[] = [];
  for (let round = 0; round < rounds; round++)
    for (const bytes of sizes)
      for (const operation of operationsAt(bytes))
        for (const [index, outstanding] of counts.entries()) {
          const requests = requestsOf(bytes, outstanding);
          if (requests * bytes > BYTES_A_CELL && round % 3 !== 0) continue;
          const turned = (round + index + s3Operations.indexOf(operation)) % 2 === 1;
          const contenders = turned ? [...s3Contenders].reverse() : [...s3Contenders];
          // In the first round everything is compiled first.
          const warmUp = Math.ceil(requests * (round === 0 ? 0.5 : 0.1));
          plan.push({ round, operation, bytes, outstanding, requests, warmUp, contenders });
        }
  return plan;
}

function operationsAt(bytes: number): readonly S3Operation[] {
  return s3Operations.filter((operation) => operation !== 'put in parts' || bytes >= LEAST_IN_PARTS);
}

/** Half a second or so, and at least one for every loop. */
function requestsOf(bytes: number, outstanding: number): number {
  const some = Math.min(MOST_REQUESTS, Math.ceil(BYTES_A_CELL / bytes));
  return Math.ceil(some / outstanding) * outstanding;
}
