import { randomBytes } from 'node:crypto';

/**
 * A new id of a producer or consumer: 62 random bits, so that an id from before a restart never names someone
 * else, and no client's signed 64-bit integer overflows.
 */
export function createId(): bigint {
  return randomBytes(8).readBigUInt64BE() >> 2n || 1n;
}
