import { containerBytes } from './deleted-rows.ts';

const cookieWithRuns = 12_347;
const cookieWithoutRuns = 12_346;
/** Bitmaps with run containers carry offsets only from so many containers on. */
const offsetsFrom = 4;
/** Up to so many values a container is a list, above a bit for each of 65,536. */
const maxArrayValues = 4_096;

/** Takes the values of one container, a bit for each. */
export type TakeContainer = (key: number, bits: Uint8Array) => void;

/**
 * Decodes a 32-bit roaring bitmap in the portable format, in one of its containers' three forms each: array, bitmap,
 * run. Whatever contradicts itself is an error, so no value is made up: keys and values must ascend, counts be right.
 *
 * @param take is given each container with its key (the upper 16 bits), ascending
 * @returns how many values there are, and the offset behind the bitmap
 * @throws Error saying what is wrong
 * @see https://github.com/RoaringBitmap/RoaringFormatSpec
 */
export function decodeRoaringBitmap(
  bytes: Uint8Array,
  start: number,
  take: TakeContainer,
): { cardinality: number; end: number } {
  const input = new LittleEndianReader(bytes, start);
  const cookie = input.uint32();
  const hasRuns = (cookie & 0xffff) === cookieWithRuns;
  if (!hasRuns && cookie !== cookieWithoutRuns) throw new Error(`a bitmap begins with ${cookie}`);
  const count = hasRuns ? (cookie >>> 16) + 1 : input.uint32();
  if (count > 65_536) throw new Error(`a bitmap has ${count} containers`);
  const runs = hasRuns ? input.bytes((count + 7) >> 3) : undefined;
  const headers = input.bytes(count * 4);
  if (!hasRuns || count >= offsetsFrom) input.bytes(count * 4);
  const header = new DataView(headers.buffer, headers.byteOffset, headers.byteLength);
  let cardinality = 0;
  let previousKey = -1;
  for (let i = 0; i < count; i += 1) {
    const key = header.getUint16(i * 4, true);
    const values = header.getUint16(i * 4 + 2, true) + 1;
    if (key <= previousKey) throw new Error('the containers of a bitmap are out of order');
    previousKey = key;
    const isRun = runs !== undefined && ((runs[i >> 3] as number) & (1 << (i & 7))) !== 0;
    take(key, decodeContainer(input, isRun, values));
    cardinality += values;
  }
  return { cardinality, end: input.offset };
}

function decodeContainer(input: LittleEndianReader, isRun: boolean, cardinality: number): Uint8Array {
  const bits = isRun ? runContainer(input) : valuesContainer(input, cardinality);
  const found = countBits(bits);
  if (found !== cardinality) throw new Error(`a container of ${cardinality} values has ${found}`);
  return bits;
}

function valuesContainer(input: LittleEndianReader, cardinality: number): Uint8Array {
  if (cardinality > maxArrayValues) return input.bytes(containerBytes);
  const bits = new Uint8Array(containerBytes);
  for (let i = 0, previous = -1; i < cardinality; i += 1) {
    const value = input.uint16();
    if (value <= previous) throw new Error('the values of a container are out of order');
    bits[value >> 3] = (bits[value >> 3] as number) | (1 << (value & 7));
    previous = value;
  }
  return bits;
}

function runContainer(input: LittleEndianReader): Uint8Array {
  const bits = new Uint8Array(containerBytes);
  const runs = input.uint16();
  for (let i = 0, next = 0; i < runs; i += 1) {
    const first = input.uint16();
    const last = first + input.uint16();
    if (first < next || last > 0xffff) throw new Error('the runs of a container overlap or leave it');
    for (let value = first; value <= last; value += 1) {
      bits[value >> 3] = (bits[value >> 3] as number) | (1 << (value & 7));
    }
    next = last + 1;
  }
  return bits;
}

function countBits(bits: Uint8Array): number {
  let count = 0;
  for (let byte of bits) for (; byte !== 0; byte &= byte - 1) count += 1;
  return count;
}

/** Reads numbers one after the other; past the end it throws. */
export class LittleEndianReader {
  offset: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, offset: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.offset = offset;
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  uint64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  /** A view, not a copy. */
  bytes(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  #take(length: number): number {
    const start = this.offset;
    if (start + length > this.#bytes.length) throw new Error(`${length} bytes are missing at ${start}`);
    this.offset += length;
    return start;
  }
}
