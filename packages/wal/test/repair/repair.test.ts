import { basename } from 'node:path';
import { expect, test } from 'vitest';
import * as wal from '../../src/index.ts';
import type { SimDisk } from '../../src/testing/index.ts';
import {
  changed,
  DIR,
  diskOf,
  type Files,
  filesOf,
  makeSpecimen,
  offsets,
  options,
  repairAndCheck,
  repairFlips,
  repairInterrupted,
  repairWholeFiles,
  STATE,
  VERSION,
  verdictOfLooking,
  verdictOfOpening,
} from './repair-driver.ts';

test('a flipped bit anywhere in a killed log: after the repair exactly the frame it hit is gone', async () => {
  const counts = await repairFlips(wal, false);
  expect(counts['damaged']).toBeGreaterThan(1000);
  expect(counts['torn']).toBeGreaterThan(50);
}, 120_000);

test('the same in a log that was closed properly, where the last frame counts too', async () => {
  expect(Object.keys(await repairFlips(wal, true))).toEqual(['damaged']);
}, 120_000);

test('each segment cut off at every byte: what is lost is exactly what was in the frames cut', async () => {
  for (const closed of [true, false]) {
    const specimen = await makeSpecimen(wal, closed);
    for (const path of specimen.segments) {
      const bytes = specimen.files.get(path)!;
      for (let at = 0; at < bytes.length; at++) {
        const files = changed(specimen.files, [[path, bytes.subarray(0, at)]]);
        const verdict = await verdictOfOpening(wal, files);
        expect([path, at, await verdictOfLooking(wal, files)]).toEqual([path, at, verdict]);
        if (verdict !== 'damaged') continue;
        const { lost, nextOffset } = await repairAndCheck(wal, specimen, diskOf(files), files);
        const whole = specimen.frames.filter((f) => f.path === path && f.endByteExclusive > at);
        // A header that is gone cannot prove the frames: but then none is left.
        expect([path, at, lost]).toEqual([path, at, offsets(whole)]);
        if (path !== specimen.segments.at(-1) || closed) expect(nextOffset).toBe(specimen.nextOffset);
      }
    }
  }
}, 120_000);

test('segments missing, swapped, foreign or duplicated, and lost state and VERSION are repaired', () =>
  repairWholeFiles(wal));

test('a repair interrupted at every operation, and run again, ends as if it had never been interrupted', async () => {
  expect(await repairInterrupted(wal)).toBeGreaterThan(500);
}, 120_000);

test('what proves too little is refused with a sentence, and nothing is changed', async () => {
  const specimen = await makeSpecimen(wal, true);
  const other = await makeSpecimen(wal, true, 2);
  const wiped = specimen.segments.map((path) => [path, Buffer.alloc(50)] as const);
  const cases: [string, Files][] = [
    ['state of another log', changed(specimen.files, [[STATE, other.files.get(STATE)]])],
    ['no state and no header', changed(specimen.files, [...wiped, [STATE, undefined]])],
    ['no VERSION and no header', changed(specimen.files, [...wiped, [VERSION, undefined]])],
  ];
  for (const [name, files] of cases) {
    const disk = diskOf(files);
    const error = await wal.repairWal(DIR, { ...options(disk), apply: true }).catch((e: unknown) => e);
    expect([name, wal.WalError.is(error) && error.code, filesOf(disk)]).toEqual([name, 'WAL_CORRUPT', files]);
  }
});

test('a VERSION of the future is refused, not rewritten', async () => {
  const specimen = await makeSpecimen(wal, true);
  const disk = diskOf(changed(specimen.files, [[VERSION, Buffer.from('danube-wal 2\n')]]));
  await expect(wal.repairWal(DIR, { ...options(disk), apply: true })).rejects.toMatchObject({
    code: 'WAL_VERSION_UNSUPPORTED',
  });
});

test('a torn tail alone is nothing to repair: it is left to opening', async () => {
  const specimen = await makeSpecimen(wal, false);
  const path = specimen.segments.at(-1)!;
  const files = changed(specimen.files, [[path, specimen.files.get(path)!.subarray(0, -5)]]);
  expect(await verdictOfLooking(wal, files)).toBe('torn');
  const disk = diskOf(files);
  expect(await wal.repairWal(DIR, { ...options(disk), apply: true })).toMatchObject({ needed: false });
  expect(filesOf(disk)).toEqual(files);
});

test('a damaged end behind proven damage becomes a gap too: its offsets were given out', async () => {
  const specimen = await makeSpecimen(wal, false, 1, 100_000);
  const path = specimen.segments[0]!;
  const { frames } = specimen;
  const bytes = Buffer.from(specimen.files.get(path)!);
  bytes[frames[0]!.startByte + 30]! ^= 1;
  bytes.fill(0, frames.at(-1)!.startByte);
  const files = changed(specimen.files, [[path, bytes]]);
  const { lost, gaps } = await repairAndCheck(wal, specimen, diskOf(files), files);
  expect(lost).toEqual(offsets([frames[0]!, frames.at(-1)!]));
  expect(gaps.at(-1)!.firstOffset).toBe(frames.at(-1)!.firstOffset);
});

test('damage in a gap, or on top of a repair, is damage again, and repaired again', async () => {
  const specimen = await makeSpecimen(wal, true);
  const path = specimen.segments[1]!;
  const bytes = Buffer.from(specimen.files.get(path)!);
  bytes[90]! ^= 1;
  const files = changed(specimen.files, [[path, bytes]]);
  const disk = diskOf(files);
  await wal.repairWal(DIR, { ...options(disk), apply: true });
  const repaired = filesOf(disk);
  const gapAt = 80;
  for (let byte = gapAt; byte < gapAt + 48; byte++) {
    const again = Buffer.from(repaired.get(path)!);
    again[byte]! ^= 1 << (byte % 8);
    const twice = changed(repaired, [[path, again]]);
    expect(await verdictOfOpening(wal, twice)).toBe('damaged');
    const { gaps } = await repairAndCheck(wal, specimen, diskOf(twice), twice);
    const { firstOffset, nextOffset } = specimen.frames.find((f) => f.path === path)!;
    expect(gaps).toEqual([{ firstOffset, nextOffset }]);
    expect(
      diskOf(twice)
        .paths()
        .filter((p) => basename(p).includes('.damaged-')).length,
    ).toBe(1);
  }
});

test('a state file lost twice in a row never gives an epoch twice', async () => {
  const specimen = await makeSpecimen(wal, true);
  const disk = diskOf(specimen.files);
  const epochs = [specimen.epoch];
  for (let i = 0; i < 3; i++) {
    disk.plant(STATE, Buffer.alloc(8192, i));
    const report = await wal.repairWal(DIR, { ...options(disk), apply: true });
    const log = await wal.openWal({ dir: DIR, fs: disk.mount() });
    expect(log.epoch).toBe(report.rebuiltEpoch! + 1);
    epochs.push(log.epoch);
    await log.close();
  }
  expect(epochs).toEqual([...epochs].sort((a, b) => a - b));
  expect(new Set(epochs).size).toBe(4);
});

test('a repair of a log that is open is refused; only looking needs no lock', async () => {
  const specimen = await makeSpecimen(wal, true);
  const disk = diskOf(specimen.files);
  const log = await wal.openWal({ dir: DIR, fs: disk.mount() });
  await expect(wal.repairWal(DIR, { ...options(disk), apply: true })).rejects.toMatchObject({
    code: 'WAL_LOCKED',
  });
  expect((await wal.inspectWal(DIR, { fs: disk.mount() })).verdict).toBe('sound');
  await log.close();
});

test('a gap of more than a frame can count is written as several and read as one range', async () => {
  // Only the offsets matter: a last segment whose first offset is far away.
  const specimen = await makeSpecimen(wal, true);
  const state = Buffer.from(specimen.files.get(STATE)!);
  const far = 3 * 2 ** 32 + 5;
  const { crc32 } = await import('node:zlib');
  for (const at of [0, 512, 4096, 4608]) {
    state.writeBigUInt64LE(BigInt(far), at + 72);
    state.writeUInt32LE(crc32(state.subarray(at + 12, at + 88)), at + 8);
  }
  const files = changed(specimen.files, [[STATE, state]]);
  const disk = diskOf(files);
  await wal.repairWal(DIR, { ...options(disk), apply: true });
  const log = await wal.openWal({ dir: DIR, fs: disk.mount() });
  expect(log.nextOffset).toBe(far);
  expect(log.recovery.gaps).toEqual([{ firstOffset: specimen.nextOffset, nextOffset: far }]);
  await log.close();
});

const nameOf = (offset: number) => `${DIR}/${String(offset).padStart(20, '0')}.wal`;

/** A log of small records on a disk of its own; `life` appends and closes, or is killed. */
function smallLog(firstMaxFileSizeBytes: number, payloadBytes: number) {
  const disk = diskOf(new Map());
  let next = 0;
  const life = async (
    count: number,
    end: 'close' | 'kill',
    { maxFileSizeBytes = firstMaxFileSizeBytes, truncateBefore = 0 } = {},
  ) => {
    const log = await wal.openWal({ dir: DIR, fs: disk.mount(), maxFileSizeBytes, preallocateBytes: 0 });
    for (let i = 0; i < count; i++)
      await log.append({ type: 1, payload: Buffer.from(`${next++}`.padEnd(payloadBytes, '*')) });
    if (truncateBefore > 0) await log.truncateBefore(truncateBefore);
    if (end === 'close') await log.close();
    else disk.kill();
  };
  const change = (changes: Iterable<readonly [string, Buffer | undefined]>) =>
    diskOf(changed(filesOf(disk), changes));
  return { disk, life, change };
}

/** The records of a log, by offset, over all gaps. */
async function recordsOf(disk: SimDisk): Promise<{ texts: Map<number, string>; nextOffset: number }> {
  const log = await wal.openWal({ dir: DIR, fs: disk.mount() });
  const texts = new Map<number, string>();
  for await (const batch of log.read({ from: log.firstOffset, onGap: () => {} }))
    for (const { offset, payload } of batch) texts.set(offset, Buffer.from(payload).toString());
  const { nextOffset } = log;
  await log.close();
  return { texts, nextOffset };
}

test('an old copy in place of the last segment proves nothing about where the log ended', async () => {
  for (const copy of [`${nameOf(15)}.damaged-2`, `${nameOf(10)}.damaged-2`, nameOf(900)]) {
    const { disk, life, change } = smallLog(600, 1);
    await life(20, 'close');
    const old = filesOf(disk).get(nameOf(15))!;
    await life(50, 'kill', { maxFileSizeBytes: 100_000 });
    const damaged = change([
      [nameOf(15), undefined],
      [copy, old],
    ]);
    const report = await wal.repairWal(DIR, { ...options(damaged), apply: true });
    const { texts, nextOffset } = await recordsOf(damaged);
    expect([copy, texts.size]).toEqual([copy, 20]);
    expect(nextOffset).toBeGreaterThan(70);
    expect(report.gaps.at(-1)!.nextOffset).toBe(nextOffset);
  }
});

test('a segment under a name below the log is the segment still: opening leaves it, a repair puts it back', async () => {
  const { disk, life, change } = smallLog(600, 1);
  await life(20, 'kill', { truncateBefore: 10 });
  const live = filesOf(disk).get(nameOf(15))!;
  const damaged = change([
    [nameOf(15), undefined],
    [nameOf(3), live],
  ]);
  await expect(wal.openWal({ dir: DIR, fs: damaged.mount() })).rejects.toMatchObject({ code: 'WAL_CORRUPT' });
  const report = await wal.repairWal(DIR, { ...options(damaged), apply: true });
  expect(report.actions.map(({ file, action }) => [action, basename(file)])).toEqual([
    ['create', basename(nameOf(15))],
    ['create', expect.stringMatching(/wal$/)],
    ['set aside', basename(nameOf(3))],
  ]);
  expect((await recordsOf(damaged)).texts.get(19)).toBe('19');
});

test('opening deletes below the log only what its own header says was truncated', async () => {
  const { disk, life, change } = smallLog(600, 1);
  await life(20, 'close');
  const before = filesOf(disk);
  await life(0, 'close', { truncateBefore: 10 });
  const damagedHeader = Buffer.from(before.get(nameOf(5))!);
  damagedHeader[20]! ^= 1;
  const log = change([
    [nameOf(0), before.get(nameOf(0))],
    [nameOf(3), before.get(nameOf(15))],
    [nameOf(5), damagedHeader],
    [nameOf(7), Buffer.from('junk')],
  ]);
  const { texts } = await recordsOf(log);
  expect([...texts.keys()]).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  const left = log.paths().filter((path) => path.endsWith('.wal'));
  expect(left).toEqual([3, 5, 7, 10, 15].map(nameOf));
  expect((await wal.inspectWal(DIR, { fs: log.mount() })).verdict).toBe('sound');
});

test('an unreadable file takes the place that leaves an offset for each missing segment before and behind it', async () => {
  for (const missing of [1, 2, 3, 4]) {
    for (const unreadable of [1, 2, 3, 4]) {
      if (missing === unreadable) continue;
      const { disk, life, change } = smallLog(256, 100);
      await life(6, 'close');
      expect([...filesOf(disk).keys()].filter((path) => path.endsWith('.wal')).length).toBe(6);
      const wiped = Buffer.from(filesOf(disk).get(nameOf(unreadable))!);
      wiped.fill(0, 0, 150);
      const damaged = change([
        [nameOf(missing), undefined],
        [nameOf(unreadable), wiped],
      ]);
      const { gaps } = await wal.repairWal(DIR, { ...options(damaged), apply: true });
      const { texts, nextOffset } = await recordsOf(damaged);
      const lost = [missing, unreadable].sort();
      expect([...texts.keys(), nextOffset]).toEqual([0, 1, 2, 3, 4, 5, 6].filter((o) => !lost.includes(o)));
      expect(gaps.reduce((sum, gap) => sum + gap.nextOffset - gap.firstOffset, 0)).toBe(2);
    }
  }
});

test('a file misnamed and with a damaged header is put where its first frame says', async () => {
  const { disk, life, change } = smallLog(600, 1);
  await life(20, 'close');
  const bytes = Buffer.from(filesOf(disk).get(nameOf(5))!);
  bytes[20]! ^= 1;
  for (const name of [2, 7, 12, 900].map(nameOf)) {
    const damaged = change([
      [nameOf(5), undefined],
      [name, bytes],
    ]);
    const { gaps } = await wal.repairWal(DIR, { ...options(damaged), apply: true });
    const { texts, nextOffset } = await recordsOf(damaged);
    expect([name, gaps, texts.size, nextOffset]).toEqual([name, [], 20, 20]);
  }
});

test('the damaged last segment under its own name goes before a whole but older copy of it', async () => {
  const { disk, life, change } = smallLog(600, 1);
  await life(20, 'close');
  const old = filesOf(disk).get(nameOf(15))!;
  await life(50, 'kill', { maxFileSizeBytes: 100_000 });
  const bytes = Buffer.from(filesOf(disk).get(nameOf(15))!);
  bytes[20]! ^= 1;
  const damaged = change([
    [nameOf(15), bytes],
    [nameOf(900), old],
  ]);
  await wal.repairWal(DIR, { ...options(damaged), apply: true });
  expect((await recordsOf(damaged)).texts.size).toBe(70);
});

test('a file that happens to have the name of the segment that a repair adds is kept', async () => {
  const specimen = await makeSpecimen(wal, true);
  const path = specimen.segments.at(-1)!;
  const other = await makeSpecimen(wal, true, 2);
  const foreign = other.files.get(other.segments[1]!);
  const files = changed(specimen.files, [
    [path, undefined],
    [nameOf(specimen.nextOffset), foreign],
  ]);
  await repairAndCheck(wal, specimen, diskOf(files), files);
});

test('an older state file put back is damage, and lost for the repair: no epoch is given twice', async () => {
  for (const truncateBefore of [0, 10, 15]) {
    const { disk, life, change } = smallLog(600, 1);
    await life(5, 'close');
    const old = filesOf(disk).get(STATE)!;
    await life(15, 'close');
    // The state before the last opening that wrote a frame is older than that frame.
    await life(1, 'kill', { truncateBefore, maxFileSizeBytes: 100_000 });
    const damaged = change([[STATE, old]]);
    const files = filesOf(damaged);
    expect(await verdictOfLooking(wal, files)).toBe('damaged');
    expect(await verdictOfOpening(wal, files)).toBe('damaged');
    const { damage } = await wal.inspectWal(DIR, { fs: damaged.mount() });
    expect(damage[0]).toMatchObject({ file: 'state', reason: 'older than the segments' });
    const report = await wal.repairWal(DIR, { ...options(damaged), apply: true });
    expect(report).toMatchObject({ rebuiltEpoch: 3 + 1024, gaps: [] });
    expect(filesOf(damaged).get(`${STATE}.damaged-4`)).toEqual(old);
    const { texts, nextOffset } = await recordsOf(damaged);
    expect([truncateBefore, texts.size, nextOffset]).toEqual([truncateBefore, 21 - truncateBefore, 21]);
  }
});

test('a frame of the opening that an unreadable slot of the state may have held is no damage', async () => {
  const { disk, life } = smallLog(600, 1);
  await life(5, 'kill');
  for (const slot of [0, 4096]) {
    const state = Buffer.from(filesOf(disk).get(STATE)!);
    state.fill(0, slot, slot + 4096);
    expect(await verdictOfLooking(wal, changed(filesOf(disk), [[STATE, state]]))).toBe('sound');
  }
});

test('a segment that ends early at the end of a frame is named, not the one behind it', async () => {
  const specimen = await makeSpecimen(wal, true);
  const [path, next] = specimen.segments;
  const bytes = specimen.files.get(path!)!;
  const last = specimen.frames.filter((frame) => frame.path === path).at(-1)!;
  const unused = Buffer.from(bytes).fill('~filler~', last.startByte);
  for (const shorter of [bytes.subarray(0, last.startByte), unused]) {
    const files = changed(specimen.files, [[path!, shorter]]);
    expect(await verdictOfLooking(wal, files)).toBe('damaged');
    const { damage, segments } = await wal.inspectWal(DIR, { fs: diskOf(files).mount() });
    expect(damage).toEqual([
      {
        file: basename(path!),
        startByte: last.startByte,
        endByteExclusive: shorter.length,
        firstOffset: last.firstOffset,
        resumesAtOffset: last.nextOffset,
        reason: expect.stringContaining(`missing before ${basename(next!)}`),
      },
    ]);
    expect(segments.every(({ readable, records }) => readable && records > 0)).toBe(true);
  }
});

test('two kinds of damage to two files at once: repaired without a lost promise, or refused without a change', async () => {
  let repaired = 0;
  const refused: string[] = [];
  for (const closed of [true, false]) {
    const specimen = await makeSpecimen(wal, closed);
    const { segments } = specimen;
    const last = segments.length - 1;
    const content = (path: string) => specimen.files.get(path)!;
    const flipped = (path: string, byte: number) => {
      const bytes = Buffer.from(content(path));
      bytes[byte]! ^= 1;
      return bytes;
    };
    type Changes = [string, Buffer | undefined][];
    const kinds: Record<string, (path: string) => Changes> = {
      missing: (path) => [[path, undefined]],
      zeros: (path) => [[path, Buffer.alloc(content(path).length)]],
      'no header': (path) => [[path, flipped(path, 20)]],
      'no first frame': (path) => [[path, flipped(path, 90)]],
      'no header, no first frame': (path) => [[path, Buffer.from(content(path)).fill(0, 0, 150)]],
      short: (path) => [[path, content(path).subarray(0, -60)]],
      'under a lower name': (path) => [
        [path, undefined],
        [nameOf(1), content(path)],
      ],
      'under a higher name, no header': (path) => [
        [path, undefined],
        [nameOf(901), flipped(path, 20)],
      ],
      'in place of the last': (path) => [
        [path, content(segments[last]!)],
        [segments[last]!, content(path)],
      ],
      'state wiped': () => [[STATE, Buffer.alloc(8192)]],
      'state put back': () => [[STATE, specimen.earlierState]],
    };
    const framesHit = (kind: string, path: string) =>
      specimen.frames.filter((frame) => {
        if (frame.path !== path) return false;
        if (kind === 'missing' || kind === 'zeros') return true;
        if (kind === 'short') return frame.endByteExclusive > content(path).length - 60;
        return /no first frame/.test(kind) && frame.startByte < (kind === 'no first frame' ? 81 : 150);
      });
    for (const [one, damageOne] of Object.entries(kinds)) {
      for (const [two, damageTwo] of Object.entries(kinds)) {
        for (const first of segments) {
          for (const second of segments) {
            if (first === second) continue;
            // A torn tail cannot be told from damage there, nor, without the state, that the last segment is missing.
            const toLast = first === segments[last] ? one : second === segments[last] ? two : '';
            const unprovable = /^(short|no first frame)$/.test(toLast) || toLast === 'missing';
            if (unprovable && (/state/.test(one + two) || (!closed && toLast !== 'missing'))) continue;
            const what = `${closed}: ${basename(first)} ${one}, ${basename(second)} ${two}`;
            const files = changed(specimen.files, [...damageOne(first), ...damageTwo(second)]);
            if ((await verdictOfOpening(wal, files)) !== 'damaged') continue;
            const disk = diskOf(files);
            const error = await repairAndCheck(wal, specimen, disk, files).then(
              ({ lost }) => {
                // One of the two changes may have overwritten what the other left.
                if (one === two || /in place/.test(one + two)) return;
                const hit = [...framesHit(one, first), ...framesHit(two, second)];
                expect([what, lost]).toEqual([what, offsets(hit).sort((a, b) => a - b)]);
              },
              (e: Error) => e,
            );
            if (!error) repaired++;
            else if (wal.WalError.is(error) && error.message.endsWith('Nothing was changed.')) {
              refused.push(what);
              expect(filesOf(disk)).toEqual(files);
            } else throw new Error(`${what}: ${error.message}`, { cause: error });
          }
        }
      }
    }
  }
  expect(refused).toEqual([]);
  expect(repaired).toBeGreaterThan(1000);
}, 120_000);
