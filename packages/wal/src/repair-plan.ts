import { join } from 'node:path';
import { WalError, type WalGap } from './errors.ts';
import { decodeFrameHeader, FRAME_HEADER_BYTES, FRAME_MAGIC, RECORD_HEADER_BYTES } from './frame.ts';
import { FrameScanner, type SegmentScan } from './frame-scanner.ts';
import { type LogBasis, readBasis, stateless } from './inspection.ts';
import { isBelow, readSegmentHeader, STATE_OUTDATED, segmentNames } from './log-check.ts';
import { Segment } from './segment.ts';
import {
  formatLogId,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  segmentFileName,
  segmentSeed,
} from './segment-header.ts';
import type { LogState } from './state-file.ts';
import { viewOf } from './u64.ts';
import { VERSION_FILE } from './version-file.ts';
import { readFully, reading, type WalFile, type WalFs } from './wal-fs.ts';

/** Offsets set aside for records that may have been in bytes that are gone: 2 GiB of the smallest ones. */
export const LOST_BYTES_RESERVE = 2 ** 31 / RECORD_HEADER_BYTES;
/** Distance of a rebuilt epoch from the highest one seen: more openings that left no frame than anyone makes. */
export const EPOCH_LEAP = 1024;
/** Bytes of a headerless segment that are read at once in search of a frame. */
const PROOF_CHUNK_BYTES = 1024 * 1024;
/** A log with more segments than this in doubt is not what this is for. */
const MAX_SEGMENTS = 1_000_000;

/** A piece of a segment to be written: good frames as they are, or a gap in their place. */
export type OutputPart =
  | { readonly kind: 'frames'; readonly startByte: number; readonly endByteExclusive: number }
  | { readonly kind: 'gap'; readonly gap: WalGap; readonly epoch: number };

/** A segment to be written. */
export interface SegmentOutput {
  readonly name: string;
  readonly header: SegmentHeader;
  /** Name of the file that the frames are in. */
  readonly source?: string;
  /** A file of this name exists. */
  readonly exists: boolean;
  readonly parts: readonly OutputPart[];
  readonly reason: string;
}

/** What has to be done for the log to open again. */
export interface RepairPlan {
  /** Ascending. */
  readonly outputs: readonly SegmentOutput[];
  /** Files under segment names that are no segments of this log, or are one that is there already. */
  readonly strays: readonly { readonly name: string; readonly reason: string }[];
  /** The state to write, when the state file is missing or damaged. */
  readonly state?: LogState;
  readonly stateExists: boolean;
  /** Why, when one exists. */
  readonly stateReason: string;
  /** VERSION is to be written. */
  readonly version: boolean;
  readonly versionExists: boolean;
  /** Part of the name of everything kept aside: what the next epoch would have been. */
  readonly asideNumber: number;
}

/** A file that may hold a segment. */
interface Candidate {
  readonly name: string;
  /** Offset in its name. */
  readonly offset: number;
  readonly size: number;
  readonly header?: SegmentHeader;
}

/** A place in the chain of segments, and what is known about it. */
interface Slot {
  readonly sequence: number;
  source?: Candidate;
  /** Known from the header or the name; computed for a missing segment. */
  firstOffset?: number;
  salt?: number;
  scan?: SegmentScan;
  /** Offset after it, once decided; stays undefined for a torn tail that opening will cut. */
  end?: number;
}

interface Components {
  readonly now: number;
  readonly randomBytes: (length: number) => Uint8Array;
}

/**
 * Decides what to do about a damaged log. Reads only. `outdated`: frames say that the state file is an earlier one.
 * @throws WalError WAL_CORRUPT when too little is provable.
 */
export async function planRepair(
  fs: WalFs,
  dir: string,
  components: Components,
  outdated: boolean,
): Promise<RepairPlan> {
  const basis = await readBasis(fs, dir);
  const names = await fs.list(dir);
  const { state, ...rest } = basis;
  if (!state || !outdated) return new Planner(fs, dir, basis, names, components).run();
  return new Planner(fs, dir, { ...rest, complete: false }, names, components, state).run();
}

class Planner {
  readonly #fs: WalFs;
  readonly #dir: string;
  readonly #basis: LogBasis;
  readonly #names: readonly string[];
  readonly #components: Components;
  /** An earlier state, which was put back: it tells which log this is, and bounds its end from below. */
  readonly #outdated: LogState | undefined;
  readonly #slots = new Map<number, Slot>();
  readonly #strays: { name: string; reason: string }[] = [];
  #logId = new Uint8Array();

  constructor(
    fs: WalFs,
    dir: string,
    basis: LogBasis,
    names: readonly string[],
    components: Components,
    outdated?: LogState,
  ) {
    this.#fs = fs;
    this.#dir = dir;
    this.#basis = basis;
    this.#names = names;
    this.#components = components;
    this.#outdated = outdated;
  }

  async run(): Promise<RepairPlan> {
    const { state } = this.#basis;
    const candidates = await this.#readCandidates(segmentNames(this.#names));
    this.#logId = this.#decideLogId(candidates);
    const misnamed = this.#placeByHeader(candidates);
    const headerless = candidates.filter(({ header }) => !header);
    // A damaged file under its own name before a copy of it under another: the copy may be older.
    const unplaced = await this.#placeByFrames(headerless, true);
    this.#placeMisnamed(misnamed);
    this.#placeByOrder(await this.#placeByFrames(unplaced, false));
    const slots = await this.#chain();
    this.#checkChain(slots);
    await this.#scan(slots);
    const total = this.#decideEnds(slots);
    const outputs = this.#outputs(slots, total);
    this.#validate(slots, outputs, total);
    const seen = this.#highestEpochSeen(slots);
    const replaced = new Set(outputs.map(({ name }) => name));
    const plan: RepairPlan = {
      outputs,
      strays: this.#strays.filter(({ name }) => !replaced.has(name)),
      ...(!state && { state: this.#rebuildState(slots, outputs, total, seen) }),
      stateExists: this.#basis.stateExists,
      stateReason: this.#outdated ? STATE_OUTDATED : 'unreadable',
      version: this.#basis.versionMissing,
      versionExists: this.#names.includes(VERSION_FILE),
      asideNumber: (state?.epoch ?? seen) + 1,
    };
    const provesFormat = candidates.some(({ header }) => header && this.#isOurs(header));
    if (plan.version && !provesFormat) throw this.#refuse('no segment proves which format the directory has');
    if (outputs.length + plan.strays.length === 0 && !plan.state && !plan.version)
      throw this.#refuse('what is wrong with it cannot be mended without guessing');
    return plan;
  }

  async #readCandidates(names: readonly string[]): Promise<Candidate[]> {
    const { state } = this.#basis;
    const candidates: Candidate[] = [];
    for (const name of names) {
      const candidate = await this.#readCandidate(name);
      // What an interrupted truncation left; opening deletes it.
      if (!state || candidate.offset >= state.firstOffset || !isBelow(candidate.header, state))
        candidates.push(candidate);
    }
    return candidates;
  }

  async #readCandidate(name: string): Promise<Candidate> {
    const { size, header } = await this.#reading(name, async (file) => {
      const bytes = await file.size();
      return { size: bytes, header: await readSegmentHeader(file, name, bytes) };
    });
    return { name, offset: Number(name.slice(0, 20)), size, ...(header && { header }) };
  }

  /** Which log this directory belongs to: the state file says it, or else the segments do. */
  #decideLogId(candidates: readonly Candidate[]): Uint8Array<ArrayBuffer> {
    const counts = new Map<string, { count: number; logId: Uint8Array }>();
    for (const { header } of candidates) {
      if (!header) continue;
      const id = formatLogId(header.logId);
      counts.set(id, { count: (counts.get(id)?.count ?? 0) + 1, logId: header.logId });
    }
    const state = this.#basis.state ?? this.#outdated;
    if (state) {
      if (counts.size > 0 && !counts.has(formatLogId(state.logId))) {
        throw this.#refuse(
          'the state file and the segments are of different logs. Move away what does not belong here: ' +
            'a missing state file is rebuilt',
        );
      }
      return Uint8Array.from(state.logId);
    }
    const [most, next] = [...counts.values()].sort((a, b) => b.count - a.count);
    if (!most)
      throw this.#refuse('neither the state file nor a segment header is left to say which log this is');
    if (next?.count === most.count)
      throw this.#refuse('the segments are of several logs, none of them in the majority');
    return Uint8Array.from(most.logId);
  }

  #isOurs(header: SegmentHeader): boolean {
    return Buffer.compare(header.logId, this.#logId) === 0;
  }

  /** Puts segments with intact headers where their headers say; returns those under the name of another. */
  #placeByHeader(candidates: readonly Candidate[]): Candidate[] {
    const first = this.#basis.state?.firstSegment ?? 0;
    const misnamed: Candidate[] = [];
    for (const candidate of candidates) {
      const { header, name, offset } = candidate;
      if (!header) continue;
      if (!this.#isOurs(header)) this.#strays.push({ name, reason: 'segment of another log' });
      else if (header.firstOffset !== offset) misnamed.push(candidate);
      else if (this.#slots.has(header.sequence) || header.sequence < first)
        throw this.#refuse(`${name} contradicts the rest of the log`);
      else this.#place(header.sequence, candidate, header);
    }
    return misnamed;
  }

  #placeMisnamed(misnamed: readonly Candidate[]): void {
    const { state } = this.#basis;
    for (const candidate of misnamed) {
      const { sequence, firstOffset, salt } = candidate.header!;
      this.#strays.push({ name: candidate.name, reason: 'segment under the name of another' });
      const belongs = sequence >= (state?.firstSegment ?? 0) && firstOffset >= (state?.firstOffset ?? 0);
      if (belongs && !this.#slots.has(sequence)) this.#place(sequence, candidate, { firstOffset, salt });
    }
  }

  #place(sequence: number, source: Candidate, known: { firstOffset: number; salt?: number }): void {
    const { firstOffset, salt } = known;
    this.#slots.set(sequence, { sequence, source, firstOffset, ...(salt !== undefined && { salt }) });
  }

  /**
   * Places segments whose header is damaged by the checksums of their frames, which cover sequence and salt. Returns
   * the others. `inPlaceOnly`: only those whose frames say that they are under their own name.
   */
  async #placeByFrames(files: readonly Candidate[], inPlaceOnly: boolean): Promise<Candidate[]> {
    const unproven: Candidate[] = [];
    for (const candidate of files) {
      const { name, offset } = candidate;
      const proof = await this.#reading(name, async (file) => {
        const near = await this.#prove(file, candidate, this.#freeSequences(offset, files.length));
        if (near || inPlaceOnly) return near;
        // Its name may be wrong too.
        return this.#prove(file, candidate, this.#freeSequences(undefined, files.length));
      });
      if (!proof || (inPlaceOnly && proof.firstOffset !== offset)) {
        unproven.push(candidate);
        continue;
      }
      this.#place(proof.sequence, candidate, proof);
      if (proof.firstOffset !== offset)
        this.#strays.push({ name, reason: 'segment under the name of another' });
    }
    return unproven;
  }

  /**
   * Free places between the segments before and behind `offset`, or all of them. `files` bounds it where nothing else
   * does.
   */
  #freeSequences(offset: number | undefined, files: number): number[] {
    const { state, complete } = this.#basis;
    let below = -1;
    let above = Number.POSITIVE_INFINITY;
    const placed = [...this.#slots.values()];
    for (const { sequence, firstOffset } of placed) {
      if (offset === undefined) continue;
      if (firstOffset! < offset) below = Math.max(below, sequence);
      else above = Math.min(above, sequence);
    }
    const bounded = Number.isFinite(above);
    const least = Math.min(above, ...placed.map(({ sequence }) => sequence));
    const most = Math.max(-1, ...placed.map(({ sequence }) => sequence));
    const lowest = state?.firstSegment ?? (Number.isFinite(least) ? Math.max(0, least - files) : 0);
    const low = below === -1 ? lowest : below + 1;
    // A slot of the state file that cannot be read may have named one segment more.
    const highest = state ? state.segmentsEnd + (complete ? 0 : 1) : Math.max(low, most + 1) + files;
    const end = Math.min(bounded ? above : highest, low + MAX_SEGMENTS);
    return Array.from({ length: Math.max(0, end - low) }, (_, i) => low + i).filter(
      (sequence) => !this.#slots.has(sequence),
    );
  }

  /** Which segment the frames of a file are of, if any of these. Its first frame says where it begins. */
  async #prove(
    file: WalFile,
    candidate: Candidate,
    sequences: readonly number[],
  ): Promise<{ sequence: number; salt: number; firstOffset: number } | undefined> {
    if (sequences.length === 0) return undefined;
    const bytes = Buffer.alloc(Math.min(candidate.size, PROOF_CHUNK_BYTES));
    const view = viewOf(bytes);
    for (let start = 0; start < candidate.size; ) {
      const length = await readFully(file, bytes, start);
      const chunk = bytes.subarray(0, length);
      for (let at = chunk.indexOf(FRAME_MAGIC); at !== -1; at = chunk.indexOf(FRAME_MAGIC, at + 1)) {
        if (at + FRAME_HEADER_BYTES > length) break;
        const salt = view.getUint32(at + 32, true);
        for (const sequence of sequences) {
          const seed = segmentSeed({ logId: this.#logId, sequence, salt });
          const header = decodeFrameHeader(bytes, view, at, salt, seed);
          if (!header) continue;
          const isFirst = start + at === SEGMENT_HEADER_BYTES;
          // A name that an intact frame contradicts is not believed: frames before this one are lost then.
          const named = !isFirst && candidate.offset <= header.firstOffset;
          const firstOffset = named ? candidate.offset : header.firstOffset;
          return { sequence, salt, firstOffset };
        }
      }
      if (length < bytes.length || start + length >= candidate.size) break;
      start += length - FRAME_HEADER_BYTES;
    }
    return undefined;
  }

  /** Nothing in these files is readable, so all that matters is that each fills a hole in the chain, if there is one. */
  #placeByOrder(unproven: readonly Candidate[]): void {
    const { state } = this.#basis;
    for (const [i, candidate] of unproven.entries()) {
      const { name, offset } = candidate;
      // Neither its name nor anything in it says that it is of this log: it is left where it is.
      if (state && offset < state.firstOffset) continue;
      const sequence = this.#freeSequences(offset, unproven.length - i).find((s) => this.#fits(s, offset));
      if (sequence === undefined)
        this.#strays.push({ name, reason: 'nothing in it is a segment of this log' });
      else this.#place(sequence, candidate, { firstOffset: offset });
    }
  }

  /** Whether a segment can begin there: none but the newest was ever left without a record, so each needs an offset. */
  #fits(sequence: number, offset: number): boolean {
    const { state } = this.#basis;
    const known: Pick<Slot, 'sequence' | 'firstOffset'>[] = [...this.#slots.values()];
    const { firstSegment = 0, firstOffset = 0 } = state ?? {};
    known.push({ sequence: firstSegment, firstOffset });
    return known.every((slot) => {
      const segments = sequence - slot.sequence;
      const offsets = offset - slot.firstOffset!;
      return segments === 0 ? offsets === 0 : segments > 0 ? offsets >= segments : offsets <= segments;
    });
  }

  /** All places from the first to the last segment the log must have; holes are filled from what was kept aside. */
  async #chain(): Promise<Slot[]> {
    const { state } = this.#basis;
    const placed = [...this.#slots.keys()];
    const low = state?.firstSegment ?? Math.min(...placed);
    const high = Math.max(...placed, ((state ?? this.#outdated)?.segmentsEnd ?? 0) - 1);
    if (high - low > MAX_SEGMENTS) throw this.#refuse(`${high - low + 1} segments would have to be there`);
    const slots: Slot[] = [];
    for (let sequence = low; sequence <= high; sequence++)
      slots.push(this.#slots.get(sequence) ?? { sequence });
    if (slots.some(({ source }) => !source)) await this.#takeFromAside(slots);
    return slots;
  }

  /** An interrupted repair may have replaced a misplaced segment before putting it where it belongs. */
  async #takeFromAside(slots: Slot[]): Promise<void> {
    const names = this.#names.filter((name) => /^\d{20}\.wal\.damaged-\d+(-\d+)?$/.test(name)).sort();
    for (const name of names) {
      const source = await this.#readCandidate(name);
      const { header } = source;
      const slot =
        header && this.#isOurs(header) && slots.find(({ sequence }) => sequence === header.sequence);
      if (!slot || slot.source) continue;
      Object.assign(slot, { source, firstOffset: header.firstOffset, salt: header.salt });
    }
  }

  /** What contradicts itself is not repaired by guessing which side is right. */
  #checkChain(slots: readonly Slot[]): void {
    const { state } = this.#basis;
    let offset = -1;
    for (const [i, slot] of slots.entries()) {
      const { sequence, firstOffset, salt, source } = slot;
      const before = slots[i - 1];
      const what = source?.name ?? `segment ${sequence}`;
      if (firstOffset !== undefined) {
        if (firstOffset <= offset) throw this.#refuse(`${what} begins before segment ${sequence - 1}`);
        if (i === 0 && state && firstOffset !== state.firstOffset)
          throw this.#refuse(`${what} is not where the state file says the log begins`);
        offset = firstOffset;
      }
      const header = source?.header;
      if (!header) continue;
      const previousSalt = sequence === 0 ? 0 : before?.salt;
      if (previousSalt !== undefined && header.previousSalt !== previousSalt)
        throw this.#refuse(
          `${what} does not follow the segment before it: one of the two is from another copy`,
        );
      if (before && before.salt === undefined) before.salt = header.previousSalt;
      if (salt === undefined) slot.salt = header.salt;
    }
    for (const slot of slots) slot.salt ??= viewOf(this.#components.randomBytes(4)).getUint32(0, true);
  }

  async #scan(slots: readonly Slot[]): Promise<void> {
    const scanner = new FrameScanner();
    const state = this.#stateForScan(slots);
    for (const [i, slot] of slots.entries()) {
      const { source } = slot;
      if (!source) continue;
      const segment = new Segment(this.#dir, this.#header(slots, i));
      const scan = (file: WalFile) => scanner.scan(file, segment, source.size, state, () => {});
      slot.scan = await this.#reading(source.name, scan);
    }
  }

  #stateForScan(slots: readonly Slot[]): LogState {
    const first = slots[0];
    const header = {
      logId: this.#logId,
      sequence: first?.sequence ?? 0,
      firstOffset: first?.firstOffset ?? 0,
    };
    return this.#basis.state ?? stateless(header);
  }

  /** The header a segment has, or has to have. */
  #header(slots: readonly Slot[], i: number): SegmentHeader {
    const { sequence, firstOffset, salt, source } = slots[i]!;
    const previousSalt = source?.header?.previousSalt ?? slots[i - 1]?.salt ?? 0;
    return {
      logId: this.#logId,
      firstOffset: firstOffset!,
      sequence,
      salt: salt!,
      previousSalt,
      durableUpTo: firstOffset!,
      createdMs: source?.header?.createdMs ?? this.#components.now,
    };
  }

  // ---- offsets ---------------------------------------------------------------------------------------------

  /** Decides where each segment ends, and where missing ones lie. Returns the end of the log. */
  #decideEnds(slots: readonly Slot[]): number {
    const { state } = this.#basis;
    let i = -1;
    while (i < slots.length) {
      let next = i + 1;
      while (next < slots.length && slots[next]!.source === undefined) next++;
      const missing = slots.slice(i + 1, next);
      const slot = slots[i];
      const start = slot?.firstOffset ?? state?.firstOffset ?? 0;
      if (next < slots.length) this.#decideBetween(slot, missing, start, slots[next]!.firstOffset!);
      else if (missing.length === 0) return slot ? this.#decideTail(slot) : start;
      else return this.#decideMissingTail(slot, missing, start);
      i = next;
    }
    return 0;
  }

  /** The segment behind is known, and so is exactly what is lost before it. */
  #decideBetween(slot: Slot | undefined, missing: readonly Slot[], start: number, limit: number): void {
    if (slot) {
      const readable = readableEnd(slot);
      const atLeast = Math.max(slot.scan!.damage.length > 0 ? slot.scan!.provenNext : 0, readable, start + 1);
      slot.end = missing.length === 0 ? limit : Math.min(atLeast, limit - missing.length);
      if (slot.end < readable)
        throw this.#refuse(`${slot.source!.name} holds records of the segment behind it`);
    }
    this.#layOut(missing, slot?.end ?? start, limit);
  }

  /** Missing segments each get one offset, the last the rest: none was ever left without a record but the newest. */
  #layOut(missing: readonly Slot[], start: number, limit: number, lastMayBeEmpty = false): void {
    const needed = missing.length - (lastMayBeEmpty ? 1 : 0);
    if (missing.length > 0 && limit - start < needed)
      throw this.#refuse(`there is no room for the missing segment ${missing[0]!.sequence}`);
    for (const [k, slot] of missing.entries()) {
      slot.firstOffset = start + k;
      slot.end = k === missing.length - 1 ? limit : start + k + 1;
    }
  }

  /** The last segment. Where it ended is known after a proper close, else only bounded. */
  #decideTail(slot: Slot): number {
    const { state } = this.#basis;
    const scan = slot.scan!;
    const { source } = slot;
    const readable = readableEnd(slot);
    const ownFile = source!.name === segmentFileName(slot.firstOffset!);
    const inPlace = source!.header !== undefined && ownFile;
    if (state && inPlace && scan.damage.length > 0) {
      const sound = scan.damage[0]!.firstOffset ?? slot.firstOffset!;
      if (Math.max(state.durableUpTo, scan.durableUpTo) <= sound) return sound; // a torn tail: opening cuts it
    }
    const exact = this.#exactEnd;
    if (exact !== undefined) slot.end = Math.max(readable, exact);
    else {
      const from = scan.runs.at(-1)?.endByteExclusive ?? Math.min(SEGMENT_HEADER_BYTES, source!.size);
      const byBytes = readable + Math.ceil((source!.size - from) / RECORD_HEADER_BYTES);
      const proven = Math.max(scan.provenNext, scan.durableUpTo, this.#durableUpTo, readable);
      // A file that is not under its own name may be a copy, made before the log went on.
      const cutShort = !ownFile || proven > byBytes || source!.size < SEGMENT_HEADER_BYTES;
      slot.end = Math.max(proven, byBytes) + (cutShort ? LOST_BYTES_RESERVE : 0);
    }
    return slot.end;
  }

  /** The last segments are gone, and with them what they held beyond what the state file proves. */
  #decideMissingTail(slot: Slot | undefined, missing: readonly Slot[], start: number): number {
    const exact = this.#exactEnd;
    const readable = slot ? readableEnd(slot) : start;
    const proven = slot?.scan?.provenNext ?? 0;
    const between = slot ? Math.max(readable, start + 1, slot.scan!.damage.length > 0 ? proven : 0) : start;
    const known = Math.max(this.#durableUpTo, between + missing.length - 1);
    const total = exact ?? known + LOST_BYTES_RESERVE;
    const end = Math.min(between, total - (missing.length - 1));
    if (end < readable) throw this.#refuse('the state file knows of fewer records than there are');
    if (slot) slot.end = end;
    this.#layOut(missing, end, total, true);
    return total;
  }

  get #durableUpTo(): number {
    return (this.#basis.state ?? this.#outdated)?.durableUpTo ?? 0;
  }

  /** Where the log ended, if it was closed properly. */
  get #exactEnd(): number | undefined {
    const { state, complete } = this.#basis;
    return state?.closed && complete ? state.durableUpTo : undefined;
  }

  // ---- what to write ---------------------------------------------------------------------------------------

  #outputs(slots: readonly Slot[], total: number): SegmentOutput[] {
    const outputs: SegmentOutput[] = [];
    let epoch: number | undefined;
    for (const [i, slot] of slots.entries()) {
      const { source, scan } = slot;
      const header = this.#header(slots, i);
      const name = segmentFileName(header.firstOffset);
      const { parts, lastEpoch } = this.#parts(slot, epoch);
      epoch = lastEpoch;
      if (slot.end === undefined) continue;
      const inPlace = source?.name === name && source.header?.durableUpTo === header.durableUpTo;
      const gaps = parts.some(({ kind }) => kind === 'gap');
      if (inPlace && scan!.damage.length === 0 && !gaps) continue;
      const reason = !source
        ? 'missing'
        : source.name !== name
          ? `found in ${source.name}`
          : !inPlace
            ? 'segment header damaged'
            : (scan!.damage[0]?.reason ?? 'records missing at its end');
      const exists = this.#names.includes(name);
      outputs.push({ name, header, ...(source && { source: source.name }), exists, parts, reason });
    }
    const last = outputs.at(-1);
    const lastSlot = slots.at(-1);
    // New records go into a new segment, which proves where the gap ends and begins with what belongs at the head of one.
    if (
      last &&
      lastSlot &&
      last.header.sequence === lastSlot.sequence &&
      last.parts.some((p) => p.kind === 'gap')
    )
      outputs.push(this.#nextSegment(last.header, total));
    return outputs;
  }

  /** A last look at the plan as a whole, whatever led to it: what would not be a log is refused. */
  #validate(slots: readonly Slot[], outputs: readonly SegmentOutput[], total: number): void {
    const { state } = this.#basis;
    const headers = slots.map((_, i) => this.#header(slots, i));
    const last = outputs.at(-1);
    if (last && last.header.sequence > (headers.at(-1)?.sequence ?? -1)) headers.push(last.header);
    const chained = headers.every((header, i) => {
      const before = headers[i - 1];
      if (!before) return !state || header.firstOffset === state.firstOffset;
      return (
        header.sequence === before.sequence + 1 &&
        header.firstOffset > before.firstOffset &&
        header.previousSalt === before.salt
      );
    });
    const filled = slots.every((slot, i) => {
      let offset = slot.firstOffset!;
      for (const run of slot.scan?.runs ?? []) {
        if (run.firstOffset < offset) return false;
        offset = run.nextOffset;
      }
      const end = slot.end ?? offset;
      return end >= offset && end === (headers[i + 1]?.firstOffset ?? total);
    });
    const ascending = outputs.every(({ name }, i) => i === 0 || name > outputs[i - 1]!.name);
    if (!chained || !filled || !ascending)
      throw this.#refuse('what is left does not make a log, whichever way it is put together');
  }

  #nextSegment(previous: SegmentHeader, firstOffset: number): SegmentOutput {
    return {
      name: segmentFileName(firstOffset),
      header: {
        logId: this.#logId,
        firstOffset,
        sequence: previous.sequence + 1,
        salt: viewOf(this.#components.randomBytes(4)).getUint32(0, true),
        previousSalt: previous.salt,
        durableUpTo: firstOffset,
        createdMs: this.#components.now,
      },
      exists: this.#names.includes(segmentFileName(firstOffset)),
      parts: [],
      reason: 'the log goes on here',
    };
  }

  #parts(
    slot: Slot,
    epochBefore: number | undefined,
  ): { parts: OutputPart[]; lastEpoch: number | undefined } {
    const parts: OutputPart[] = [];
    let lastEpoch = epochBefore;
    let offset = slot.firstOffset!;
    const lost = (nextOffset: number, epochBehind: number | undefined) => {
      if (nextOffset <= offset) return;
      const epoch = this.#gapEpoch(offset, lastEpoch ?? epochBehind ?? 0);
      parts.push({ kind: 'gap', gap: { firstOffset: offset, nextOffset }, epoch });
      lastEpoch = epoch;
    };
    for (const run of slot.scan?.runs ?? []) {
      lost(run.firstOffset, run.firstEpoch);
      const { startByte, endByteExclusive } = run;
      parts.push({ kind: 'frames', startByte, endByteExclusive });
      offset = run.nextOffset;
      lastEpoch = run.lastEpoch;
    }
    if (slot.end !== undefined) lost(slot.end, undefined);
    return { parts, lastEpoch };
  }

  /** A gap must not look like a frame of an earlier life. */
  #gapEpoch(firstOffset: number, epoch: number): number {
    const { state } = this.#basis;
    return state && firstOffset >= state.epochStart ? Math.max(epoch, state.epoch % 2 ** 32) : epoch;
  }

  #highestEpochSeen(slots: readonly Slot[]): number {
    let seen = this.#outdated?.epoch ?? 0;
    for (const { scan } of slots) seen = Math.max(seen, scan?.highestEpoch ?? 0);
    // Openings and repairs that kept something aside left their number in its name.
    for (const name of this.#names) {
      const number = /\.(?:torn|damaged)-(\d{1,15})/.exec(name)?.[1];
      if (number !== undefined) seen = Math.max(seen, Number(number));
    }
    return seen;
  }

  /** Lower bounds, and an epoch that no opening had. */
  #rebuildState(
    slots: readonly Slot[],
    outputs: readonly SegmentOutput[],
    total: number,
    epochSeen: number,
  ): LogState {
    const first = this.#header(slots, 0);
    const lastSequence = slots.at(-1)!.sequence;
    const lastWritten = outputs.at(-1)?.header.sequence ?? 0;
    const durable = slots.map(({ scan, firstOffset }) => Math.max(scan?.durableUpTo ?? 0, firstOffset!));
    return {
      logId: this.#logId,
      epoch: epochSeen + EPOCH_LEAP,
      firstSegment: first.sequence,
      firstOffset: first.firstOffset,
      segmentsEnd: Math.max(lastSequence, lastWritten) + 1,
      durableUpTo: outputs.length > 0 && lastWritten >= lastSequence ? total : Math.max(...durable),
      epochStart: total,
      closed: false,
    };
  }

  #reading<T>(name: string, read: (file: WalFile) => Promise<T>): Promise<T> {
    return reading(this.#fs, join(this.#dir, name), read);
  }

  #refuse(why: string): WalError {
    const { damage } = this.#basis;
    return new WalError('WAL_CORRUPT', `${why}. Nothing was changed.`, { dir: this.#dir, damage });
  }
}

/** Offset after the last frame of a segment that can be read. */
function readableEnd({ scan, firstOffset }: Slot): number {
  return scan?.runs.at(-1)?.nextOffset ?? firstOffset!;
}
