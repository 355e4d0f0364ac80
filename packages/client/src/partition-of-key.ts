const encoder = new TextEncoder();

/**
 * The partition of a routing key: FNV-1a (64 bit) of its UTF-8 bytes modulo the number of partitions. All Danube
 * clients use the same function, so a key stays in one partition whoever publishes it.
 */
export function partitionOfKey(routingKey: string, partitions: number): number {
  let hash = 0xcbf29ce484222325n;
  for (const byte of encoder.encode(routingKey)) {
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  }
  return Number(hash % BigInt(partitions));
}
