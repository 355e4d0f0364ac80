import { IcebergError } from '../errors.ts';
import type { DataFile, FileContent, FileFormat } from '../manifest/data-file.ts';

/** Of data files, as manifests spell them: any other would make the manifest unreadable. */
const formats: ReadonlySet<FileFormat> = new Set<FileFormat>(['PARQUET', 'AVRO', 'ORC']);

/**
 * `INVALID_ARGUMENT` unless these are descriptions of distinct new data files that a manifest can hold. Whether
 * partition values fit the spec is checked when the manifest is written.
 */
export function checkAddedFiles(files: readonly DataFile[], wanted: FileContent = 'data'): void {
  const paths = new Set<string>();
  for (const { filePath, fileFormat, content, recordCount, fileSizeInBytes } of files) {
    if (typeof filePath !== 'string' || filePath === '') throw refuse('a file needs a location', filePath);
    if (!formats.has(fileFormat)) {
      throw refuse(`${filePath}: ${fileFormat} is no file format (${[...formats].join(', ')})`, filePath);
    }
    if (content !== wanted) {
      throw refuse(`${filePath}: this operation adds files of content ${wanted}, not ${content}`, filePath);
    }
    if (paths.has(filePath)) throw refuse(`${filePath} is given twice`, filePath);
    if (!Number.isSafeInteger(recordCount) || recordCount < 0) {
      throw refuse(`${filePath}: ${recordCount} is no record count`, filePath);
    }
    if (!Number.isSafeInteger(fileSizeInBytes) || fileSizeInBytes < 0) {
      throw refuse(`${filePath}: ${fileSizeInBytes} is no file size`, filePath);
    }
    paths.add(filePath);
  }
}

/** `INVALID_ARGUMENT` unless these name distinct files of these contents. */
export function checkNamedFiles(files: readonly DataFile[], wanted: readonly FileContent[]): void {
  const paths = new Set<string>();
  for (const { filePath, content } of files) {
    if (!wanted.includes(content)) {
      throw refuse(
        `${filePath} has content ${content}; what is removed here is ${wanted.join(' or ')}`,
        filePath,
      );
    }
    if (paths.has(filePath)) throw refuse(`${filePath} is given twice`, filePath);
    paths.add(filePath);
  }
}

/** `INVALID_ARGUMENT` when a file both goes and comes: a location names one file for ever. */
export function checkDisjoint(removed: readonly DataFile[], added: readonly DataFile[]): void {
  const paths = new Set(removed.map(({ filePath }) => filePath));
  const both = added.find(({ filePath }) => paths.has(filePath));
  if (both !== undefined) throw refuse(`${both.filePath} is both removed and added`, both.filePath);
}

/** Files by partition spec, newest spec first; each spec has manifests of its own. */
export function groupBySpec<T extends { readonly specId: number }>(
  files: readonly T[],
): readonly (readonly [specId: number, files: readonly T[]])[] {
  const groups = new Map<number, T[]>();
  for (const file of files) {
    const group = groups.get(file.specId);
    if (group === undefined) groups.set(file.specId, [file]);
    else group.push(file);
  }
  return [...groups].sort(([left], [right]) => right - left);
}

function refuse(message: string, filePath: string): IcebergError {
  return new IcebergError('INVALID_ARGUMENT', message, { context: { filePath } });
}
