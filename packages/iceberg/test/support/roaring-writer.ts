import { crc32 } from 'node:zlib';

/** The three forms of a container of a roaring bitmap. */
export type ContainerForm = 'array' | 'bitmap' | 'run';

/** Encodes ascending positions as a 32-bit roaring bitmap in the portable format. */
export function encodeRoaringBitmap(
  values: readonly number[],
  formOf: (key: number, cardinality: number) => ContainerForm,
): Uint8Array {
  const containers = new Map<number, number[]>();
  for (const value of values) {
    const key = Math.floor(value / 65_536);
    const list = containers.get(key);
    if (list) list.push(value % 65_536);
    else containers.set(key, [value % 65_536]);
  }
  const parts = [...containers].map(([key, lows]) => {
    const wanted = formOf(key, lows.length);
    // The format knows arrays and bitmaps apart by the number of values alone.
    const form = wanted === 'run' ? wanted : lows.length > 4_096 ? 'bitmap' : 'array';
    return { key, lows, form, bytes: encodeContainer(lows, form) };
  });
  const hasRuns = parts.some(({ form }) => form === 'run');
  const header = Buffer.alloc(hasRuns ? 4 + ((parts.length + 7) >> 3) : 8);
  if (hasRuns) {
    header.writeUInt32LE((12_347 | ((parts.length - 1) << 16)) >>> 0);
    for (const [i, { form }] of parts.entries()) {
      if (form === 'run') header[4 + (i >> 3)] = (header[4 + (i >> 3)] as number) | (1 << (i & 7));
    }
  } else {
    header.writeUInt32LE(12_346);
    header.writeUInt32LE(parts.length, 4);
  }
  const keys = Buffer.alloc(parts.length * 4);
  const offsets = Buffer.alloc(!hasRuns || parts.length >= 4 ? parts.length * 4 : 0);
  let offset = header.length + keys.length + offsets.length;
  for (const [i, { key, lows, bytes }] of parts.entries()) {
    keys.writeUInt16LE(key, i * 4);
    keys.writeUInt16LE(lows.length - 1, i * 4 + 2);
    if (offsets.length > 0) offsets.writeUInt32LE(offset, i * 4);
    offset += bytes.length;
  }
  return Buffer.concat([header, keys, offsets, ...parts.map(({ bytes }) => bytes)]);
}

function encodeContainer(lows: readonly number[], form: ContainerForm): Uint8Array {
  switch (form) {
    case 'array':
      return Buffer.from(Uint16Array.from(lows).buffer);
    case 'bitmap': {
      const bits = Buffer.alloc(8_192);
      for (const low of lows) bits[low >> 3] = (bits[low >> 3] as number) | (1 << (low & 7));
      return bits;
    }
    case 'run': {
      const runs: number[] = [];
      for (const [i, low] of lows.entries()) {
        if (i > 0 && low === (lows[i - 1] as number) + 1) runs[runs.length - 1] = (runs.at(-1) as number) + 1;
        else runs.push(low, 0);
      }
      return Buffer.from(Uint16Array.of(runs.length / 2, ...runs).buffer);
    }
  }
}

/** Encodes ascending positions as a `deletion-vector-v1` blob. */
export function encodeDeletionVector(
  positions: readonly number[],
  formOf: (key: number, cardinality: number) => ContainerForm = () => 'array',
): Uint8Array {
  const byKey = new Map<number, number[]>();
  for (const position of positions) {
    const key = Math.floor(position / 2 ** 32);
    const list = byKey.get(key);
    if (list) list.push(position % 2 ** 32);
    else byKey.set(key, [position % 2 ** 32]);
  }
  const count = Buffer.alloc(8);
  count.writeBigUInt64LE(BigInt(byKey.size));
  const bitmaps = [...byKey].map(([key, values]) => {
    const head = Buffer.alloc(4);
    head.writeUInt32LE(key);
    return Buffer.concat([head, encodeRoaringBitmap(values, formOf)]);
  });
  return frameDeletionVector(Buffer.concat([Uint8Array.of(0xd1, 0xd3, 0x39, 0x64), count, ...bitmaps]));
}

/** Puts length and checksum around magic and vector. */
export function frameDeletionVector(vector: Uint8Array): Uint8Array {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(vector.length);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(vector));
  return Buffer.concat([length, vector, checksum]);
}
