import { alwaysTrue, and, type Expression, eq, gtEq, lt } from '@danube/iceberg';
import { firstOffset, startOfDay } from './iceberg-table.ts';

export const FILES = 10_000;
/** A day is a manifest where there are 100 of them. */
export const FILES_PER_DAY = 100;

/** How the same data files are spread over manifests. */
export const shapes = { manifests_100: 100, manifests_1: 1 } as const;
export type Shape = keyof typeof shapes;

export interface PlanQuery {
  readonly filter: Expression;
  /** The same filter as PyIceberg parses it; absent for all rows. */
  readonly rowFilter?: string;
  /** Files that a correct plan holds. */
  readonly files: number;
}

const from = startOfDay(FILES / 2, FILES_PER_DAY);
const to = startOfDay(FILES / 2 + FILES_PER_DAY, FILES_PER_DAY);
const offset = firstOffset(FILES / 2);
const timestamp = (microseconds: bigint) =>
  `'${new Date(Number(microseconds / 1000n)).toISOString().replace('Z', '+00:00')}'`;

/** All rows; those of one day, known by the partition; one row, known by the bounds of its column alone. */
export const queries = {
  all: { filter: alwaysTrue, files: FILES },
  day: {
    filter: and(gtEq('append_time', from), lt('append_time', to)),
    rowFilter: `append_time >= ${timestamp(from)} and append_time < ${timestamp(to)}`,
    files: FILES_PER_DAY,
  },
  offset: {
    filter: eq('segment_offset', offset),
    rowFilter: `segment_offset = ${offset}`,
    files: 1,
  },
} as const satisfies Readonly<Record<string, PlanQuery>>;
export type QueryName = keyof typeof queries;
