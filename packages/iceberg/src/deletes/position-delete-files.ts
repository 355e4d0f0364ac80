import type { DataFile } from '../manifest/data-file.ts';
import type { DeleteFile } from './delete-file.ts';
import { PathRanges } from './path-ranges.ts';
import { filePathFieldId } from './position-deletes.ts';
import { SequencedFiles } from './sequenced-files.ts';

/**
 * The position delete files of one partition that name several data files: found by the bounds of their paths, and
 * where they have none, by their sequence numbers alone.
 */
export class PositionDeleteFiles {
  readonly #bounded = new PathRanges<DeleteFile>();
  readonly #unbounded = new SequencedFiles<DeleteFile>();

  add(file: DeleteFile): void {
    const lower = file.dataFile.lowerBounds?.get(filePathFieldId);
    const upper = file.dataFile.upperBounds?.get(filePathFieldId);
    if (lower && upper) this.#bounded.add(lower, upper, file);
    else this.#unbounded.add(file.sequenceNumber, file);
  }

  /** Those that may remove rows of a data file: not older than it, and its path within their bounds. */
  of({ filePath }: DataFile, sequenceNumber: bigint): DeleteFile[] {
    const path = Buffer.from(filePath, 'utf8');
    const found = this.#bounded.at(path).filter((file) => sequenceNumber <= file.sequenceNumber);
    for (const file of this.#unbounded.from(sequenceNumber))
      if (mayName(file.dataFile, path)) found.push(file);
    return found;
  }
}

/** With one bound alone, as some writer may leave it. */
function mayName(deletes: DataFile, path: Buffer): boolean {
  const lower = deletes.lowerBounds?.get(filePathFieldId);
  const upper = deletes.upperBounds?.get(filePathFieldId);
  return (!lower || Buffer.compare(lower, path) <= 0) && (!upper || Buffer.compare(upper, path) >= 0);
}
