/** A bug planted in a copy of the source: `find` occurs exactly once in `file` and becomes `replace`. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Which suite must notice. */
  readonly caughtBy: 'crash' | 'damage' | 'hazard';
}

export const mutants: readonly Mutant[] = [
  {
    name: 'acknowledges without syncing',
    file: 'log-writer.ts',
    find: 'const write = this.#always ? writeFullyDurable : writeFully;',
    replace: 'const write = writeFully;',
    caughtBy: 'crash',
  },
  {
    name: 'tries a failed sync again',
    file: 'log-writer.ts',
    find: 'if (!foundNoRoom(error)) throw error;\n      await this.#giveBack(segment, file, error);\n      return;',
    replace: 'await file.sync();',
    caughtBy: 'crash',
  },
  {
    name: 'does not sync the directory of a new segment',
    file: 'log-writer.ts',
    find: 'await fs.rename(temporary, segment.path);\n    await fs.syncDirectory(dir);',
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
    find: 'await file.truncate(position);',
    replace: '',
    caughtBy: 'crash',
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
    find: 'return header.epoch >= oldest ?',
    replace: 'return oldest >= 0 ?',
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
    file: 'recovery.ts',
    find: '(!isLast || durable > segment.nextOffset)',
    replace: '!isLast',
    caughtBy: 'damage',
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
];
