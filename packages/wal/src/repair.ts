import { join } from 'node:path';
import { isNoSpace, systemErrorCode, type WalDamage, WalError, type WalGap } from './errors.ts';
import { copyRange, keepAside } from './file-copy.ts';
import { encodeFrameHeader, FRAME_HEADER_BYTES, MAX_FRAME_COUNT } from './frame.ts';
import { inspectWal, readBasis } from './inspection.ts';
import { addGap, isTemporary, STATE_OUTDATED } from './log-check.ts';
import { nodeFs } from './node-fs.ts';
import type { WalClock } from './options.ts';
import { putFile } from './put-file.ts';
import { type OutputPart, planRepair, type RepairPlan, type SegmentOutput } from './repair-plan.ts';
import {
  encodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  segmentSeed,
} from './segment-header.ts';
import { STATE_FILE, StateFile } from './state-file.ts';
import { viewOf } from './u64.ts';
import { VERSION_FILE, writeVersionFile } from './version-file.ts';
import { readFully, reading, type WalDirectoryLock, type WalFile, type WalFs, writeFully } from './wal-fs.ts';

const COMPARE_CHUNK_BYTES = 1024 * 1024;

/** Settings and components of {@link repairWal}. */
export interface RepairOptions {
  /** Change the log. Without it `repairWal` only says what it would do. */
  readonly apply?: boolean;
  /** Default: the real file system. */
  readonly fs?: WalFs;
  /** Default: the system's. */
  readonly clock?: Pick<WalClock, 'now'>;
  /** Salts of new segments; default from `node:crypto`. */
  readonly randomBytes?: (length: number) => Uint8Array;
}

/** One change that a repair makes, or made. */
export interface RepairAction {
  readonly file: string;
  readonly action: 'replace' | 'create' | 'set aside';
  /** Where the file that was there is kept, byte for byte. */
  readonly keptIn?: string;
  /** Offsets given up in it by this repair. */
  readonly gaps: readonly WalGap[];
  readonly reason: string;
}

/** What {@link repairWal} found and did. Plain data: it survives JSON. */
export interface RepairReport {
  readonly dir: string;
  /** Opening the log is refused as it is: there is something to do. */
  readonly needed: boolean;
  readonly applied: boolean;
  readonly damage: readonly WalDamage[];
  readonly actions: readonly RepairAction[];
  /** Offsets whose records are lost; none is ever given out again. */
  readonly gaps: readonly WalGap[];
  /** The epoch written into a rebuilt state file; the next opening is one more. */
  readonly rebuiltEpoch?: number;
}

/**
 * Makes a damaged log open again. Every readable frame keeps its offset; lost offsets become gaps that a read reports;
 * every file it replaces or removes is first kept beside it, whole. Interrupted at any point the log is as damaged
 * as before or less, and the same call finishes the work.
 *
 * A torn tail is not damage: opening handles it.
 *
 * Errors: WAL_LOCKED, WAL_CORRUPT (what is left proves too little; nothing was changed), WAL_INVALID_ARGUMENT (no log),
 * WAL_VERSION_UNSUPPORTED, WAL_NO_SPACE, WAL_IO_ERROR.
 */
export async function repairWal(dir: string, options: RepairOptions = {}): Promise<RepairReport> {
  const fs = options.fs ?? nodeFs;
  let lock: WalDirectoryLock | undefined;
  try {
    await readBasis(fs, dir); // a directory without a log stays as it is, without a lock file too
    if (options.apply) lock = await fs.lock(dir);
    return await new Repair(fs, dir, options).run();
  } catch (error) {
    if (WalError.is(error)) throw error;
    const systemCode = systemErrorCode(error);
    if (systemCode === 'ELOCKED')
      throw new WalError('WAL_LOCKED', `${dir} is open elsewhere: close it first`, { dir }, error);
    const code = isNoSpace(error) ? 'WAL_NO_SPACE' : 'WAL_IO_ERROR';
    throw new WalError(code, `repairing ${dir} failed (${systemCode ?? String(error)})`, { dir }, error);
  } finally {
    await lock?.release();
  }
}

class Repair {
  readonly #fs: WalFs;
  readonly #dir: string;
  readonly #options: RepairOptions;
  /** What was kept aside: the name it had, and the name it has. */
  readonly #kept = new Map<string, string>();

  constructor(fs: WalFs, dir: string, options: RepairOptions) {
    this.#fs = fs;
    this.#dir = dir;
    this.#options = options;
  }

  async run(): Promise<RepairReport> {
    const { damage, verdict } = await inspectWal(this.#dir, { fs: this.#fs });
    if (verdict === 'changed') {
      throw new WalError('WAL_LOCKED', 'the log is being written: close it first', { dir: this.#dir });
    }
    const nothing = { dir: this.#dir, needed: false, applied: false, damage: [], actions: [], gaps: [] };
    if (verdict !== 'damaged') return nothing;
    const components = {
      now: this.#options.clock?.now() ?? Date.now(),
      randomBytes:
        this.#options.randomBytes ?? ((length: number) => crypto.getRandomValues(new Uint8Array(length))),
    };
    const outdated = damage.some(({ file, reason }) => file === STATE_FILE && reason === STATE_OUTDATED);
    const plan = await planRepair(this.#fs, this.#dir, components, outdated);
    if (this.#options.apply) {
      await this.#apply(plan);
      await this.#assertOpens();
    }
    const actions = this.#describe(plan);
    const gaps: WalGap[] = [];
    for (const action of actions) for (const gap of action.gaps) addGap(gaps, gap);
    return {
      dir: this.#dir,
      needed: true,
      applied: this.#options.apply === true,
      damage,
      actions,
      gaps,
      ...(plan.state && { rebuiltEpoch: plan.state.epoch }),
    };
  }

  /** Nothing is called repaired that would not open. */
  async #assertOpens(): Promise<void> {
    const { damage, verdict } = await inspectWal(this.#dir, { fs: this.#fs });
    if (verdict !== 'damaged') return;
    throw new WalError(
      'WAL_CORRUPT',
      `${this.#dir} was not repaired: it would still not open (${damage[0]!.file}: ${damage[0]!.reason}). ` +
        'All files that were changed are kept as *.damaged-*.',
      { dir: this.#dir, damage },
    );
  }

  #describe(plan: RepairPlan): RepairAction[] {
    const kept = (name: string) => this.#kept.get(name) ?? `${name}.damaged-${plan.asideNumber}`;
    const { outputs, strays } = plan;
    const actions = outputs.map(
      ({ name, exists, parts, reason }): RepairAction => ({
        file: name,
        action: exists ? 'replace' : 'create',
        ...(exists && { keptIn: kept(name) }),
        gaps: parts.filter((part) => part.kind === 'gap').map(({ gap }) => gap),
        reason,
      }),
    );
    for (const { name, reason } of strays)
      actions.push({ file: name, action: 'set aside', keptIn: kept(name), gaps: [], reason });
    for (const [file, wanted, exists, why] of [
      [STATE_FILE, plan.state, plan.stateExists, plan.stateReason],
      [VERSION_FILE, plan.version, plan.versionExists, 'unreadable'],
    ] as const) {
      if (!wanted) continue;
      const reason = exists ? why : 'missing';
      actions.push({
        file,
        action: exists ? 'replace' : 'create',
        ...(exists && { keptIn: kept(file) }),
        gaps: [],
        reason,
      });
    }
    return actions;
  }

  async #apply(plan: RepairPlan): Promise<void> {
    for (const name of await this.#fs.list(this.#dir)) {
      if (isTemporary(name)) await this.#fs.remove(this.#path(name));
    }
    // Every original is durable in its second place before anything is replaced.
    for (const { name, exists } of plan.outputs) if (exists) await this.#copyAside(name, plan.asideNumber);
    if (plan.state && plan.stateExists) await this.#copyAside(STATE_FILE, plan.asideNumber);
    if (plan.version && plan.versionExists) await this.#copyAside(VERSION_FILE, plan.asideNumber);
    // From the end, since a segment proves where the one before it ended: an interrupted repair decides the same again.
    for (const output of plan.outputs.toReversed()) await this.#write(output);
    for (const { name } of plan.strays) await this.#moveAside(name, plan.asideNumber);
    if (plan.state) await (await StateFile.create(this.#fs, this.#dir, plan.state)).close();
    if (plan.version) await writeVersionFile(this.#fs, this.#dir);
  }

  /** Writes one segment anew and puts it in its place. */
  async #write(output: SegmentOutput): Promise<void> {
    const { header, name, parts } = output;
    // What is under the source's name may have been replaced by now; its copy has not.
    const source =
      output.source === undefined
        ? undefined
        : await this.#fs.open(this.#path(this.#kept.get(output.source) ?? output.source), 'read');
    const write = async (file: WalFile) => {
      await writeFully(file, [encodeSegmentHeader(header)], 0);
      let at = SEGMENT_HEADER_BYTES;
      for (const part of parts) {
        if (part.kind === 'gap') {
          const frames = encodeGap(header, part);
          await writeFully(file, [frames], at);
          at += frames.length;
        } else {
          await copyRange(source!, part.startByte, part.endByteExclusive, file, at);
          at += part.endByteExclusive - part.startByte;
        }
      }
    };
    try {
      await (await putFile(this.#fs, this.#dir, name, write, `${name}.repair.tmp`)).close();
    } finally {
      await source?.close();
    }
  }

  async #copyAside(name: string, number: number): Promise<void> {
    const names = await this.#fs.list(this.#dir);
    const earlier = names.filter((other) => other.startsWith(`${name}.damaged-`));
    for (const other of earlier) {
      // An interrupted repair got this far.
      if (!(await this.#same(name, other))) continue;
      await this.#fs.syncDirectory(this.#dir);
      this.#kept.set(name, other);
      return;
    }
    const target = freeName(`${name}.damaged-${number}`, names);
    await reading(this.#fs, this.#path(name), async (source) => {
      await keepAside(this.#fs, this.#dir, source, 0, await source.size(), target);
    });
    this.#kept.set(name, target);
  }

  async #moveAside(name: string, number: number): Promise<void> {
    const target = freeName(`${name}.damaged-${number}`, await this.#fs.list(this.#dir));
    await this.#fs.rename(this.#path(name), this.#path(target));
    await this.#fs.syncDirectory(this.#dir);
    this.#kept.set(name, target);
  }

  async #same(a: string, b: string): Promise<boolean> {
    const files = [await this.#fs.open(this.#path(a), 'read'), await this.#fs.open(this.#path(b), 'read')];
    try {
      const [size, other] = [await files[0]!.size(), await files[1]!.size()];
      if (size !== other) return false;
      const buffers = files.map(() => Buffer.alloc(Math.min(size, COMPARE_CHUNK_BYTES)));
      for (let at = 0; at < size; at += COMPARE_CHUNK_BYTES) {
        const [left, right] = [
          await readFully(files[0]!, buffers[0]!, at),
          await readFully(files[1]!, buffers[1]!, at),
        ];
        if (!buffers[0]!.subarray(0, left).equals(buffers[1]!.subarray(0, right))) return false;
      }
      return true;
    } finally {
      for (const file of files) await file.close();
    }
  }

  #path(name: string): string {
    return join(this.#dir, name);
  }
}

function freeName(wanted: string, names: readonly string[]): string {
  let name = wanted;
  for (let n = 2; names.includes(name); n++) name = `${wanted}-${n}`;
  return name;
}

/** One gap frame, or several when the count does not fit one. */
function encodeGap(header: SegmentHeader, { gap, epoch }: OutputPart & { kind: 'gap' }): Uint8Array {
  const lost = gap.nextOffset - gap.firstOffset;
  const bytes = new Uint8Array(Math.ceil(lost / MAX_FRAME_COUNT) * FRAME_HEADER_BYTES);
  const view = viewOf(bytes);
  let firstOffset = gap.firstOffset;
  for (let at = 0; at < bytes.length; at += FRAME_HEADER_BYTES) {
    const count = Math.min(gap.nextOffset - firstOffset, MAX_FRAME_COUNT);
    const frame = {
      ...{ firstOffset, count, byteLength: 0, durableUpTo: firstOffset, epoch },
      ...{ recordsCrc: 0, gap: true },
    };
    encodeFrameHeader(bytes, view, at, frame, header.salt, segmentSeed(header));
    firstOffset += count;
  }
  return bytes;
}
