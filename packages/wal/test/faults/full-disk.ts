import { ok, strictEqual } from 'node:assert/strict';
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { openWal as openSoundWal, WalError } from '../../src/index.ts';
import { Random } from '../../src/testing/index.ts';
import { payloadText } from './payload.ts';

/**
 * Child process of the full disk tests: fills the small disk it is given, and throws when a promise is broken.
 * Arguments: URL of the package's source, directory, sync mode, scenario, seed. Prints what it did as JSON.
 */
const [module = '', disk = '', mode = 'always', scenario = '', seed = '1'] = process.argv.slice(2);
const { openWal } = (await import(module)) as typeof import('../../src/index.ts');
type Wal = Awaited<ReturnType<typeof openWal>>;

const random = new Random(Number(seed));
const dir = join(disk, 'log');
const ballast = join(disk, 'ballast');
const counts = { acked: 0, refused: 0, rotations: 0 };
/** By offset: what was acknowledged there. */
const acked = new Map<number, string>();
/** Texts that were refused; they must never be seen. */
const refused = new Set<string>();
let number = 0;

const open = () =>
  openWal({
    dir,
    sync: mode === 'periodic' ? { kind: mode, intervalMs: 2 } : { kind: mode as 'always' | 'none' },
    maxFileSizeBytes: 48 * 1024,
  });
const code = (error: unknown) => (WalError.is(error) ? error.code : String(error));

/** Takes every free byte but `spare`. */
function fill(spare = 0): void {
  const file = openSync(ballast, 'w');
  let size = 0;
  for (let chunk = 64 * 1024; chunk >= 1; ) {
    try {
      size += writeSync(file, Buffer.alloc(chunk, 1));
    } catch (error) {
      strictEqual((error as { code?: string }).code, 'ENOSPC');
      chunk = Math.floor(chunk / 2);
    }
  }
  closeSync(file);
  if (spare > 0) truncateSync(ballast, size - spare);
}
const makeRoom = () => unlinkSync(ballast);

/** Appends a record or a batch; whether it was acknowledged. Nothing but a full disk may refuse it. */
async function append(wal: Wal, bytes = random.integer(100, 6000)): Promise<boolean> {
  const mine = ++number;
  const count = random.chance(0.3) ? random.integer(2, 3) : 1;
  const texts = Array.from({ length: count }, (_, index) => payloadText(mine, index, bytes));
  try {
    const { firstOffset, durable } = await wal.appendBatch(
      texts.map((text) => ({ type: 1, payload: Buffer.from(text) })),
    );
    strictEqual(durable, mode === 'always');
    for (const [index, text] of texts.entries()) {
      ok(!acked.has(firstOffset + index), `offset ${firstOffset + index} was given twice`);
      acked.set(firstOffset + index, text);
    }
    counts.acked += count;
    return true;
  } catch (error) {
    strictEqual(code(error), 'WAL_NO_SPACE');
    for (const text of texts) refused.add(text);
    counts.refused += count;
    return false;
  }
}

/** Appends, four at a time, until the disk is full, and a little further. */
async function appendUntilFull(wal: Wal): Promise<void> {
  const before = counts.refused;
  for (let after = 0; after < 3; ) {
    const appends = [append(wal), append(wal), append(wal), append(wal)];
    // Waits for the appends before it, and is told if one of them was refused.
    const synced = await wal.sync().then(() => 'synced', code);
    await Promise.all(appends);
    ok(synced === 'synced' || synced === 'WAL_NO_SPACE', synced);
    if (counts.refused > before) after += 1;
    ok(number < 5000, 'the disk does not fill up');
  }
  strictEqual(wal.failure, undefined);
  counts.rotations = Math.max(counts.rotations, wal.segments().length - 1);
}

/** Everything acknowledged from the first offset on, and nothing else, as the unchanged package reads it. */
async function check(wal: Pick<Wal, 'read' | 'firstOffset' | 'nextOffset'>): Promise<void> {
  let next = wal.firstOffset;
  for await (const batch of wal.read({ from: wal.firstOffset })) {
    for (const { offset, payload } of batch) {
      strictEqual(offset, next++);
      const text = Buffer.from(payload).toString();
      ok(!refused.has(text), `offset ${offset} holds a record that was refused`);
      ok(acked.get(offset) === text, `offset ${offset} holds other bytes than were acknowledged`);
    }
  }
  strictEqual(next, Math.max(...acked.keys()) + 1);
  strictEqual(wal.nextOffset, next);
}

async function reopenAndCheck(): Promise<void> {
  const wal = await openSoundWal({ dir });
  await check(wal);
  await wal.close();
}

const contents = () =>
  readdirSync(dir)
    .filter((name) => !name.startsWith('lock.db'))
    .sort()
    .map((name) => `${name} ${readFileSync(join(dir, name)).toString('latin1')}`);

const scenarios: Record<string, () => Promise<void>> = {
  /** Filled by the log itself; room comes from truncating it. */
  async truncate() {
    // Opening takes a few blocks, which someone will free.
    writeFileSync(ballast, Buffer.alloc(16 * 1024, 1));
    let wal = await open();
    for (let round = 0; round < 3; round++) {
      await appendUntilFull(wal);
      await check(wal);
      const { firstOffset } = wal.segments().at(-1)!;
      ok(firstOffset > wal.firstOffset, 'there is something to truncate');
      await wal.truncateBefore(firstOffset);
      strictEqual(wal.firstOffset, firstOffset);
      ok(await append(wal), 'truncation made room, and the log has not noticed');
      await wal.sync();
      strictEqual(wal.durableOffset, wal.nextOffset - 1);
    }
    await appendUntilFull(wal);
    await wal.close(); // on a full disk
    makeRoom();
    wal = await open();
    await check(wal);
    await wal.truncateBefore(wal.segments().at(-1)!.firstOffset);
    ok(await append(wal, 100));
    await wal.close();
  },

  /** Filled by someone else, who goes away again. */
  async ballast() {
    const wal = await open();
    for (let i = 0; i < 20; i++) ok(await append(wal, 1000));
    for (let round = 0; round < 3; round++) {
      fill();
      await appendUntilFull(wal);
      await check(wal);
      makeRoom();
      for (let i = 0; i < 5; i++) ok(await append(wal));
    }
    fill();
    await appendUntilFull(wal);
    await wal.close();
    makeRoom();
  },

  /** Opening meets a full disk: refused or not, nothing changes on it. */
  async open() {
    let wal = await open();
    for (let i = 0; i < 30; i++) ok(await append(wal));
    await wal.close();
    for (const spare of [0, 1, 4096]) {
      fill(spare);
      const before = contents();
      const answer = await open().then(
        async (opened) => {
          await check(opened);
          await opened.close();
          return 'opened';
        },
        (error: unknown) => {
          strictEqual(contents().join('\n') === before.join('\n'), true, 'a refused opening changed files');
          return code(error);
        },
      );
      ok(['opened', 'WAL_NO_SPACE'].includes(answer), answer);
      makeRoom();
      wal = await open();
      await check(wal);
      ok(await append(wal));
      await wal.close();
    }
  },

  /** A torn tail must be kept aside, which needs room: without it nothing is cut. */
  async tornTail() {
    let wal = await open();
    for (let i = 0; i < 3; i++) ok(await append(wal, 3000));
    await wal.close();
    const { firstOffset, sizeBytes } = wal.segments().at(-1)!;
    const segment = join(dir, `${String(firstOffset).padStart(20, '0')}.wal`);
    const file = openSync(segment, 'r+');
    writeSync(file, Buffer.alloc(9000, 0xab), 0, 9000, sizeBytes);
    closeSync(file);
    fill(4096);
    const before = contents();
    strictEqual(await open().then(() => 'opened', code), 'WAL_NO_SPACE');
    const after = contents().filter((entry) => !entry.includes('.torn-'));
    ok(after.join('\n') === before.join('\n'), 'the tail was cut though its bytes could not be kept');
    makeRoom();
    wal = await open();
    strictEqual(wal.recovery.tornTail?.bytes, 9000);
    strictEqual(readFileSync(join(dir, wal.recovery.tornTail.keptIn)).length, 9000);
    await check(wal);
    ok(await append(wal));
    await wal.close();
  },

  /** A log that cannot even be created can be created later. */
  async create() {
    for (let free = 0; free <= 24 * 1024; free += 4096) {
      fill(free);
      const answer = await open().then((wal) => wal.close(), code);
      ok([undefined, 'WAL_NO_SPACE'].includes(answer as string | undefined), String(answer));
      makeRoom();
      if (answer === undefined) break;
    }
    const wal = await open();
    for (let i = 0; i < 3; i++) ok(await append(wal));
    await wal.close();
  },
};

await scenarios[scenario]!();
await reopenAndCheck();
console.log(JSON.stringify(counts));
