import { expect, test } from 'vitest';
import * as wal from '../../src/index.ts';
import { SimDisk } from '../../src/testing/index.ts';
import { bitFlips, damaged, examine, flipBits, makeSpecimen, type Specimen } from './damage-driver.ts';

test('every single-bit flip in the segments of a killed log is classified, none yields a wrong record', async () => {
  const counts = await flipBits(wal, false, true);
  expect(counts.WAL_CORRUPT).toBeGreaterThan(10_000);
  expect(counts.torn).toBeGreaterThan(500); // only in the very last frame: flipBits checks where
});

test('after a proper close even the last frame cannot pass for torn: a flip in any byte is corruption', async () => {
  expect(Object.keys(await flipBits(wal, true, false))).toEqual(['WAL_CORRUPT']);
});

test('every single-bit flip in the state file is survived by its copies', async () => {
  const specimen = await makeSpecimen(wal, true);
  const path = '/sim/log/state';
  const bytes = specimen.files.get(path)!;
  for (const flip of bitFlips(bytes)) {
    // All of both copies of the first slot; of the rest a sample.
    const inFirstSlot = flip.byte < 1024 && flip.byte % 512 < 88;
    if (!inFirstSlot && (flip.bit !== 3 || flip.byte % 8 !== 0)) continue;
    expect(await examine(wal, specimen, damaged(specimen, [[path, flip.bytes]]))).toMatchObject({
      outcome: 'whole',
    });
  }
});

test('with either slot of the state file wiped the log opens whole, and skips the epoch the slot may have held', async () => {
  for (const closed of [true, false]) {
    const specimen = await makeSpecimen(wal, closed);
    const path = '/sim/log/state';
    for (const slot of [0, 4096]) {
      const bytes = Buffer.from(specimen.files.get(path)!);
      bytes.fill(0, slot, slot + 4096);
      const files = damaged(specimen, [[path, bytes]]);
      expect(await examine(wal, specimen, files)).toMatchObject({ outcome: 'whole' });
      const disk = new SimDisk({ seed: 1 });
      for (const [name, contents] of files) disk.plant(name, contents);
      const log = await wal.openWal({ dir: '/sim/log', fs: disk.mount() });
      expect(log.epoch).toBe(3);
      await log.close();
    }
  }
});

test('every single-bit flip in VERSION is refused', async () => {
  const specimen = await makeSpecimen(wal, true);
  const path = '/sim/log/VERSION';
  for (const { bytes } of bitFlips(specimen.files.get(path)!)) {
    const { outcome } = await examine(wal, specimen, damaged(specimen, [[path, bytes]]));
    expect(['WAL_CORRUPT', 'WAL_VERSION_UNSUPPORTED']).toContain(outcome);
  }
});

/** Offset of the first record of the last segment: everything below was durable when it was made. */
const sealedEnd = (specimen: Specimen) => Number(/(\d{20})\.wal$/.exec(specimen.segments.at(-1)!)![1]);

test.each([
  ['cut off', (bytes: Buffer, at: number) => bytes.subarray(0, at)],
  [
    'zero-filled',
    (bytes: Buffer, at: number) => Buffer.concat([bytes.subarray(0, at), Buffer.alloc(bytes.length - at)]),
  ],
])(
  'each file %s at every byte: corruption, except behind the sealed segments of a killed log',
  async (_, cut) => {
    for (const closed of [true, false]) {
      const specimen = await makeSpecimen(wal, closed);
      for (const path of specimen.segments) {
        const bytes = specimen.files.get(path)!;
        for (let at = 0; at < bytes.length; at++) {
          const changed = cut(bytes, at);
          if (changed.equals(bytes)) continue;
          const { outcome, records } = await examine(wal, specimen, damaged(specimen, [[path, changed]]));
          const mayTear = !closed && path === specimen.segments.at(-1) && at >= 80;
          expect([path, at, outcome]).toEqual([path, at, mayTear ? 'torn' : 'WAL_CORRUPT']);
          if (outcome === 'torn') expect(records).toBeGreaterThanOrEqual(sealedEnd(specimen));
        }
      }
    }
  },
);

test('segments missing, duplicated, swapped, from another log or an older life are refused', async () => {
  for (const closed of [true, false]) {
    const specimen = await makeSpecimen(wal, closed);
    const other = await makeSpecimen(wal, closed, 2);
    const paths = specimen.segments;
    const content = (i: number) => specimen.files.get(paths[i]!)!;
    const cases: [string, (readonly [string, Buffer | undefined])[]][] = [
      ...paths.map(
        (path) => [`missing ${path}`, [[path, undefined]]] satisfies [string, [string, undefined][]],
      ),
      ['all missing', paths.map((path) => [path, undefined] as const)],
      ['state missing', [['/sim/log/state', undefined]]],
      ['VERSION missing', [['/sim/log/VERSION', undefined]]],
      [
        'swapped',
        [
          [paths[0]!, content(1)],
          [paths[1]!, content(0)],
        ],
      ],
      [
        'last swapped',
        [
          [paths[1]!, content(2)],
          [paths[2]!, content(1)],
        ],
      ],
      ['duplicated under a later name', [['/sim/log/00000000000000000999.wal', content(2)]]],
      ['duplicated over the next', [[paths[2]!, content(1)]]],
      ['foreign', [[paths[1]!, other.files.get(other.segments[1]!)!]]],
      ['foreign last', [[paths[2]!, other.files.get(other.segments[2]!)!]]],
      ['foreign state', [['/sim/log/state', other.files.get('/sim/log/state')!]]],
      ['empty file', [[paths[1]!, Buffer.alloc(0)]]],
    ];
    for (const [name, changes] of cases) {
      const { outcome } = await examine(wal, specimen, damaged(specimen, changes));
      expect([name, outcome]).toEqual([name, 'WAL_CORRUPT']);
    }
  }
});

test('bytes of a closed log cut out, repeated or spliced in never go unnoticed', async () => {
  const specimen = await makeSpecimen(wal, true);
  for (const path of specimen.segments) {
    const bytes = specimen.files.get(path)!;
    for (let at = 80; at < bytes.length; at += 8) {
      for (const length of [1, 8, 48, 128]) {
        const piece = bytes.subarray(at, at + length);
        const out = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
        const twice = Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
        // Repeating the last bytes of the log leaves every record whole and junk behind it.
        const onlyJunk = path === specimen.segments.at(-1) && at + length >= bytes.length;
        for (const changed of [out, twice]) {
          const { outcome } = await examine(wal, specimen, damaged(specimen, [[path, changed]]));
          const expected = onlyJunk && changed === twice ? 'whole' : 'WAL_CORRUPT';
          expect([path, at, length, outcome]).toEqual([path, at, length, expected]);
        }
      }
    }
  }
});
