/**
 * A column of one row group as Arrow-shaped buffers: what crosses to the worker. Every buffer has an
 * ArrayBuffer of its own: they are transferred, and apache-arrow 21 loses bytes when neighbouring
 * buffers of a message share one (`collapseContiguousByteRanges` in its `util/buffer`).
 */
export interface FlatColumn {
  readonly length: number;
  readonly nullCount: number;
  /** Bitmap, least significant bit first, 1 = present; absent when there are no nulls. */
  readonly validity: Uint8Array | undefined;
  readonly data: FlatData;
}

/** The buffers behind the validity bitmap, by layout. */
export type FlatData =
  | { readonly kind: 'values'; readonly values: BigInt64Array | Int32Array | Float32Array | Float64Array }
  /** Booleans as a bitmap. */
  | { readonly kind: 'bits'; readonly bits: Uint8Array }
  /** `fixed[N]`, N bytes a value; null slots are zero. */
  | { readonly kind: 'fixed'; readonly bytes: Uint8Array }
  /** Strings (UTF-8) and binary: value i is bytes[offsets[i], offsets[i+1]). */
  | { readonly kind: 'varlen'; readonly offsets: Int32Array; readonly bytes: Uint8Array }
  /** Maps: row i has the entries [offsets[i], offsets[i+1]) of keys and values. */
  | {
      readonly kind: 'map';
      readonly offsets: Int32Array;
      readonly keys: FlatColumn;
      readonly values: FlatColumn;
    };

/** True when row `index` holds a value. */
export function isValid(validity: Uint8Array | undefined, index: number): boolean {
  return validity === undefined || ((validity[index >> 3] as number) & (1 << (index & 7))) !== 0;
}

/** The ArrayBuffers of a column, for the transfer list of `postMessage`. */
export function transferables(columns: readonly FlatColumn[]): ArrayBuffer[] {
  const buffers: ArrayBuffer[] = [];
  const visit = (column: FlatColumn): void => {
    if (column.validity !== undefined) buffers.push(column.validity.buffer as ArrayBuffer);
    const { data } = column;
    if (data.kind === 'values') buffers.push(data.values.buffer as ArrayBuffer);
    else if (data.kind === 'bits') buffers.push(data.bits.buffer as ArrayBuffer);
    else if (data.kind === 'fixed') buffers.push(data.bytes.buffer as ArrayBuffer);
    else {
      buffers.push(data.offsets.buffer as ArrayBuffer);
      if (data.kind === 'varlen') buffers.push(data.bytes.buffer as ArrayBuffer);
      else {
        visit(data.keys);
        visit(data.values);
      }
    }
  };
  columns.forEach(visit);
  return buffers;
}
