import type { DataFile } from '../manifest/data-file.ts';
import type { EqualityField } from './equality-field.ts';

/** A delete file with the sequence number that says which data files it concerns. */
export interface DeleteFile {
  readonly dataFile: DataFile;
  readonly sequenceNumber: bigint;
  /** Of equality deletes: the columns it compares, in the order of `dataFile.equalityIds`. */
  readonly equalityFields?: readonly EqualityField[];
}
