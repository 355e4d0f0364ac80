import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeHybrid } from './parquet-hybrid.ts';

type Run = { readonly repeated: number; readonly count: number } | { readonly packed: readonly number[] };

/** Encodes runs as the format describes them, in the plainest way: the judge of the decoder. */
function encode(runs: readonly Run[], bitWidth: number): Uint8Array {
  const bytes: number[] = [];
  const varint = (value: number) => {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
    bytes.push(rest);
  };
  for (const run of runs) {
    if ('packed' in run) {
      varint((run.packed.length / 8) * 2 + 1);
      const bits = run.packed.flatMap((value) =>
        Array.from({ length: bitWidth }, (_, bit) => Math.floor(value / 2 ** bit) % 2),
      );
      for (let i = 0; i < bits.length; i += 8) {
        bytes.push(bits.slice(i, i + 8).reduce((byte, bit, position) => byte + bit * 2 ** position, 0));
      }
    } else {
      varint(run.count * 2);
      for (let i = 0; i < Math.ceil(bitWidth / 8); i += 1)
        bytes.push(Math.floor(run.repeated / 256 ** i) % 256);
    }
  }
  return Uint8Array.from(bytes);
}

const arbitraryRuns = fc.integer({ min: 0, max: 32 }).chain((bitWidth) => {
  const value = fc.integer({ min: 0, max: 2 ** bitWidth - 1 });
  const repeated = fc.record({ repeated: value, count: fc.integer({ min: 0, max: 300 }) });
  const packed = fc
    .integer({ min: 0, max: 4 })
    .chain((groups) => fc.array(value, { minLength: groups * 8, maxLength: groups * 8 }))
    .map((values) => ({ packed: values }));
  return fc.tuple(fc.constant(bitWidth), fc.array(fc.oneof(repeated, packed), { maxLength: 6 }));
});

const valuesOf = (runs: readonly Run[]) =>
  runs.flatMap((run) => ('packed' in run ? run.packed : new Array<number>(run.count).fill(run.repeated)));

test('gives back what was encoded, at every bit width', () => {
  fc.assert(
    fc.property(arbitraryRuns, ([bitWidth, runs]) => {
      const values = valuesOf(runs);
      const bytes = encode(runs, bitWidth);
      const output = new Uint32Array(values.length);
      decodeHybrid(bytes, 0, bytes.length, bitWidth, output);
      expect([...output]).toEqual(values);
    }),
  );
});

test('stops at the end of its output when the last run is longer', () => {
  const bytes = encode([{ repeated: 1, count: 2 ** 30 }], 1);
  const output = new Uint8Array(3);
  decodeHybrid(bytes, 0, bytes.length, 1, output);
  expect([...output]).toEqual([1, 1, 1]);
});

test('runs that end too soon are an error, wherever they are cut', () => {
  fc.assert(
    fc.property(arbitraryRuns, fc.nat(), ([bitWidth, runs], where) => {
      const values = valuesOf(runs);
      const bytes = encode(runs, bitWidth);
      fc.pre(values.length > 0 && bytes.length > 0);
      const end = where % bytes.length;
      const output = new Uint32Array(values.length + 8);
      expect(() => decodeHybrid(bytes, 0, end, bitWidth, output)).toThrow();
    }),
  );
});

test('any bytes decode or fail, and fail is quick', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 0, max: 255 }), (bytes, bitWidth) => {
      const output = new Uint32Array(1000);
      try {
        decodeHybrid(bytes, 0, bytes.length, bitWidth, output);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }),
  );
});
