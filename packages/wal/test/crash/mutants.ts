/** Suites that can notice a planted bug: crash runs, model runs, damage, and the hazards found so far. */
export type Suite = 'crash' | 'model' | 'damage' | 'hazard';

/** A change of the source: `find` occurs exactly once in `file` and becomes `replace`. */
export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** A bug planted in a copy of the source. */
export interface Mutant extends Edit {
  readonly name: string;
  /** More edits, where one does not make the bug: both sides of a checksum, say. */
  readonly also?: readonly Edit[];
  /** Which suite must notice, or which ones, each on its own. */
  readonly caughtBy: Suite | readonly Suite[];
  /** How long a case may take: short for a bug that never ends. */
  readonly stallMs?: number;
}

export const mutants: readonly Mutant[] = [
  {
    name: 'takes records of an earlier frame for those of the one that was written over them',
    file: 'frame.ts',
    find: 'if (recordsCrc !== header.recordsCrc)',
    replace: 'if (recordsCrc === -1)',
    caughtBy: 'hazard',
  },
  {
    name: 'writes a frame where filler is still being written',
    file: 'preallocation.ts',
    find: 'end > filling.start ? filling.done : undefined',
    replace: 'end > filling.start ? undefined : filling?.done',
    caughtBy: ['crash', 'model'],
  },
  {
    name: 'fills ahead from inside the frames',
    file: 'preallocation.ts',
    find: 'const start = segment.allocatedSize;',
    replace: 'const start = segment.size - 8;',
    caughtBy: ['crash', 'model'],
  },
  {
    name: 'acknowledges without syncing',
    file: 'log-writer.ts',
    find: 'const write = this.#always ? writeFullyDurable : writeFully;',
    replace: 'const write = writeFully;',
    caughtBy: ['crash', 'model'],
  },
  {
    name: 'tries a failed sync again',
    file: 'log-writer.ts',
    find: 'if (!foundNoRoom(error)) throw error;\n      await this.#giveBack(segment, error);\n      return;',
    replace: 'await file.sync();',
    caughtBy: 'crash',
  },
  {
    name: 'does not sync the directory of a new segment',
    file: 'log-writer.ts',
    find: 'await fs.rename(temporary, segment.path);\n      await fs.syncDirectory(dir);',
    replace: 'await fs.rename(temporary, segment.path);',
    caughtBy: 'crash',
  },
  {
    name: 'seals a segment without syncing it',
    file: 'log-writer.ts',
    find: 'if (old.durableSize < old.size) await this.#syncs.request();',
    replace: '',
    caughtBy: 'crash',
  },
  {
    name: 'does not sync the header of a new segment',
    file: 'log-writer.ts',
    find: 'await writeFullyDurable(file, [encodeSegmentHeader(segment.header)], 0);',
    replace: 'await writeFully(file, [encodeSegmentHeader(segment.header)], 0);',
    caughtBy: 'crash',
  },
  {
    name: 'deletes truncated segments before saying so',
    file: 'log-writer.ts',
    find: 'await this.#writeState({\n        firstSegment',
    replace: 'await (async (_: object) => {})({\n        firstSegment',
    caughtBy: 'crash',
  },
  {
    name: 'takes a short write for a whole one',
    file: 'wal-fs.ts',
    find: 'let written = await write(slice, at);',
    replace:
      'await write(slice, at);\n    let written = slice.reduce((sum, buffer) => sum + buffer.length, 0);',
    caughtBy: 'crash',
  },
  {
    name: 'shows followers records that are not durable yet',
    file: 'log-writer.ts',
    find: 'await write(file, batch.finish(this.durableNext, this.#epoch), segment.size);',
    replace:
      'const frame = batch.finish(this.durableNext, this.#epoch);\n      await writeFully(file, frame, segment.size);\n      this.#syncs.advance(segment, segment.size + batch.byteLength, batch.firstOffset + batch.count);\n      this.advanced();\n      await write(file, frame, segment.size);',
    caughtBy: 'crash',
  },
  {
    name: 'trusts the page cache after a failed sync',
    file: 'recovery.ts',
    find: 'await copyRange(file, start, segment.size, file, start);',
    replace: '',
    caughtBy: 'crash',
  },
  {
    name: 'does not sync what it recovered',
    file: 'recovery.ts',
    find: 'await file.sync();\n    segment.file = file;',
    replace: 'segment.file = file;',
    caughtBy: 'crash',
  },
  {
    name: 'writes the state file without syncing it',
    file: 'state-file.ts',
    find: 'await writeFullyDurable(this.#file,',
    replace: 'await writeFully(this.#file,',
    caughtBy: 'crash',
  },
  {
    name: 'leaves a torn tail in the file',
    file: 'recovery.ts',
    find: 'if (scan.fileSize > segment.size) await file.truncate(segment.size);',
    replace: '',
    caughtBy: ['crash', 'model'],
  },
  {
    name: 'goes on after a full disk as if the lost records had been written',
    file: 'append-plan.ts',
    find: 'this.#nextOffset = active.nextOffset;\n    this.#moveTo(active);',
    replace: 'this.#moveTo(active);',
    caughtBy: 'crash',
  },
  {
    name: 'truncates before the prelude of what is left is durable',
    file: 'log-writer.ts',
    find: 'if (this.#options.onRotate && !first.sealed) await this.#syncPrelude();',
    replace: '',
    caughtBy: 'crash',
  },
  {
    name: 'takes frames of an earlier life, showing through after a power loss, for its own',
    file: 'frame-scanner.ts',
    find: 'return header.epoch >= oldest;',
    replace: 'return oldest >= 0;',
    caughtBy: 'hazard',
  },
  {
    name: 'deletes what a truncation left on the word of a cached state',
    file: 'recovery.ts',
    find: 'await stateFile.write(next);',
    replace:
      'for (const name of truncated) await this.#fs.remove(join(this.#dir, name));\n    await this.#fs.syncDirectory(this.#dir);\n    truncated.length = 0;\n    await stateFile.write(next);',
    caughtBy: 'hazard',
  },
  {
    name: 'applies the tail rule in the middle of the last segment',
    file: 'log-check.ts',
    find: '(!isLast || durable > segment.nextOffset)',
    replace: '!isLast',
    caughtBy: ['damage', 'model'],
  },
  {
    name: 'does not check payloads',
    file: 'frame.ts',
    find: 'if (crc32(payload) !== view.getUint32(position + 24, true))',
    replace: 'if (crc32(payload) === -1)',
    caughtBy: 'damage',
  },
  {
    name: 'leaves the type and the time of a record out of its checksum',
    file: 'frame.ts',
    find: 'crc32Range(bytes, position + 4, position + RECORD_HEADER_BYTES, seed)',
    replace: 'view.getUint32(position, true)',
    caughtBy: 'damage',
  },
  {
    name: 'acknowledges before it syncs',
    file: 'log-writer.ts',
    find: 'const write = this.#always ? writeFullyDurable : writeFully;',
    replace:
      'const write: typeof writeFully = async (...args) => {\n      await writeFully(...args);\n      if (!this.#always) return;\n      batch.resolve(true);\n      await file.sync();\n    };',
    caughtBy: ['crash', 'model'],
  },
  {
    name: 'leaves the lengths of a frame out of its checksum, and believes them',
    file: 'frame.ts',
    find: 'crc32Range(bytes, at + 8, at + FRAME_HEADER_BYTES, seed), true)',
    replace:
      'crc32Range(bytes, at + 24, at + FRAME_HEADER_BYTES, crc32Range(bytes, at + 8, at + 16, seed)), true)',
    also: [
      {
        file: 'frame.ts',
        find: '!== crc32Range(bytes, at + 8, at + FRAME_HEADER_BYTES, seed))',
        replace:
          '!== crc32Range(bytes, at + 24, at + FRAME_HEADER_BYTES, crc32Range(bytes, at + 8, at + 16, seed)))',
      },
      {
        file: 'frame-scanner.ts',
        find: 'let found = await window.indexOfMagic(start);',
        replace:
          'let found = await window.indexOfMagic(start + Math.max((await readFrame(window, segment, start, this.#keep)).byteLength, 1));',
      },
    ],
    caughtBy: 'damage',
  },
  {
    name: 'leaves the length of a record out of its checksums',
    file: 'frame.ts',
    find: 'crc32Range(bytes, at + 4, at + RECORD_HEADER_BYTES, seed)',
    replace: 'crc32Range(bytes, at + 8, at + RECORD_HEADER_BYTES, seed)',
    also: [
      {
        file: 'frame.ts',
        find: 'crc32Range(bytes, position + 4, position + RECORD_HEADER_BYTES, seed)',
        replace: 'crc32Range(bytes, position + 8, position + RECORD_HEADER_BYTES, seed)',
      },
      // The payload's then takes in the padding, so that it does not tell one length from the next.
      {
        file: 'batch.ts',
        find: 'payloadCrc = crc32(payload);',
        replace: 'payloadCrc = crc32(new Uint8Array(padded(length) - length), crc32(payload));',
      },
      { file: 'frame.ts', find: 'crc32(payload) !==', replace: 'crc32(bytes.subarray(start, next)) !==' },
    ],
    caughtBy: 'damage',
  },
  {
    name: 'splits an atomic batch over two frames',
    file: 'append-plan.ts',
    find: 'for (const record of records) this.#put(batch, record, payloadLength(record.payload));\n    this.#hasRecords = true;\n    return { batch, firstOffset };',
    replace:
      'this.#put(batch, records[0]!, payloadLength(records[0]!.payload));\n    for (const record of records.slice(1)) {\n      this.#closeBatch();\n      const length = payloadLength(record.payload);\n      this.#put(this.#openBatch(encodedBytes(length), arenaBytes(length)), record, length);\n    }\n    this.#hasRecords = true;\n    return { batch: this.#open!, firstOffset };',
    caughtBy: ['crash', 'model'],
  },
  {
    name: 'writes into a frame that more is durable than was synced',
    file: 'log-writer.ts',
    find: 'batch.finish(this.durableNext, this.#epoch)',
    replace: 'batch.finish(batch.firstOffset, this.#epoch)',
    caughtBy: 'crash',
  },
  {
    name: 'counts as synced what was written while a sync ran',
    file: 'sync-stream.ts',
    find: 'this.advance(segment, size, nextOffset);',
    replace: 'this.advance(segment, segment.size, segment.nextOffset);',
    caughtBy: ['crash', 'model'],
  },
  {
    name: 'never syncs in mode periodic',
    file: 'log-writer.ts',
    find: "if (sync.kind !== 'periodic' || this.#cancelTimer || this.#closing) return;",
    replace: "if (sync.kind !== 'never' as string || this.#cancelTimer || this.#closing) return;",
    caughtBy: ['crash', 'model'],
  },
  {
    name: 'is open before its epoch is on disk',
    file: 'recovery.ts',
    find: 'await stateFile.write(next);',
    replace: 'void stateFile.write(next).catch(() => {});',
    caughtBy: ['crash', 'model'],
  },
  {
    name: 'does not make the name of its first segment durable',
    file: 'put-file.ts',
    find: 'await fs.syncDirectory(dir);',
    replace: "if (!name.endsWith('.wal')) await fs.syncDirectory(dir);",
    caughtBy: ['crash', 'model'],
  },
  {
    name: 'begins a segment without its prelude when it was reopened empty',
    file: 'append-plan.ts',
    find: 'this.#hasRecords = active.nextOffset > active.firstOffset;\n    this.#needsPrelude = !this.#hasRecords;',
    replace: 'this.#hasRecords = active.nextOffset > active.firstOffset;\n    this.#needsPrelude = false;',
    caughtBy: ['crash', 'model'],
  },
  {
    name: 'can be opened twice',
    file: 'wal.ts',
    find: 'return await fs.lock(dir);',
    replace: 'return { release: async () => {} };',
    caughtBy: 'model',
  },
  {
    name: 'stamps records with a clock that goes back',
    file: 'append-plan.ts',
    find: 'if (now > this.#lastTimestampMs) this.#lastTimestampMs = now;',
    replace: 'this.#lastTimestampMs = now;',
    caughtBy: ['crash', 'model'],
  },
  {
    name: 'cuts a torn tail off without keeping it',
    file: 'file-copy.ts',
    find: '(file) => copyRange(source, start, end, file, 0)',
    replace: 'async () => {}',
    caughtBy: ['damage', 'model'],
  },
  {
    name: 'cuts the tail of a log that it then refuses',
    file: 'recovery.ts',
    find: 'this.#refuse(damage);',
    replace: 'if (last) await this.#settle(last, state);\n    this.#refuse(damage);',
    caughtBy: ['damage', 'model'],
  },
  {
    name: 'makes room for more than the file holds',
    file: 'frame-scanner.ts',
    find: 'const wanted = Math.min(Math.max(length, WINDOW_BYTES), this.#fileSize - at);',
    replace: 'const wanted = Math.max(length, WINDOW_BYTES);',
    caughtBy: 'damage',
  },
  {
    name: 'reads on for ever behind the end of a file',
    file: 'wal-fs.ts',
    find: 'if (count === 0) break;',
    replace: '',
    caughtBy: 'damage',
  },
  {
    name: 'searches the same place for ever behind damage',
    file: 'frame-scanner.ts',
    find: 'else found = await window.indexOfMagic(found + 1);',
    replace: 'else found = await window.indexOfMagic(found);',
    caughtBy: 'damage',
    stallMs: 2000,
  },
];
