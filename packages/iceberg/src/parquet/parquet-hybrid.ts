/**
 * Decodes Parquet's RLE / bit-packed hybrid: levels, dictionary indexes and booleans.
 *
 * (hyparquet has this too, but lets a damaged run length write past its output until memory ends.)
 *
 * @param bytes holds the runs from `start` to `end`
 * @param bitWidth bits of a value, 0 to 32
 * @param output filled from its beginning to its end; values beyond its length are left out
 * @returns the offset behind the last run read
 * @throws Error when the runs end before the output is full, or a width is impossible
 * @see https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE
 */
export function decodeHybrid(
  bytes: Uint8Array,
  start: number,
  end: number,
  bitWidth: number,
  output: Uint8Array | Uint32Array,
): number {
  if (bitWidth > 32) throw new Error(`a bit width of ${bitWidth}`);
  const valueBytes = (bitWidth + 7) >> 3;
  let offset = start;
  let filled = 0;
  while (filled < output.length) {
    let header = 0;
    let shift = 0;
    let byte: number;
    do {
      if (offset >= end || shift > 28) throw new Error('runs end too soon');
      byte = bytes[offset] as number;
      header |= (byte & 0x7f) << shift;
      offset += 1;
      shift += 7;
    } while (byte >= 0x80);
    header >>>= 0;
    const left = output.length - filled;
    if ((header & 1) === 0) {
      if (offset + valueBytes > end) throw new Error('a run ends too soon');
      let value = 0;
      for (let i = 0; i < valueBytes; i += 1) value |= (bytes[offset + i] as number) << (8 * i);
      offset += valueBytes;
      const count = Math.min(header >>> 1, left);
      output.fill(value >>> 0, filled, filled + count);
      filled += count;
    } else {
      const packedBytes = (header >>> 1) * bitWidth;
      const count = Math.min((header >>> 1) * 8, left);
      // The last run of a page may leave out bytes that hold only padding.
      if (offset + Math.ceil((count * bitWidth) / 8) > end) throw new Error('packed values end too soon');
      unpackBits(bytes, offset, bitWidth, output, filled, count);
      offset = Math.min(offset + packedBytes, end);
      filled += count;
    }
  }
  return offset;
}

function unpackBits(
  bytes: Uint8Array,
  start: number,
  bitWidth: number,
  output: Uint8Array | Uint32Array,
  outputStart: number,
  count: number,
): void {
  if (bitWidth === 0) {
    output.fill(0, outputStart, outputStart + count);
    return;
  }
  if (bitWidth > 24) {
    unpackWideBits(bytes, start, bitWidth, output, outputStart, count);
    return;
  }
  const mask = 2 ** bitWidth - 1;
  let offset = start;
  let buffer = 0;
  let bits = 0;
  for (let i = 0; i < count; i += 1) {
    while (bits < bitWidth) {
      buffer |= (bytes[offset] as number) << bits;
      offset += 1;
      bits += 8;
    }
    output[outputStart + i] = buffer & mask;
    buffer >>>= bitWidth;
    bits -= bitWidth;
  }
}

/** Widths that do not fit a 32-bit buffer together with a started byte; dictionaries this large are rare. */
function unpackWideBits(
  bytes: Uint8Array,
  start: number,
  bitWidth: number,
  output: Uint8Array | Uint32Array,
  outputStart: number,
  count: number,
): void {
  for (let i = 0; i < count; i += 1) {
    let value = 0;
    for (let bit = 0; bit < bitWidth; bit += 1) {
      const position = i * bitWidth + bit;
      const set = ((bytes[start + (position >> 3)] as number) >> (position & 7)) & 1;
      value += set * 2 ** bit;
    }
    output[outputStart + i] = value;
  }
}
