import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What every result file of a soak says of itself. `size` tells a trial from the real run. */
interface Stored<Piece> {
  readonly part: string;
  readonly commit: string;
  readonly date: string;
  readonly node: string;
  readonly size: number;
  readonly summary: unknown;
  readonly pieces: readonly Piece[];
}

/**
 * The result file of a soak, `apps/bench/results/soak-PART.json`, or, for a smaller size than the real one, a file in the
 * temporary directory. Pieces of work that are done are kept in it, so that a run that was interrupted goes on where it stopped; those
 * of another commit do not count.
 */
export class SoakResult<Piece> {
  readonly pieces: Piece[];
  readonly file: string;
  readonly #part: string;
  readonly #size: number;
  readonly #commit = execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim();

  constructor(part: string, size: number, realSize: number) {
    this.#part = part;
    this.#size = size;
    const results = fileURLToPath(new URL('../../../../apps/bench/results/', import.meta.url));
    this.file =
      size < realSize ? join(tmpdir(), `soak-${part}-trial.json`) : join(results, `soak-${part}.json`);
    const before = existsSync(this.file)
      ? (JSON.parse(readFileSync(this.file, 'utf8')) as Stored<Piece>)
      : undefined;
    const same = before?.commit === this.#commit && before.size === size;
    this.pieces = same ? [...before.pieces] : [];
  }

  /** Adds a piece and writes the file. */
  add(piece: Piece, summarize: (pieces: readonly Piece[]) => unknown): void {
    this.pieces.push(piece);
    const stored: Stored<Piece> = {
      part: this.#part,
      commit: this.#commit,
      date: new Date().toISOString(),
      node: process.version,
      size: this.#size,
      summary: summarize(this.pieces),
      pieces: this.pieces,
    };
    mkdirSync(dirname(this.file), { recursive: true });
    writeFileSync(this.file, `${JSON.stringify(stored, null, 2)}\n`);
  }
}

/** The size asked for on the command line, or the real one. */
export function soakSize(realSize: number): number {
  const given = process.argv[2];
  if (given === undefined) return realSize;
  const size = Number(given);
  if (Number.isInteger(size) && size > 0) return size;
  throw new Error(`the size must be a positive integer, got ${given}`);
}
