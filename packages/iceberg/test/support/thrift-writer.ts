/** A field of a Thrift struct: number, kind, value. */
export type ThriftField =
  | readonly [id: number, kind: 'i32' | 'i64', value: number]
  | readonly [id: number, kind: 'text', value: string]
  | readonly [id: number, kind: 'bytes', value: Uint8Array]
  | readonly [id: number, kind: 'struct', value: readonly ThriftField[]]
  | readonly [id: number, kind: 'structs', value: readonly (readonly ThriftField[])[]]
  | readonly [id: number, kind: 'i32s', value: readonly number[]]
  | readonly [id: number, kind: 'i64s', value: readonly number[]]
  | readonly [id: number, kind: 'flags', value: readonly boolean[]]
  | readonly [id: number, kind: 'texts', value: readonly string[]];

const typeCodes = {
  i32: 5,
  i64: 6,
  text: 8,
  bytes: 8,
  struct: 12,
  structs: 9,
  i32s: 9,
  i64s: 9,
  flags: 9,
  texts: 9,
};

/** Encodes a struct in Thrift's compact protocol; fields in ascending order. */
export function thriftStruct(fields: readonly ThriftField[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let last = 0;
  for (const field of fields) {
    const [id, kind] = field;
    const delta = id - last;
    if (delta < 1 || delta > 15) throw new Error(`field ${id} after ${last}`);
    parts.push(Uint8Array.of((delta << 4) | typeCodes[kind]), encodeValue(field));
    last = id;
  }
  return Buffer.concat([...parts, Uint8Array.of(0)]);
}

function encodeValue([, kind, value]: ThriftField): Uint8Array {
  switch (kind) {
    case 'i32':
    case 'i64':
      return zigzag(value);
    case 'text':
      return binary(Buffer.from(value, 'utf8'));
    case 'bytes':
      return binary(value);
    case 'struct':
      return thriftStruct(value);
    case 'structs':
      return list(12, value.map(thriftStruct));
    case 'i32s':
      return list(5, value.map(zigzag));
    case 'i64s':
      return list(6, value.map(zigzag));
    case 'flags':
      return list(
        1,
        value.map((flag) => Uint8Array.of(flag ? 1 : 2)),
      );
    case 'texts':
      return list(
        8,
        value.map((text) => binary(Buffer.from(text, 'utf8'))),
      );
  }
}

function list(elementType: number, elements: readonly Uint8Array[]): Uint8Array {
  const header =
    elements.length < 15
      ? Uint8Array.of((elements.length << 4) | elementType)
      : Buffer.concat([Uint8Array.of(0xf0 | elementType), varint(elements.length)]);
  return Buffer.concat([header, ...elements]);
}

function binary(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([varint(bytes.length), bytes]);
}

/** Small numbers only: offsets and counts of test files. */
function zigzag(value: number): Uint8Array {
  return varint(value >= 0 ? value * 2 : -value * 2 - 1);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) {
      bytes.push(rest);
      return Uint8Array.from(bytes);
    }
    bytes.push((rest % 128) | 0x80);
  }
}
