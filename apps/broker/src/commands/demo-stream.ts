/** One message of the demonstration: a purchase in a shop. */
export interface Purchase {
  readonly order: number;
  readonly city: string;
  readonly item: string;
  readonly cents: number;
}

const cities = ['Vienna', 'Budapest', 'Belgrade', 'Ulm', 'Passau', 'Linz', 'Bratislava', 'Novi Sad'] as const;
const items: readonly (readonly [string, number])[] = [
  ['coffee', 380],
  ['bread', 420],
  ['ticket', 2_400],
  ['book', 1_890],
  ['lamp', 5_950],
];

/** The n-th purchase; the same n gives the same purchase, so every run of the demonstration can be compared. */
export function purchase(order: number): Purchase {
  // A multiplicative hash spreads consecutive numbers; the constants are Knuth's.
  const mixed = Math.imul(order + 1, 0x9e37_79b1) >>> 0;
  const [item, price] = items[(mixed >>> 8) % items.length]!;
  return { order, city: cities[mixed % cities.length]!, item, cents: price + (mixed % 97) };
}

/** A purchase as payload. */
export function encodePurchase(value: Purchase): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

/** Turnover by city, highest first: the query of the demonstration. */
export class Turnover {
  readonly #cents = new Map<string, number>();
  #rows = 0;

  get rows(): number {
    return this.#rows;
  }

  add(payload: Uint8Array): void {
    const { city, cents } = JSON.parse(Buffer.from(payload).toString()) as Purchase;
    this.#cents.set(city, (this.#cents.get(city) ?? 0) + cents);
    this.#rows += 1;
  }

  lines(): readonly string[] {
    return [...this.#cents]
      .sort((a, b) => b[1] - a[1])
      .map(
        ([city, cents]) =>
          `${city.padEnd(12)} ${(cents / 100).toLocaleString('en-US', { minimumFractionDigits: 2 }).padStart(14)}`,
      );
  }
}
