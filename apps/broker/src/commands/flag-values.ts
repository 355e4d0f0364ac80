import { InvalidArgumentError } from 'commander';

/** A whole number from 1 to 100 million, for commander. */
export function count(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 100_000_000)
    throw new InvalidArgumentError('expected a whole number from 1 to 100000000.');
  return value;
}
