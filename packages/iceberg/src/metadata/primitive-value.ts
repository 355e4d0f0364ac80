/**
 * A value of a primitive type in memory.
 *
 * | type | value |
 * |---|---|
 * | boolean | boolean |
 * | int, date (days) | number |
 * | long, time (µs), timestamp, timestamptz (µs), …_ns (ns) | bigint |
 * | float, double | number |
 * | decimal | bigint, unscaled |
 * | string | string |
 * | uuid | string, lower case with dashes |
 * | fixed, binary | Uint8Array |
 *
 * `single-value.ts` holds their binary form (`encodeSingleValue(type, value)`, `decodeSingleValue(type, bytes)`,
 * `compareValues(type, a, b)`), `transform.ts` what a transform makes of them (`transformResultType(transform, sourceType)`).
 */
export type PrimitiveValue = boolean | number | bigint | string | Uint8Array;
