/** The value below which `fraction` of `sorted` lies (nearest rank); `sorted` ascends and is not empty. */
export function quantile(sorted: readonly number[], fraction: number): number {
  const index = Math.min(sorted.length - 1, Math.max(0, Math.ceil(fraction * sorted.length) - 1));
  const value = sorted[index];
  if (value === undefined) throw new RangeError('quantile of nothing');
  return value;
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Median, minimum and maximum of one figure over the rounds of a run. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: quantile(sorted, 0.5), min: quantile(sorted, 0), max: quantile(sorted, 1) };
}

export const round = (value: number, digits = 3): number => Number(value.toFixed(digits));

/**
 * Spread of a ratio taken round by round, so that a slow minute counts above and below the line alike. A round in
 * which one of the two is missing is left out; undefined if none is left.
 */
export function ratioOfRounds(
  over: readonly (number | undefined)[],
  under: readonly (number | undefined)[],
): Spread | undefined {
  const ratios = over.flatMap((value, index) => {
    const divisor = under[index];
    return value === undefined || divisor === undefined ? [] : [value / divisor];
  });
  return ratios.length === 0 ? undefined : spread(ratios);
}
